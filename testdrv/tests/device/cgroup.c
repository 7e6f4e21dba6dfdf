// SPDX-License-Identifier: MIT
/* What the module allocates counts for the memory cgroup of the caller. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "device.h"
#include "sysfs.h"

#define GROUP_BYTES	(32UL << 20)
#define GROUP_SLACK	(160UL << 10)	/* bytes that the cgroup may still charge */
#define NR_BINDS	512	/* users of so many descriptors need more than a page */
#define MILLION		1000000UL

/* Keep the report of the OOM killer, with its call trace, off the console. */
static void console(int level)
{
	klogctl(8, NULL, level);
}

/* memory.max. To open it takes memory, which a process of a full group may not get. */
static int limit_fd;

static void memory_limit(unsigned long bytes)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%lu", bytes);

	CHECK_EQ(pwrite(limit_fd, text, length, 0), length);
}

static void memory_cgroup_make(void)
{
	int ret = cgroup_make("memory");

	if (ret)
		SKIP("no memory cgroup (v2): %s", strerror(-ret));
	limit_fd = cgroup_open("memory.max");
	CHECK(limit_fd >= 0);
	memory_limit(GROUP_BYTES);
}

static void memory_cgroup_remove(void)
{
	close(limit_fd);
	cgroup_remove();
}

/* Add watches until ENOMEM, or until the OOM killer kills the process. */
static void memcg_child(uint64_t *nr) __attribute__((noreturn));
static void memcg_child(uint64_t *nr)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd, ret;

	CHECK_EQ(cgroup_join(), 0);
	fd = open_device(0);
	do {
		ret = try_add(fd, addr, page_size(), WATCH, 0, &watch);
		*nr += !ret;
	} while (!ret);
	CHECK_EQ(ret, -ENOMEM);
	_exit(0);
}

TEST(limit_memory_cgroup)
{
	unsigned long per_file = param_get("max_watches_per_file");
	unsigned long per_user = param_get("max_watches_per_user");
	unsigned long per_page = param_get("max_watches_per_page");
	uint64_t *nr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	CHECK(nr != MAP_FAILED);
	memory_cgroup_make();
	param_set("max_watches_per_file", 1048576);
	param_set("max_watches_per_user", 1048576);
	param_set("max_watches_per_page", 1048576);
	console(1);
	pid = fork_child();
	if (!pid)
		memcg_child(nr);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	console(7);
	param_set("max_watches_per_file", per_file);
	param_set("max_watches_per_user", per_user);
	param_set("max_watches_per_page", per_page);
	test_note("%llu watches in a group of %lu MiB, then %s", (unsigned long long)*nr,
		  GROUP_BYTES >> 20, WIFSIGNALED(status) ? "it was killed" : "ENOMEM");
	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	/* A plausible number: not zero, and not more than fit in the limit. */
	CHECK(*nr > 1000 && *nr < GROUP_BYTES / 128);
	memory_cgroup_remove();
}

static void oom_never(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "-1000", 5), 5);
	close(fd);
}

/* VERIFY at the limit of a cgroup whose only process is exempt from the OOM killer. */
static void verify_in_group(void)
{
	size_t length = MILLION * page_size();
	struct pinwatch_watch_verify verify;
	char *addr;
	int fd;

	oom_never();
	CHECK_EQ(cgroup_join(), 0);
	addr = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (addr == MAP_FAILED) {
		length /= 2;	/* of a 32-bit program */
		addr = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			    -1, 0);
	}
	CHECK(addr != MAP_FAILED);
	fd = open_device(0);
	add(fd, addr, length, WATCH, 0);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	memory_limit((unsigned long)cgroup_read("memory.current") + GROUP_SLACK);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), -ENOMEM);
	memory_limit(GROUP_BYTES);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
}

/*
 * ADD, then REPIN, at the limit of such a cgroup. REPIN needs twice the memory of the ADD that
 * has just failed. The pages belong to the cgroup of the parent.
 */
