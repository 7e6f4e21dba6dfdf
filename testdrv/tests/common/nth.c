// SPDX-License-Identifier: MIT
/* See nth.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nth.h"
#include "sysfs.h"
#include "test.h"

#define MAX_NTH		1000
#define STACK_BYTES	32768

/* Exit statuses of the process that makes the call */
enum {
	NTH_REFUSED = 100,	/* ENOMEM, then success */
	NTH_MANAGED,		/* an allocation failed, the call did not */
	NTH_ENOUGH		/* no allocation failed */
};

/* Of both injectors: fail allocations that can wait or are of highmem; print nothing. */
static void injectors_set(void)
{
	static const struct {
		const char *path, *value;
	} settings[] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
	};
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (sysfs_write(settings[i].path, settings[i].value))
			FAIL("%s: this kernel injects no faults", settings[i].path);
}

/* Page faults below this function allocate no stack. */
static void stack_touch(void)
{
	volatile char stack[STACK_BYTES];
	size_t i;

	for (i = 0; i < sizeof(stack); i++)
		stack[i] = 0;
}

static void nth_write(int fd, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	CHECK_EQ(pwrite(fd, text, (size_t)length, 0), length);
}

/* Returns true if the allocation has failed. */
static bool nth_failed(int fd)
{
	char text[16] = "";

	CHECK(pread(fd, text, sizeof(text) - 1, 0) > 0);
	nth_write(fd, 0);
	return !strtoul(text, NULL, 10);
}

static int nth_run(const struct nth_case *nth, unsigned int n)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	bool failed;
	int ret;

	CHECK(fd >= 0);
	if (nth->prepare)
		nth->prepare();
	stack_touch();
	nth_write(fd, n);
	ret = nth->call();
	failed = nth_failed(fd);
	if (ret && !(failed && ret == -ENOMEM))
		FAIL("%s, allocation %u: %s", nth->name, n, strerror(-ret));
	if (!failed)
		return NTH_ENOUGH;
	if (!ret)
		return NTH_MANAGED;
	ret = nth->call();
	if (ret)
		FAIL("%s, after allocation %u: %s", nth->name, n, strerror(-ret));
	return NTH_REFUSED;
}

/* Returns the exit status of the process, or -1. */
static int nth_fork(const struct nth_case *nth, unsigned int n)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid)
		_exit(nth_run(nth, n));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

void nth_sweep(const struct nth_case *nth)
{
	unsigned int n, nr_refused = 0;
	int status = NTH_MANAGED;

	injectors_set();
	for (n = 1; n <= MAX_NTH; n++) {
		status = nth_fork(nth, n);
		if (status != NTH_REFUSED && status != NTH_MANAGED)
			break;
		nr_refused += status == NTH_REFUSED;
	}
	test_check(status == NTH_ENOUGH && n > nth->least,
		   "%s: %u allocations, ENOMEM for %u", nth->name, n - 1, nr_refused);
}
