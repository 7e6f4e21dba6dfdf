// SPDX-License-Identifier: MIT
/* See test.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define STATUS_FAIL	1
#define STATUS_SKIP	4	/* as in the kernel's selftests */
#define SLOW_NS		(5 * NS_PER_S)

static struct test *tests;
static uint64_t seed;
static struct {
	char skip_reason[128];
	bool has_seed;
	bool checked;
	uint64_t seed;
} *shared;				/* with the child processes */
static const char *running;		/* name of the test, in its process */
static volatile pid_t group;		/* of the test's processes, or 0 */
static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };	/* that end the program */
static unsigned int nr_checks, nr_failed_checks;

__attribute__((weak)) void test_setup(void)
{
}

__attribute__((weak)) const char *test_check_after(void)
{
	return NULL;
}

__attribute__((weak)) void test_abort(void)
{
}

static bool runs_before(const struct test *test, const struct test *other)
{
	if (test->last != other->last)
		return other->last;
	return !strcmp(test->file, other->file) && test->line < other->line;
}

/* The compiler chooses the order of the constructors of one file: sort by line. */
void test_register(struct test *test)
{
	struct test **link = &tests;

	while (*link && !runs_before(test, *link))
		link = &(*link)->next;
	test->next = *link;
	*link = test;
}

static void print(const char *prefix, const char *format, va_list args)
{
	char line[1024];

	vsnprintf(line, sizeof(line), format, args);
	printf("%s%s\n", prefix, line);
	fflush(stdout);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	char prefix[128];
	va_list args;

	snprintf(prefix, sizeof(prefix), "# %s:%d: ", slash ? slash + 1 : file, line);
	va_start(args, format);
	print(prefix, format, args);
	va_end(args);
	test_abort();
	_exit(STATUS_FAIL);
}

void test_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(shared->skip_reason, sizeof(shared->skip_reason), format, args);
	va_end(args);
	_exit(STATUS_SKIP);
}

void test_skip_with(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP)
		_exit(STATUS_SKIP);
}

void test_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(nr_checks ? "    # " : "# ", format, args);
	va_end(args);
}

void test_checked(void)
{
	if (shared)
		__atomic_store_n(&shared->checked, true, __ATOMIC_RELAXED);
}

bool test_check(bool ok, const char *format, ...)
{
	char prefix[32];
	va_list args;

	test_checked();
	if (!nr_checks)
		printf("    # Subtest: %s\n", running);
	nr_failed_checks += !ok;
	snprintf(prefix, sizeof(prefix), "    %sok %u ", ok ? "" : "not ", ++nr_checks);
	va_start(args, format);
	print(prefix, format, args);
	va_end(args);
	return ok;
}

unsigned int test_slower(void)
{
	const char *slower = getenv("TEST_SLOWER");
	unsigned int times = slower ? (unsigned int)strtoul(slower, NULL, 10) : 1;

	return times ? times : 1;
}

static void test_child(const struct test *test)
{
	running = test->name;
	alarm((test->seconds ? test->seconds : TEST_SECONDS) * test_slower());
	test->run();
	if (nr_checks)
		printf("    1..%u\n", nr_checks);
	if (!__atomic_load_n(&shared->checked, __ATOMIC_RELAXED))
		test_fail(test->file, test->line, "%s made no check", test->name);
	fflush(NULL);
	_exit(nr_failed_checks ? STATUS_FAIL : 0);
}

/* The program was told to end. */
static void handle_end(int number)
{
	if (group)
		kill(-group, SIGKILL);
	_exit(128 + number);
}

static void ends_handle(void (*handler)(int))
{
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		signal(ends[i], handler);
}

static void ends_mask(int how)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(how, &set, NULL);
}

/* Start a test in a process group of its own. */
static pid_t test_start(const struct test *test)
{
	pid_t pid;

	/* handle_end() must know the group of a test that runs. */
	ends_mask(SIG_BLOCK);
	pid = fork();
	/* The runner and the test both set the group, because either can run first. */
	if (pid >= 0)
		setpgid(pid, 0);
	if (!pid) {
		ends_handle(SIG_DFL);
		/* tcdrain() of a background group stops the test otherwise. */
		signal(SIGTTOU, SIG_IGN);
		ends_mask(SIG_UNBLOCK);
		test_child(test);
	}
	group = pid > 0 ? pid : 0;
	ends_mask(SIG_UNBLOCK);
	return pid;
}

