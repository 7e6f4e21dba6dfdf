// SPDX-License-Identifier: MIT
/*
 * engine: memory reapers, whose ranges are not blockable
 *
 * A child subscribes and stalls in a system call of the lab. It is killed there, and
 * process_mrelease(2) reaps its memory while it cannot die. What its subscriptions
 * saw is read through the file, which is the parent's.
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

/* The child's subscriptions, by id: in the order of their insertion. */
enum { SLOW, COUNTING, TWO_PASS, KERNEL, SLEEPER };

struct victim {
	pid_t pid;
	int fd;
	int pidfd;
};

static void add(int fd, unsigned int behaviour, unsigned int flags, char *start)
{
	lab_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = behaviour,
		.flags = flags,
		.sleep_us = 20000,
		.start = (uintptr_t)start,
		.length = NR_PAGES * PAGE,
	});
}

/* @sleeper: one that has declared nothing as well, over the same pages. */
static void subscribe(int fd, bool sleeper)
{
	char *area = map_pages(NR_PAGES);

	add(fd, PINWATCH_TEST_SLOW, 0, area);
	add(fd, PINWATCH_TEST_COUNTING, 0, area);
	add(fd, PINWATCH_TEST_SLOW, PINWATCH_TEST_F_TWO_PASS, area);
	lab_add(fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING, area, NR_PAGES * PAGE);
	if (sleeper)
		add(fd, PINWATCH_TEST_SLOW, PINWATCH_TEST_F_SLEEPS, area);
}

/* Return: false when this kernel cannot do it; that has been said. */
static bool victim_start(struct victim *victim, bool sleeper)
{
	if (syscall(SYS_process_mrelease, -1, 0) && errno == ENOSYS) {
		skip("this kernel has no process_mrelease(2)");
		return false;
	}
	victim->fd = lab_open();
	victim->pid = fork();
	if (victim->pid < 0)
		die("fork");
	if (!victim->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		subscribe(victim->fd, sleeper);
		ioctl(victim->fd, PINWATCH_TEST_IOC_STALL);
		_exit(1);
	}
	lab_wait(victim->fd, PINWATCH_TEST_STALL, 1);
	victim->pidfd = syscall(SYS_pidfd_open, victim->pid, 0);
	if (victim->pidfd < 0)
		die("pidfd_open");
	kill(victim->pid, SIGKILL);
	return true;
}

static int victim_reap(const struct victim *victim)
{
	return syscall(SYS_process_mrelease, victim->pidfd, 0) ? -errno : 0;
}

static void victim_end(const struct victim *victim)
{
	int status;

	lab_release(victim->fd, PINWATCH_TEST_STALL);
	if (waitpid(victim->pid, &status, 0) != victim->pid)
		die("waitpid");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child is gone");
	check(lab_read(victim->fd, COUNTING).events & EVENT_RELEASE,
	      "its end was called back");
	check(!lab_del(victim->fd, COUNTING).sleeps, "remove does not sleep");
	close(victim->pidfd);
	close(victim->fd);
}

/* Nothing may be left in flight: not in our engine, nor in the kernel's. */
static void check_nobody_hangs(const struct victim *victim)
{
	struct pinwatch_stats before = pw_stats();

	lab_begin(victim->fd, KERNEL);
	check(true, "read_begin of the kernel's own notifier returns");
	lab_begin(victim->fd, COUNTING);
	check(pw_stats().waits == before.waits, "read_begin of ours does not sleep");
}

static void check_reaped(const struct victim *victim)
{
	struct pinwatch_test_read slow = lab_read(victim->fd, SLOW);
	struct pinwatch_test_read counting = lab_read(victim->fd, COUNTING);
	struct pinwatch_test_read two_pass = lab_read(victim->fd, TWO_PASS);

	check(slow.callbacks == 1 && slow.non_blockable == 1,
	      "one that sleeps elsewhere was called once, and did not");
	check(counting.callbacks == 1 && counting.non_blockable == 1,
	      "another was called once");
	check(two_pass.non_blockable == 1 && two_pass.finishes == 1,
	      "one with two passes was given both");
	check(lab_read(victim->fd, KERNEL).non_blockable > 0,
	      "the kernel's own notifier was called");
}

void engine_reap(void)
{
	struct pinwatch_stats before = pw_stats();
	struct victim victim;
	int ret;

	if (!victim_start(&victim, false))
		return;
	ret = victim_reap(&victim);
	check(!ret, "process_mrelease succeeds at once (%d)", ret);
	check_reaped(&victim);
	check(pw_stats().vetoes == before.vetoes, "nothing was refused");
	check_nobody_hangs(&victim);
	check(!lab_del(victim.fd, KERNEL).sleeps, "the kernel's remove returns");
	victim_end(&victim);
}

/* How often this process was refused, by the trace. */
static size_t traced(char *line, size_t size)
{
	char actor[32];

	snprintf(actor, sizeof(actor), "-%d ", getpid());
	return tracing_count((const char *const[]){ "pinwatch_veto:", actor, NULL },
			       line, size);
}

/* With one that may sleep: refused, before any callback of ours. */
static void refused(const struct victim *victim)
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

	check(ret == -EAGAIN, "process_mrelease is told to come back (%d)", ret);
	check(vetoes > 0, "the refusal is counted");
	check(traced(line, sizeof(line)) == vetoes, "and traced: %s", line);
	sleeper = lab_read(victim->fd, SLEEPER);
	check(!sleeper.callbacks, "the one that would sleep was not called");
	check(!lab_read(victim->fd, SLOW).callbacks &&
	      !lab_read(victim->fd, COUNTING).callbacks, "nor were the others");
	check_nobody_hangs(victim);
}

void engine_reap_sleeper_removed(void)
{
	struct victim victim;
	int ret;

	if (!victim_start(&victim, true))
		return;
	check(tracing_mount(), "tracefs is there");
	refused(&victim);
	refused(&victim);
	lab_del(victim.fd, SLEEPER);
	ret = victim_reap(&victim);
	check(!ret, "with the sleeper removed it succeeds (%d)", ret);
	check_reaped(&victim);
	check_nobody_hangs(&victim);
	check(!lab_del(victim.fd, KERNEL).sleeps, "the kernel's remove returns");
	victim_end(&victim);
}

void engine_reap_sleeper_exits(void)
{
	struct pinwatch_test_read read;
	struct victim victim;
	int status;

	if (!victim_start(&victim, true))
		return;
	check(tracing_mount(), "tracefs is there");
	refused(&victim);
	check(!lab_del(victim.fd, KERNEL).sleeps, "the kernel's remove returns");
	lab_release(victim.fd, PINWATCH_TEST_STALL);
	if (waitpid(victim.pid, &status, 0) != victim.pid)
		die("waitpid");
	/* Dying is a blockable matter. */
	read = lab_read(victim.fd, SLEEPER);
	check(read.events & EVENT_RELEASE && !read.non_blockable,
	      "the sleeper is called when the child dies");
	check(!lab_del(victim.fd, SLEEPER).sleeps, "its remove does not sleep");
	close(victim.pidfd);
	close(victim.fd);
}
