// SPDX-License-Identifier: MIT
/*
 * engine: the OOM reaper
 *
 * In a memory cgroup, a victim has most of the memory, has subscribed to it, and is
 * stalled in the lab; another process wants more than is left. The victim is killed,
 * cannot die, and the OOM reaper takes its memory, if it may.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "engine.h"

#define MEMORY_MAX	"50331648"
#define VICTIM_PAGES	6144UL	/* half of it */
#define HOG_PAGES	8192UL	/* more than the rest, less than all */
#define PATIENCE_S	30

#define ROOT	"/tmp/cgroup"
#define GROUP	ROOT "/engine"

enum { COUNTING, KERNEL, SLEEPER };

static int put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -1;
	if (write(fd, value, strlen(value)) < 0)
		ret = -1;
	close(fd);
	return ret;
}

/* Return: false when there is no such group to be had; that has been said. */
static bool group_make(void)
{
	mkdir(ROOT, 0755);
	if (mount("cgroup2", ROOT, "cgroup2", 0, NULL) ||
	    put(ROOT "/cgroup.subtree_control", "+memory") || mkdir(GROUP, 0755)) {
		skip("no memory cgroup (v2): %s", strerror(errno));
		umount(ROOT);
		return false;
	}
	if (put(GROUP "/memory.max", MEMORY_MAX))
		die("memory.max");
	return true;
}

static void group_remove(void)
{
	if (rmdir(GROUP))
		die("rmdir %s", GROUP);
	umount(ROOT);
}

static void victim_run(int fd, bool sleeper)
{
	char *area;

	if (put(GROUP "/cgroup.procs", "0") || put("/proc/self/oom_score_adj", "1000"))
		die("into the group");
	area = map_pages(VICTIM_PAGES);
	lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area,
		VICTIM_PAGES * PAGE);
	lab_add(fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING, area,
		VICTIM_PAGES * PAGE);
	if (sleeper)
		lab_add_with(fd, (struct pinwatch_test_add) {
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

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		victim_run(fd, sleeper);
	}
	lab_wait(fd, PINWATCH_TEST_STALL, 1);
	return pid;
}

static pid_t hog_start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (put(GROUP "/cgroup.procs", "0"))
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
	return lab_read(fd, COUNTING).non_blockable > 0;
}

static bool is_refused(int fd, uint64_t vetoes)
{
	(void)fd;
	return pw_stats().vetoes > vetoes;
}

/* The kernel's remove outlasts what is in flight in the mm, and no more. */
#define REMOVE_MAX_NS	5000000000ULL

static void oom(bool sleeper)
{
	struct pinwatch_test_time removed;
	uint64_t vetoes = pw_stats().vetoes;
	int fd = lab_open(), status;
	pid_t victim, hog;

	victim = victim_start(fd, sleeper);
	hog = hog_start();
	if (sleeper) {
		check(await(is_refused, fd, vetoes), "the OOM reaper is refused");
		check(!lab_read(fd, SLEEPER).callbacks, "the sleeper is not called");
		lab_begin(fd, KERNEL);
		check(true, "read_begin of the kernel's own notifier returns");
		lab_del(fd, SLEEPER);
	}
	check(await(is_reaped, fd, 0), "%s, a range that is not blockable is called back",
	      sleeper ? "with the sleeper removed" : "with none that sleeps");
	lab_begin(fd, KERNEL);
	check(true, "read_begin of the kernel's own notifier returns");
	/* It sleeps at times while the victim is being reaped: on 5.10, seen by chance. */
	removed = lab_del(fd, KERNEL);
	check(removed.ns < REMOVE_MAX_NS, "... and so does remove (%llu us, %u sleeps)",
	      (unsigned long long)removed.ns / 1000, removed.sleeps);
	if (waitpid(hog, &status, 0) != hog)
		die("waitpid");
	check(!status, "the other process got its memory (status %#x)", status);
	lab_release(fd, PINWATCH_TEST_STALL);
	if (waitpid(victim, &status, 0) != victim)
		die("waitpid");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the victim is gone");
	close(fd);
}

void engine_oom(void)
{
	if (!group_make())
		return;
	/* The kernel shows a stack when it kills for want of memory: not here. */
	klogctl(8, NULL, 1);
	oom(false);
	oom(true);
	klogctl(8, NULL, 7);
	group_remove();
}