/*
 * Returns the wait status. A test that fails may leave child processes. These have inherited
 * the ends of pipes, so that a reader of the program's output would never see its end: the
 * runner kills the test's process group.
 */
static int test_run(const struct test *test)
{
	int status = -1;
	siginfo_t info;
	pid_t pid;

	shared->has_seed = false;
	shared->checked = false;
	fflush(NULL);
	pid = test_start(test);
	if (pid > 0) {
		/* The test stays a zombie, which keeps the number of the group. */
		while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) && errno == EINTR)
			;
		kill(-pid, SIGKILL);
		group = 0;
		waitpid(pid, &status, 0);
	}
	return status;
}

/* Returns true unless the test failed. */
static bool test_report(const struct test *test, int number, int status)
{
	bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP;
	bool passed = skipped || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
	const char *reason = test_check_after();

	if (WIFSIGNALED(status))
		test_note("%s: %s", test->name, strsignal(WTERMSIG(status)));
	if (reason)
		test_note("%s: %s", test->name, reason);
	passed = passed && !reason;
	if (!passed && shared->has_seed)
		test_note("%s: seed %" PRIu64, test->name, shared->seed);
	printf("%sok %d %s", passed ? "" : "not ", number, test->name);
	if (skipped && passed)
		printf(" # SKIP %s", shared->skip_reason);
	printf("\n");
	fflush(stdout);
	return passed;
}

struct options {
	bool list;
	bool full;
	bool parallel;
	bool bail;
	char **names;	/* ends in NULL */
};

static bool selected(const struct test *test, const struct options *options)
{
	char **name;

	for (name = options->names; *name; name++)
		if (strstr(test->name, *name))
			return true;
	return !*options->names && test->parallel == options->parallel &&
	       (options->full || !test->full);
}

static void options_read(struct options *options, char **argv)
{
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = now_ns();
	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		if (!strcmp(*argv, "--list")) {
			options->list = true;
		} else if (!strcmp(*argv, "--full")) {
			options->full = true;
		} else if (!strcmp(*argv, "--parallel")) {
			options->parallel = true;
		} else if (!strcmp(*argv, "--bail")) {
			options->bail = true;
		} else if (!strcmp(*argv, "--seed") && argv[1]) {
			seed = strtoull(*++argv, NULL, 0);
		} else {
			fputs("usage: [--list|--full|--parallel|--bail|--seed N]... [NAME...]\n",
			      stderr);
			exit(STATUS_FAIL);
		}
	}
	options->names = argv;
}

static int run_all(const struct options *options, int nr)
{
	const struct test *test;
	int number = 0, failed = 0;

	printf("KTAP version 1\n1..%d\n", nr);
	test_note("seed %" PRIu64, seed);
	test_setup();
	ends_handle(handle_end);
	for (test = tests; test; test = test->next) {
		uint64_t begin = now_ns();

		if (!selected(test, options))
			continue;
		failed += !test_report(test, ++number, test_run(test));
		if (now_ns() - begin >= SLOW_NS)
			test_note("that took %" PRIu64 " s", (now_ns() - begin) / NS_PER_S);
		if (failed && options->bail) {
			printf("Bail out! %s failed\n", test->name);
			return STATUS_FAIL;
		}
	}
	test_note("%d passed, %d failed", nr - failed, failed);
	return failed || !nr ? STATUS_FAIL : 0;
}

int test_main(int argc, char **argv)
{
	struct options options = { 0 };
	const struct test *test;
	int nr = 0;

	(void)argc;
	options_read(&options, argv);
	for (test = tests; test; test = test->next) {
		nr += selected(test, &options);
		if (options.list && selected(test, &options))
			puts(test->name);
	}
	if (options.list)
		return 0;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return STATUS_FAIL;
	return run_all(&options, nr);
}

__attribute__((weak)) int main(int argc, char **argv)
{
	return test_main(argc, argv);
}

uint64_t test_seed(void)
{
	return seed;
}

void test_seed_is(uint64_t now)
{
	shared->seed = now;
	shared->has_seed = true;
}

/* splitmix64 */
uint64_t random_next(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15;

	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(random_next(state) % limit);
}
