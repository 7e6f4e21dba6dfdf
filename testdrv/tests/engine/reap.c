// SPDX-License-Identifier: MIT
/*
 * engine: callbacks for process_mrelease(2), whose ranges are not blockable
 *
 * A child subscribes, stalls in PINWATCH_TEST_IOC_STALL, and is killed there. While the
 * child cannot exit, process_mrelease(2) reaps the child's memory. The parent reads the
 * child's subscriptions through the open file, which belongs to the parent.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"
#include "tracing.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

#define NR_PAGES	8

/* Ids of the child's subscriptions, in the order of insertion */
enum { SLOW, COUNTING, TWO_PASS, KERNEL, SLEEPER };

struct victim {
	pid_t pid;
	int fd;
	int pidfd;
};

static void add(int fd, unsigned int behaviour, unsigned int flags, char *start)
{
	sub_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = behaviour,
		.flags = flags,
		.sleep_us = 20000,
		.start = (uintptr_t)start,
		.length = NR_PAGES * PAGE,
	});
}

/* @sleeper: also subscribe without PINWATCH_OPS_NEVER_SLEEPS. */
static void subscribe(int fd, bool sleeper)
{
	char *area = map_pages(NR_PAGES);

	add(fd, PINWATCH_TEST_SLOW, 0, area);
	add(fd, PINWATCH_TEST_COUNTING, 0, area);
	add(fd, PINWATCH_TEST_SLOW, PINWATCH_TEST_F_TWO_PASS, area);
	sub_add(fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING, area, NR_PAGES * PAGE);
	if (sleeper)
		add(fd, PINWATCH_TEST_SLOW, PINWATCH_TEST_F_SLEEPS, area);
}

static void victim_start(struct victim *victim, bool sleeper)
{
	if (syscall(SYS_process_mrelease, -1, 0) && errno == ENOSYS)
		SKIP("this kernel has no process_mrelease(2)");
	victim->fd = driver_open();
	victim->pid = fork();
	CHECK(victim->pid >= 0);
	if (!victim->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		subscribe(victim->fd, sleeper);
		ioctl(victim->fd, PINWATCH_TEST_IOC_STALL);
		_exit(1);
	}
	sub_wait(victim->fd, PINWATCH_TEST_STALL, 1);
	victim->pidfd = syscall(SYS_pidfd_open, victim->pid, 0);
	CHECK(victim->pidfd >= 0);
	kill(victim->pid, SIGKILL);
}

static int victim_reap(const struct victim *victim)
{
	return syscall(SYS_process_mrelease, victim->pidfd, 0) ? -errno : 0;
}

static void victim_end(const struct victim *victim)
{
	int status;

	sub_release(victim->fd, PINWATCH_TEST_STALL);
	CHECK_EQ(waitpid(victim->pid, &status, 0), victim->pid);
	test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child is gone");
	test_check(sub_read(victim->fd, COUNTING).events & EVENT_RELEASE,
		   "the end of the mm was called back");
	test_check(!sub_del(victim->fd, COUNTING).sleeps, "remove does not sleep");
	close(victim->pidfd);
	close(victim->fd);
}

/* No invalidation may be left in flight, in either engine. */
static void check_nothing_in_flight(const struct victim *victim)
{
	struct pinwatch_stats before = pw_stats();

	sub_begin(victim->fd, KERNEL);
	test_check(true, "read_begin of the kernel's own notifier returns");
	sub_begin(victim->fd, COUNTING);
	test_check(pw_stats().waits == before.waits,
		   "read_begin of pinwatch does not sleep");
}

static void check_reaped(const struct victim *victim)
{
	struct pinwatch_test_read slow = sub_read(victim->fd, SLOW);
	struct pinwatch_test_read counting = sub_read(victim->fd, COUNTING);
	struct pinwatch_test_read two_pass = sub_read(victim->fd, TWO_PASS);

	test_check(slow.callbacks == 1 && slow.non_blockable == 1,
		   "the slow subscription was called once, and did not sleep");
	test_check(counting.callbacks == 1 && counting.non_blockable == 1,
		   "the counting subscription was called once");
	test_check(two_pass.non_blockable == 1 && two_pass.finishes == 1,
		   "the two-pass subscription had both passes");
	test_check(sub_read(victim->fd, KERNEL).non_blockable > 0,
		   "the kernel's own notifier was called");
}

