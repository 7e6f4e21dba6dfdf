// SPDX-License-Identifier: MIT
/*
 * engine: callbacks for the OOM reaper, whose ranges are not blockable
 *
 * In a memory cgroup, a victim uses half of the memory, subscribes to that memory, and
 * stalls in PINWATCH_TEST_IOC_STALL. A second process needs more than the rest. The OOM
 * killer kills the victim, which cannot exit while it stalls. The OOM reaper then reaps
 * the memory of the victim, unless a subscription that may sleep vetoes.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "cgroup.h"
#include "engine.h"
#include "sysfs.h"

#define MEMORY_MAX	50331648UL
#define VICTIM_PAGES	6144UL	/* half of MEMORY_MAX */
#define HOG_PAGES	8192UL	/* more than the rest, less than all */
#define PATIENCE_S	30

enum { COUNTING, KERNEL, SLEEPER };

static void victim_run(int fd, bool sleeper)
{
	char *area;

	CHECK_EQ(cgroup_join(), 0);
	CHECK_EQ(sysfs_write("/proc/self/oom_score_adj", "1000"), 0);
	area = map_pages(VICTIM_PAGES);
	sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area,
		VICTIM_PAGES * PAGE);
	sub_add(fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING, area,
		VICTIM_PAGES * PAGE);
	if (sleeper)
		sub_add_with(fd, (struct pinwatch_test_add) {
			.behaviour = PINWATCH_TEST_COUNTING,
			.flags = PINWATCH_TEST_F_SLEEPS,
			.start = (uintptr_t)area,
			.length = PAGE,
		});
	ioctl(fd, PINWATCH_TEST_IOC_STALL);
	_exit(1);
}

static pid_t victim_start(int fd, bool sleeper)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		victim_run(fd, sleeper);
	}
	sub_wait(fd, PINWATCH_TEST_STALL, 1);
	return pid;
}

static pid_t hog_start(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (cgroup_join())
			_exit(2);
		map_pages(HOG_PAGES);
		_exit(0);
	}
	return pid;
}

static bool await(bool (*over)(int fd, uint64_t arg), int fd, uint64_t arg)
{
	time_t end = time(NULL) + PATIENCE_S;

	while (!over(fd, arg)) {
		if (time(NULL) >= end)
			return false;
		sched_yield();
	}
	return true;
}

static bool is_reaped(int fd, uint64_t arg)
{
	(void)arg;
	return sub_read(fd, COUNTING).non_blockable > 0;
}

static bool is_vetoed(int fd, uint64_t vetoes)
{
	(void)fd;
	return pw_stats().vetoes > vetoes;
}

/* The kernel's remove waits for the invalidations in flight in the mm. */
#define REMOVE_MAX_NS	5000000000ULL

static void oom(bool sleeper)
{
	struct pinwatch_test_time removed;
	uint64_t vetoes = pw_stats().vetoes;
	int fd = driver_open(), status;
	pid_t victim, hog;

	victim = victim_start(fd, sleeper);
	hog = hog_start();
	if (sleeper) {
		test_check(await(is_vetoed, fd, vetoes), "the OOM reaper is vetoed");
		test_check(!sub_read(fd, SLEEPER).callbacks, "the sleeper is not called");
		sub_begin(fd, KERNEL);
		test_check(true, "read_begin of the kernel's own notifier returns");
		sub_del(fd, SLEEPER);
	}
	test_check(await(is_reaped, fd, 0), "%s, a non-blockable range is called back",
		   sleeper ? "with the sleeper removed" : "without a sleeper");
	sub_begin(fd, KERNEL);
	test_check(true, "read_begin of the kernel's own notifier returns");
	/* On 5.10 remove sometimes sleeps while the victim is reaped. */
	removed = sub_del(fd, KERNEL);
	test_check(removed.ns < REMOVE_MAX_NS,
		   "... and so does remove (%llu us, %u sleeps)",
		   (unsigned long long)removed.ns / 1000, removed.sleeps);
	CHECK_EQ(waitpid(hog, &status, 0), hog);
	test_check(!status, "the second process gets memory (status %#x)", status);
	sub_release(fd, PINWATCH_TEST_STALL);
	CHECK_EQ(waitpid(victim, &status, 0), victim);
	test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		   "the victim is dead");
	close(fd);
}

TEST(engine_oom)
{
	int ret = cgroup_make("memory");

	if (ret)
		SKIP("no memory cgroup (v2): %s", strerror(-ret));
	CHECK_EQ(cgroup_write_number("memory.max", MEMORY_MAX), 0);
	/* Keep the stack trace of the OOM killer off the console. */
	klogctl(8, NULL, 1);
	oom(false);
	oom(true);
	klogctl(8, NULL, 7);
	cgroup_remove();
}