static void add_in_group(void)
{
	const size_t nr_pages = 65536;
	struct pinwatch_watch_add watch;
	char *addr = map_pages(nr_pages);
	uint64_t unused;
	int fd, ret;

	oom_never();
	CHECK_EQ(cgroup_join(), 0);
	fd = open_device(0);
	add(fd, addr, nr_pages * page_size(), PIN, 0);
	dontneed(addr, page_size());
	memory_limit((unsigned long)cgroup_read("memory.current") + GROUP_SLACK);
	do {
		ret = try_add(fd, addr, nr_pages / 2 * page_size(), PIN, 0, &watch);
	} while (!ret);
	CHECK_EQ(ret, -ENOMEM);
	CHECK_EQ(try_repin(fd, 0, &unused), -ENOMEM);
	memory_limit(GROUP_BYTES);
	CHECK_EQ(try_repin(fd, 0, &unused), 0);
}

/* Run @run in a child of a memory cgroup, where it joins. */
static void group_run(void (*run)(void))
{
	int status;
	pid_t pid;

	memory_cgroup_make();
	console(1);
	pid = fork_child();
	if (!pid) {
		run();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	console(7);
	memory_cgroup_remove();
	CHECK_EQ(status, 0);
}

TEST(add_enomem_memory_cgroup)
{
	group_run(add_in_group);
}

TEST(verify_enomem_memory_cgroup)
{
	group_run(verify_in_group);
}

/* Shared with the child, which cannot use a channel while the group has no memory. */
struct full_group {
	bool full;
	bool raised;
};

/*
 * Add watches until the memory of the group is full, and the part of it that the kernel
 * has charged in advance, then call BIND: each call that succeeds allocates a user, which
 * the descriptor keeps. The descriptors were opened outside the group.
 */
static void bind_in_group(struct full_group *group, const int *fds) __attribute__((noreturn));
static void bind_in_group(struct full_group *group, const int *fds)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int i, ret, fd;

	oom_never();
	CHECK_EQ(cgroup_join(), 0);
	fd = open_device(0);
	memory_limit((unsigned long)cgroup_read("memory.current") + GROUP_SLACK);
	do {
		ret = try_add(fd, addr, page_size(), WATCH, 0, &watch);
	} while (!ret);
	CHECK_EQ(ret, -ENOMEM);
	for (i = 0, ret = 0; i < NR_BINDS && !ret; i++)
		ret = try_bind(fds[i]);
	__atomic_store_n(&group->full, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&group->raised, __ATOMIC_ACQUIRE))
		sched_yield();
	CHECK_EQ(ret, -ENOMEM);
	/* Still bound to the address space of the opener. */
	CHECK_EQ(try_add(fds[i - 1], addr, page_size(), WATCH, 0, &watch), -EXDEV);
	CHECK_EQ(try_bind(fds[i - 1]), 0);
	CHECK_EQ(try_add(fds[i - 1], addr, page_size(), WATCH, 0, &watch), 0);
	_exit(0);
}

TEST(bind_enomem_memory_cgroup)
{
	unsigned long per_page = param_get("max_watches_per_page");
	struct full_group *group = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, status, fds[NR_BINDS];
	uint64_t end = now_ns() + 30 * NS_PER_S;
	pid_t pid;

	CHECK(group != MAP_FAILED);
	group->full = false;
	memory_cgroup_make();
	for (i = 0; i < NR_BINDS; i++)
		fds[i] = open_device_of(1, 0);
	param_set("max_watches_per_page", 1048576);
	console(1);
	pid = fork_child();
	if (!pid)
		bind_in_group(group, fds);
	while (!__atomic_load_n(&group->full, __ATOMIC_ACQUIRE) && now_ns() < end)
		usleep(1000);
	memory_limit(GROUP_BYTES);
	__atomic_store_n(&group->raised, true, __ATOMIC_RELEASE);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	console(7);
	param_set("max_watches_per_page", per_page);
	CHECK_EQ(status, 0);
	memory_cgroup_remove();
}
