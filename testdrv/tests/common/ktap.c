// SPDX-License-Identifier: MIT
/* See ktap.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"

#define STATUS_FAIL	1
#define STATUS_SKIP	4	/* as in the kernel's selftests */
#define TEST_SECONDS	180
#define SLOW_SECONDS	5

/* Shared with the tests' processes. */
static char (*skip_reason)[128];

void ktap_fail(const char *file, int line, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	va_list args;

	printf("# %s:%d: ", slash ? slash + 1 : file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(STATUS_FAIL);
}

void ktap_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(*skip_reason, sizeof(*skip_reason), format, args);
	va_end(args);
	_exit(STATUS_SKIP);
}

void ktap_note(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

/* Returns the wait status. */
static int test_run(const struct ktap_test *test)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		alarm(TEST_SECONDS);
		test->run();
		fflush(NULL);
		_exit(0);
	}
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	return status;
}

/* Returns true unless the test failed. */
static bool test_report(const struct ktap_test *test, int number, int status)
{
	bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP;
	bool passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (WIFSIGNALED(status))
		ktap_note("%s: %s", test->name, strsignal(WTERMSIG(status)));
	printf("%sok %d %s", passed || skipped ? "" : "not ", number, test->name);
	if (skipped)
		printf(" # SKIP %s", *skip_reason);
	printf("\n");
	fflush(stdout);
	return passed || skipped;
}

int ktap_main(const struct ktap_test *tests)
{
	int nr = 0, failed = 0, i;

	skip_reason = mmap(NULL, sizeof(*skip_reason), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skip_reason == MAP_FAILED)
		return STATUS_FAIL;
	while (tests[nr].name)
		nr++;
	printf("KTAP version 1\n1..%d\n", nr);
	for (i = 0; i < nr; i++) {
		time_t begin = time(NULL);
		int status = test_run(&tests[i]);

		failed += !test_report(&tests[i], i + 1, status);
		if (time(NULL) - begin >= SLOW_SECONDS)
			ktap_note("that took %ld s", (long)(time(NULL) - begin));
	}
	ktap_note("%d passed, %d failed", nr - failed, failed);
	return failed ? STATUS_FAIL : 0;
}
