// SPDX-License-Identifier: MIT
/*
 * drivers: no driver model reads a stale value, and each broken model does
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../examples/drivers/model_abi.h"
#include "models.h"

#define CASE_NS		(NS_PER_S / 4)
#define BROKEN_TRIES	20

/* Since 5.15 */
#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif

static void faults_set(unsigned int faults)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", faults);
	CHECK_EQ(sysfs_write(DRIVERS_FAULT, text), 0);
}

void test_setup(void)
{
	if (access(DRIVERS_FAULT, F_OK)) {
		fprintf(stderr, "drivers: the driver models are not loaded\n");
		_exit(1);
	}
	sysfs_write(DRIVERS_WINDOW, "1");
}

/* A test that ended in the middle may have left a fault. */
const char *test_check_after(void)
{
	return sysfs_write(DRIVERS_FAULT, "0") ? "the faults could not be removed" : NULL;
}

static void model_check(const char *model)
{
	const struct drivers_op *op;
	struct drivers_result result;

	for (op = drivers_ops; op->name; op++) {
		drivers_run(model, op, CASE_NS, &result);
		test_check(result.verdict == DRIVERS_COHERENT || result.verdict == DRIVERS_SKIPPED,
			   "%s, %s: %llu reads, %s", model, op->name,
			   (unsigned long long)result.nr_reads, result.saw);
	}
}

TEST(drivers_coherent)
{
	size_t i;

	test_checked();
	for (i = 0; drivers_models[i]; i++)
		model_check(drivers_models[i]);
}

/* Returns the number of stale reads of a case; repeats the case until there is one. */
static unsigned long long stale_reads(const char *model, const struct drivers_op *op)
{
	struct drivers_result result = { .nr_stale = 0 };
	int i;

	for (i = 0; i < BROKEN_TRIES && !result.nr_stale; i++) {
		drivers_run(model, op, CASE_NS, &result);
		CHECK(result.verdict == DRIVERS_STALE || result.verdict == DRIVERS_COHERENT);
	}
	return result.nr_stale;
}

static const struct drivers_op *op_find(const char *name)
{
	const struct drivers_op *op;

	for (op = drivers_ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	FAIL("no operation %s", name);
}

/* fork() and migrations leave a pinned page where it is. */
static bool is_pinned(const char *model)
{
	return strncmp(model, "hfi1", 4) == 0 || !strcmp(model, "i915_userptr") ||
	       !strcmp(model, "scif_dma");
}

static void deaf_check(const struct drivers_op *op)
{
	size_t i;

	for (i = 0; drivers_models[i]; i++)
		if (op->clears || !is_pinned(drivers_models[i]))
			test_check(stale_reads(drivers_models[i], op), "%s, %s",
				   drivers_models[i], op->name);
}

/* Without the calls of its callback, the device keeps pages that the process has lost. */
TEST(drivers_deaf_is_stale)
{
	const struct drivers_op *op;

	test_checked();
	faults_set(MODEL_FAULT_DEAF);
	for (op = drivers_ops; op->name; op++)
		if (!op->lacks || !op->lacks())
			deaf_check(op);
	faults_set(0);
}

/*
 * Without read_retry(), a model that keeps pages installs pages of before an invalidation.
 * i915_userptr takes new pages for the next execution in any case.
 */
TEST(drivers_without_retry_is_stale)
{
	size_t i;

	test_checked();
	faults_set(MODEL_FAULT_RETRY);
	for (i = 0; drivers_models[i]; i++)
		if (strcmp(drivers_models[i], "i915_userptr") != 0)
			test_check(stale_reads(drivers_models[i], op_find("remap")), "%s",
				   drivers_models[i]);
	faults_set(0);
}

static void read_until_killed(const char *model, int ready)
{
	struct model m = model_start(model, DRIVERS_PAGES);

	CHECK_EQ(write(ready, "", 1), 1);
	for (;;)
		model_read(&m, 0, NULL);
}

/* Reap the memory of a killed process, which may have exited by now, or veto that. */
static void reap(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	CHECK(fd >= 0);
	if (syscall(SYS_process_mrelease, fd, 0))
		CHECK(errno == ESRCH || errno == EAGAIN || errno == ENOSYS);
	close(fd);
}

/* The process is killed while its device reads, and its memory is reaped or not. */
static void model_kill(const char *model, bool reaps)
{
	int status, fds[2];
	char byte;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (!pid)
		read_until_killed(model, fds[1]);
	CHECK(pid > 0);
	close(fds[1]);
	CHECK_EQ(read(fds[0], &byte, 1), 1);
	close(fds[0]);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	if (reaps)
		reap(pid);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(drivers_killed_in_the_middle)
{
	size_t i;
	int round;

	for (i = 0; drivers_models[i]; i++)
		for (round = 0; round < 10; round++)
			model_kill(drivers_models[i], round % 2);
}

/* The memory goes when the process exits; the file is closed after that. */
TEST(drivers_exit_with_entries)
{
	size_t i;
	int status;
	pid_t pid;

	for (i = 0; drivers_models[i]; i++) {
		pid = fork();
		if (!pid) {
			struct model m = model_start(drivers_models[i], DRIVERS_PAGES);

			CHECK_EQ(model_read(&m, 0, NULL), 0);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
}

/* A child has another address space than the file. */
TEST(drivers_other_address_space)
{
	size_t i;
	int status;
	pid_t pid;

	for (i = 0; drivers_models[i]; i++) {
		struct model m = model_start(drivers_models[i], 1);

		pid = fork();
		if (!pid)
			_exit(model_read(&m, 0, NULL) != -EXDEV);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		model_stop(&m);
	}
}
