// SPDX-License-Identifier: MIT
/*
 * engine: runs the tests and prints KTAP
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#define TIMEOUT_S	120
#define FULL_TIMEOUT_S	900

static unsigned int nr_checks, nr_failed;
static bool skipped;

static const struct test {
	const char *name;
	void (*run)(void);
	bool full;	/* long: only when asked for */
} tests[] = {
	{ "engine_overlap_waits", engine_overlap_waits },
	{ "engine_insert_during_invalidation", engine_insert_during_invalidation },
	{ "engine_remove_waits_for_own_callback", engine_remove_waits_for_own_callback },
	{ "engine_two_invalidations", engine_two_invalidations },
	{ "engine_rejected_invalidation", engine_rejected_invalidation },
	{ "engine_remote_write", engine_remote_write },
	{ "engine_remote_truncate", engine_remote_truncate },
	{ "engine_exit_in_truncate", engine_exit_in_truncate },
	{ "engine_register_signal", engine_register_signal },
	{ "engine_register_fork", engine_register_fork },
	{ "engine_register_locked", engine_register_locked },
	{ "engine_many_invalidations", engine_many_invalidations },
	{ "engine_reap", engine_reap },
	{ "engine_reap_sleeper_removed", engine_reap_sleeper_removed },
	{ "engine_reap_sleeper_exits", engine_reap_sleeper_exits },
	{ "engine_oom", engine_oom },
	{ "engine_two_pass_overlaps", engine_two_pass_overlaps },
	{ "engine_two_pass_remove_waits", engine_two_pass_remove_waits },
	{ "engine_two_pass_no_object", engine_two_pass_no_object },
	{ "engine_filter_events", engine_filter_events },
	{ "engine_filter_refused", engine_filter_refused },
	{ "engine_filter_in_flight", engine_filter_in_flight },
	{ "engine_begin_killable", engine_begin_killable },
	{ "engine_begin_timeout", engine_begin_timeout },
	{ "engine_put", engine_put },
	{ "engine_put_itself", engine_put_itself },
	{ "engine_dying_release", engine_dying_release },
	{ "engine_dying_race", engine_dying_race },
	{ "engine_crowd", engine_crowd },
	{ "engine_unload_refused", engine_unload_refused },
	{ "engine_device_killable", engine_device_killable },
	{ "engine_stranger_pinwatch", engine_stranger_pinwatch },
	{ "engine_stranger_kernel", engine_stranger_kernel },
	{ "engine_differential", engine_differential, .full = true },
};

#define NR_TESTS	(sizeof(tests) / sizeof(tests[0]))

void check(bool ok, const char *format, ...)
{
	va_list args;

	nr_failed += !ok;
	printf("    %sok %u - ", ok ? "" : "not ", ++nr_checks);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void remark(const char *format, ...)
{
	va_list args;

	printf("    # ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void skip(const char *format, ...)
{
	va_list args;

	skipped = true;
	printf("    ok %u - # SKIP ", ++nr_checks);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	printf("    not ok %u - ", ++nr_checks);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(error));
	fflush(stdout);
	lab_release_all();
	_exit(1);
}

static void run_child(const struct test *test)
{
	/* What hangs and can be killed is; the rest is the guest's timeout. */
	alarm(test->full ? FULL_TIMEOUT_S : TIMEOUT_S);
	printf("    # Subtest: %s\n", test->name);
	fflush(stdout);
	test->run();
	printf("    1..%u\n", nr_checks);
	fflush(stdout);
	_exit(nr_failed || !nr_checks ? 1 : skipped ? 4 : 0);
}

static bool run(const struct test *test, unsigned int nr)
{
	bool ok, skip;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		run_child(test);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	skip = WIFEXITED(status) && WEXITSTATUS(status) == 4;
	ok = skip || (WIFEXITED(status) && !WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		printf("# %s: killed by signal %d\n", test->name, WTERMSIG(status));
	if (!pw_settles()) {
		printf("# %s: it left registrations or subscriptions behind\n", test->name);
		ok = false;
	}
	printf("%sok %u - %s%s\n", ok ? "" : "not ", nr, test->name,
	       skip ? " # SKIP see above" : "");
	return ok;
}

static bool selected(const struct test *test, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--full") || strstr(test->name, argv[i]))
			return true;
	return argc == 1 && !test->full;
}

/* usage: engine [--full | PART-OF-A-TEST'S-NAME...]	(--full: the long ones too) */
int main(int argc, char **argv)
{
	unsigned int i, nr = 0, failed = 0;

	for (i = 0; i < NR_TESTS; i++)
		nr += selected(&tests[i], argc, argv);
	printf("KTAP version 1\n1..%u\n", nr);
	if (!pw_settles())
		die("somebody else uses pinwatch here");
	nr = 0;
	for (i = 0; i < NR_TESTS; i++)
		if (selected(&tests[i], argc, argv))
			failed += !run(&tests[i], ++nr);
	printf("# engine: %u passed, %u failed\n", nr - failed, failed);
	return failed || !nr;
}
