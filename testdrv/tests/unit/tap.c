// SPDX-License-Identifier: GPL-2.0-only
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "shim/shim.h"
#include "tap.h"

static const char *program, *test;
static unsigned int nr, nr_failed;
static bool test_failed;
unsigned long tap_seed;

/* Also called from a signal handler: must not use stdio. */
static void say(const char *why)
{
	static char line[1024];
	int n = snprintf(line, sizeof(line), "\nnot ok %u - %s: %s\n# seed %lu: %s\n",
			 nr + 1, program, test ? test : "?", tap_seed, why);

	if (write(STDOUT_FILENO, line, n) != n)
		_exit(2);
}

static void on_signal(int sig)
{
	say(sig == SIGALRM ? "watchdog: it hangs" : strsignal(sig));
	_exit(1);
}

static void on_die(const char *reason)
{
	fflush(stdout);
	say(reason);
	signal(SIGABRT, SIG_DFL);
}

void tap_begin(const char *name, unsigned int seconds)
{
	program = name;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	signal(SIGSEGV, on_signal);
#endif
	shim_on_die = on_die;
	alarm(seconds);
}

static void finish_test(void)
{
	if (test)
		printf("%sok %u - %s: %s\n", test_failed ? "not " : "", ++nr, program, test);
	nr_failed += test_failed;
	test_failed = false;
}

void tap_test(const char *name)
{
	finish_test();
	test = name;
}

bool tap_ok(bool ok, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		return true;
	test_failed = true;
	printf("# %s: failed: ", test);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return false;
}

int tap_end(void)
{
	finish_test();
	printf("1..%u\n", nr);
	return nr_failed || !nr;
}