TEST(engine_reap)
{
	struct pinwatch_stats before = pw_stats();
	struct victim victim;
	int ret;

	victim_start(&victim, false);
	ret = victim_reap(&victim);
	test_check(!ret, "process_mrelease succeeds at once (%d)", ret);
	check_reaped(&victim);
	test_check(pw_stats().vetoes == before.vetoes, "nothing was vetoed");
	check_nothing_in_flight(&victim);
	test_check(!sub_del(victim.fd, KERNEL).sleeps, "the kernel's remove returns");
	victim_end(&victim);
}

/* Count the vetoes of the current process in the trace. */
static size_t traced(char *line, size_t size)
{
	char actor[32];

	snprintf(actor, sizeof(actor), "-%d ", getpid());
	return tracing_count((const char *const[]){ "pinwatch_veto:", actor, NULL },
			       line, size);
}

/* A sleeper vetoes process_mrelease(2) before the first callback of pinwatch. */
static void check_vetoed(const struct victim *victim)
{
	struct pinwatch_stats before = pw_stats();
	struct pinwatch_test_read sleeper;
	char line[256] = "";
	uint64_t vetoes;
	int ret;

	tracing_clear();
	tracing_enable("pinwatch_veto", true);
	ret = victim_reap(victim);
	tracing_enable("pinwatch_veto", false);
	vetoes = pw_stats().vetoes - before.vetoes;

	test_check(ret == -EAGAIN, "process_mrelease fails with EAGAIN (%d)", ret);
	test_check(vetoes > 0, "the veto is counted");
	test_check(traced(line, sizeof(line)) == vetoes, "the veto is traced: %s", line);
	sleeper = sub_read(victim->fd, SLEEPER);
	test_check(!sleeper.callbacks, "the sleeper was not called");
	test_check(!sub_read(victim->fd, SLOW).callbacks &&
		   !sub_read(victim->fd, COUNTING).callbacks,
		   "the other subscriptions were not called");
	check_nothing_in_flight(victim);
}

TEST(engine_reap_sleeper_removed)
{
	struct victim victim;
	int ret;

	victim_start(&victim, true);
	test_check(tracing_mount(), "tracefs is there");
	check_vetoed(&victim);
	check_vetoed(&victim);
	sub_del(victim.fd, SLEEPER);
	ret = victim_reap(&victim);
	test_check(!ret, "with the sleeper removed process_mrelease succeeds (%d)", ret);
	check_reaped(&victim);
	check_nothing_in_flight(&victim);
	test_check(!sub_del(victim.fd, KERNEL).sleeps, "the kernel's remove returns");
	victim_end(&victim);
}

TEST(engine_reap_sleeper_exits)
{
	struct pinwatch_test_read read;
	struct victim victim;
	int status;

	victim_start(&victim, true);
	test_check(tracing_mount(), "tracefs is there");
	check_vetoed(&victim);
	test_check(!sub_del(victim.fd, KERNEL).sleeps, "the kernel's remove returns");
	sub_release(victim.fd, PINWATCH_TEST_STALL);
	CHECK_EQ(waitpid(victim.pid, &status, 0), victim.pid);
	/* exit_mmap() invalidates blockably, so the sleeping subscription is called. */
	read = sub_read(victim.fd, SLEEPER);
	test_check(read.events & EVENT_RELEASE && !read.non_blockable,
		   "the sleeper is called when the child dies");
	test_check(!sub_del(victim.fd, SLEEPER).sleeps,
		   "remove of the sleeper does not sleep");
	close(victim.pidfd);
	close(victim.fd);
}
