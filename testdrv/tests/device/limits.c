// SPDX-License-Identifier: MIT
/*
 * Limits of the memory that users can make the kernel hold: up to the limit, and beyond
 *
 * usage: device_limits [WATCHES]: number of watches on a descriptor (20,000). A million
 * watches need a guest with about 3 GiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"
#include "cgroup.h"
#include "channel.h"
#include "device.h"
#include "sysfs.h"

#define MEMCG_BYTES	(32UL << 20)
#define MASS_BYTES	(512UL << 20)
#define MILLION		1000000UL
#define GROUP_SLACK	(160UL << 10)	/* bytes that the cgroup may still charge */
#define NR_BINDS	512	/* users of so many descriptors need more than a page */

static unsigned long nr_many = 20000;

static double now(void)
{
	return (double)now_ns() / 1e9;
}

/* A figure of /proc/meminfo, in bytes. */
static size_t memory(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128], found[64];
	unsigned long kib, value = 0;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63[^:]: %lu", found, &kib) == 2 && !strcmp(found, name))
			value = kib;
	fclose(file);
	return value << 10;
}

static struct pinwatch_watch_add last_pin;	/* of pin() */

static int pin(int fd, char *addr, size_t nr_pages)
{
	return try_add(fd, addr, nr_pages * page_size(), PIN_RW, 0, &last_pin);
}

/* REPIN pins again only if a page has moved. */
static int repin_moved(int fd, uint32_t id, char *addr)
{
	uint64_t unused;

	dontneed(addr, page_size());
	*addr = 'm';
	return try_repin(fd, id, &unused);
}

/* The limit counts all pins of the address space, on all descriptors. */
TEST(limit_memlock_exact)
{
	char *addr = map_pages(32);
	int first = open_device(0), second = open_device(0);
	uint32_t id;

	credentials_memlock(16 * page_size());
	credentials_nobody();
	CHECK_EQ(pin(first, addr, 17), -ENOBUFS);
	CHECK_EQ(pin(first, addr, 16), 0);
	id = last_pin.id;
	CHECK_EQ(pin(second, addr, 1), -ENOBUFS);
	CHECK_EQ(try_del(first, id), 0);
	CHECK_EQ(pin(first, addr, 10), 0);
	CHECK_EQ(pin(second, addr, 7), -ENOBUFS);
	CHECK_EQ(pin(second, addr, 6), 0);
	/* A page counts once for each pin. */
	CHECK_EQ(pin(second, addr, 1), -ENOBUFS);
	CHECK_EQ(close(second), 0);
	CHECK_EQ(pin(first, addr + 16 * page_size(), 6), 0);
	CHECK_EQ(pin(first, addr + 16 * page_size(), 1), -ENOBUFS);
}

/* A range counts as the pages that overlap the range. */
TEST(limit_memlock_rounds)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(4);
	int fd = open_device(0);

	credentials_memlock(2 * page_size() + page_size() / 2);
	credentials_nobody();
	CHECK_EQ(try_add(fd, addr + page_size() - 1, page_size() + 2, PIN, 0, &watch), -ENOBUFS);
	CHECK_EQ(try_add(fd, addr + page_size() - 1, 2, PIN, 0, &watch), 0);
	CHECK_EQ(watch.nr_pages, 2);
}

/* Old and new pages count together for a moment. */
TEST(limit_repin_counts_twice)
{
	char *addr = map_pages(9);
	int fd = open_device(0);

	credentials_memlock(16 * page_size());
	credentials_nobody();
	CHECK_EQ(pin(fd, addr, 8), 0);
	CHECK_EQ(repin_moved(fd, 0, addr), 0);
	CHECK_EQ(pin(fd, addr, 8), 0);
	CHECK_EQ(repin_moved(fd, 0, addr), -ENOBUFS);
	CHECK_EQ(query(fd, 0).nr_pinned, 8);
	CHECK_EQ(try_del(fd, 1), 0);
	CHECK_EQ(try_del(fd, 0), 0);
	CHECK_EQ(pin(fd, addr, 9), 0);
	CHECK_EQ(repin_moved(fd, last_pin.id, addr), -ENOBUFS);
	CHECK_EQ(pin(fd, addr, 7), 0);
}

static void child_run(void (*run)(int fd, char *addr), int fd, char *addr)
{
	pid_t pid = fork_child();

	if (!pid) {
		run(fd, addr);
		_exit(0);
	}
	wait_child(pid);
}

static void pin_six_more(int fd, char *addr)
{
	fd = open_device(0);
	CHECK_EQ(pin(fd, addr, 7), -EDQUOT);
	CHECK_EQ(get_info(fd).nr_watches, 0);
	CHECK_EQ(pin(fd, addr, 6), 0);
	CHECK_EQ(pin(fd, addr, 1), -EDQUOT);
}

/* Two address spaces of nobody. An old pin and a new pin of REPIN count together. */
static void pin_sixteen(int fd, char *addr)
{
	credentials_nobody();
	fd = open_device(0);
	CHECK_EQ(pin(fd, addr, 10), 0);
	CHECK_EQ(repin_moved(fd, 0, addr), -EDQUOT);
	CHECK_EQ(query(fd, 0).nr_pinned, 10);
	child_run(pin_six_more, -1, addr);
	CHECK_EQ(pin(fd, addr, 7), -EDQUOT);
	CHECK_EQ(pin(fd, addr, 6), 0);
	CHECK_EQ(try_del(fd, 0), 0);
	CHECK_EQ(pin(fd, addr, 10), 0);
}

static void pin_exempt(int fd, char *addr)
{
	fd = open_device(0);
	CHECK_EQ(pin(fd, addr, 17), 0);
	CHECK_EQ(close(fd), 0);
}

/* Run @run, in a child, while a user may have 16 pages pinned. */
static void limited_run(void (*run)(int fd, char *addr))
{
	unsigned long old = param_get("max_pin_pages_per_user");
	char *addr = map_pages(17);
	int status;
	pid_t pid;

	param_set("max_pin_pages_per_user", 16);
	credentials_memlock(1024 * page_size());
	credentials_device_mode(0666);
	pid = fork_child();
	if (!pid) {
		run(-1, addr);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	credentials_device_mode(0600);
	param_set("max_pin_pages_per_user", old);
	CHECK_EQ(status, 0);
}

TEST(limit_edquot_pins_of_user)
{
	limited_run(pin_sixteen);
	limited_run(pin_exempt);
}

/* The default is half of the memory. */
TEST(limit_pins_of_user_default)
{
	unsigned long max = param_get("max_pin_pages_per_user");
	unsigned long half = memory("MemTotal") / 2 / page_size();

	CHECK(max >= half && max - half < half / 16);
}

#define SATURATE_MAPS	4096UL
#define SATURATE_PINS	(1UL << 20)	/* each adds 1024 to the reference count */

/* One page of a file, mapped often. Each pin of a page adds to its reference count. */
static char *map_one_page(void)
{
	int fd = memfd_create("page", MFD_CLOEXEC);
	size_t i, length = SATURATE_MAPS * page_size();
	char *addr = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(fd >= 0 && addr != MAP_FAILED);
	CHECK_EQ(ftruncate(fd, (off_t)page_size()), 0);
	for (i = 0; i < SATURATE_MAPS; i++)
		CHECK(mmap(addr + i * page_size(), page_size(), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED);
	*addr = 1;
	close(fd);
	return addr;
}

TEST(limit_ebusy_page_count)
{
	unsigned long old = param_get("max_pin_pages_per_user");
	struct pinwatch_watch_add watch;
	char *addr = map_one_page();
	int ret, again, fd = open_device(0);
	uint64_t pinned, unused;
	size_t i;

	param_set("max_pin_pages_per_user", 2 * SATURATE_PINS);
	for (i = 0; i < SATURATE_PINS / SATURATE_MAPS - 1; i++)
		add(fd, addr, SATURATE_MAPS * page_size(), PIN, 0);
	pinned = get_stats().pinned_pages;
	ret = try_add(fd, addr, SATURATE_MAPS * page_size(), PIN, 0, &watch);
	/* The first mapping gets another page, so that REPIN pins again. */
	CHECK(mmap(addr, page_size(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == addr);
	again = try_repin(fd, 0, &unused);
	param_set("max_pin_pages_per_user", old);
	CHECK_EQ(ret, -EBUSY);
	CHECK_EQ(again, -EBUSY);
	CHECK_EQ(get_stats().pinned_pages, pinned);
	/* There is room for a chunk below the limit. */
	CHECK_EQ(try_add(fd, addr, 64 * page_size(), PIN, 0, &watch), 0);
	CHECK_EQ(close(fd), 0);
}

/* Root and nobody have separate limits. The user that opened a descriptor is charged. */
TEST(limit_users_are_apart)
{
	unsigned long old = param_get("max_watches_per_user");
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd = open_device(0);
	pid_t pid;

	param_set("max_watches_per_user", 2);
	add(fd, addr, page_size(), WATCH, 0);
	add(fd, addr, page_size(), WATCH, 0);
	credentials_device_mode(0666);
	pid = fork();
	if (!pid) {
		int own, again = open_device(0);

		credentials_nobody();
		own = open_device(0);
		CHECK_EQ(try_add(again, addr, page_size(), WATCH, 0, &watch), -EDQUOT);
		add(own, addr, page_size(), WATCH, 0);
		add(own, addr, page_size(), WATCH, 0);
		CHECK_EQ(try_add(own, addr, page_size(), WATCH, 0, &watch), -EDQUOT);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &pid, 0) > 0, 1);
	credentials_device_mode(0600);
	param_set("max_watches_per_user", old);
	CHECK_EQ(pid, 0);
	add(open_device(0), addr, page_size(), WATCH, 0);
}

#define OWNER		1000U
#define FIRST_SUBUID	100000U
#define USERNS_CLONE	"/proc/sys/kernel/unprivileged_userns_clone"

/* A process that keeps watches until holder_stop(). */
struct holder {
	pid_t pid;
	int channel;
};

/* Map 16 user IDs into the user namespace of @pid, as newuidmap(1) does. */
static void map_ids(pid_t pid)
{
	char path[64], text[64];

	snprintf(text, sizeof(text), "0 %u 16", FIRST_SUBUID);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	CHECK_EQ(sysfs_write(path, text), 0);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	CHECK_EQ(sysfs_write(path, text), 0);
}

static void become(unsigned int uid)
{
	CHECK_EQ(setresgid(uid, uid, uid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static void holder_run(int channel, unsigned int owner, unsigned int inner, unsigned int *nr)
	__attribute__((noreturn));
static void holder_run(int channel, unsigned int owner, unsigned int inner, unsigned int *nr)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd;

	become(owner);
	if (inner) {
		CHECK_EQ(unshare(CLONE_NEWUSER), 0);
		CHECK_EQ(channel_send(channel, -1), 0);
		CHECK_EQ(channel_receive(channel, NULL), 0);
		become(inner);
	}
	fd = open_device(0);
	while (*nr < 2 && !try_add(fd, addr, page_size(), WATCH, 0, &watch))
		++*nr;
	CHECK_EQ(channel_send(channel, -1), 0);
	CHECK_EQ(channel_receive(channel, NULL), 0);
	_exit(0);
}

/*
 * Add two watches as user @inner of a user namespace that @owner makes; as @owner itself
 * if @inner is 0. Returns the number of watches that could be added.
 */
static unsigned int holder_start(struct holder *holder, unsigned int owner, unsigned int inner)
{
	unsigned int *nr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ends[2];

	CHECK(nr != MAP_FAILED);
	CHECK_EQ(channel_open(ends), 0);
	holder->pid = fork_child();
	if (!holder->pid)
		holder_run(ends[1], owner, inner, nr);
	close(ends[1]);
	holder->channel = ends[0];
	if (inner) {
		CHECK_EQ(channel_receive(ends[0], NULL), 0);
		map_ids(holder->pid);
		CHECK_EQ(channel_send(ends[0], -1), 0);
	}
	CHECK_EQ(channel_receive(ends[0], NULL), 0);
	return *nr;
}

static void holder_stop(const struct holder *holder)
{
	CHECK_EQ(channel_send(holder->channel, -1), 0);
	wait_child(holder->pid);
	close(holder->channel);
}

/* Start and stop a second process, besides the watches that there are. */
static unsigned int holder_try(unsigned int owner, unsigned int inner)
{
	struct holder holder;
	unsigned int nr = holder_start(&holder, owner, inner);

	holder_stop(&holder);
	return nr;
}

static void subordinate_ids(char *addr)
{
	struct holder holder;

	CHECK_EQ(holder_start(&holder, OWNER, 1), 2);
	CHECK_EQ(holder_try(OWNER, 2), 0);
	CHECK_EQ(holder_try(OWNER, 0), 0);
	CHECK_EQ(holder_try(CREDENTIALS_NOBODY, 3), 2);
	/* The same ID in a namespace of another owner */
	CHECK_EQ(holder_try(CREDENTIALS_NOBODY, 1), 0);
	holder_stop(&holder);
	CHECK_EQ(holder_try(OWNER, 2), 2);
	CHECK_EQ(holder_start(&holder, OWNER, 0), 2);
	CHECK_EQ(holder_try(OWNER, 2), 0);
	holder_stop(&holder);

	/* Root does not pay for the containers that it runs. */
	CHECK_EQ(holder_start(&holder, 0, 1), 2);
	CHECK_EQ(holder_try(0, 2), 2);
	add(open_device(0), addr, page_size(), WATCH, 0);
	holder_stop(&holder);
}

TEST(limit_subordinate_ids)
{
	unsigned long old = param_get("max_watches_per_user");
	char *addr = map_pages(1);
	int status;
	pid_t pid;

	sysfs_set(USERNS_CLONE, "1");	/* Debian's own, 0 on 5.10 */
	param_set("max_watches_per_user", 2);
	credentials_device_mode(0666);
	pid = fork_child();
	if (!pid) {
		subordinate_ids(addr);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	credentials_device_mode(0600);
	param_set("max_watches_per_user", old);
	sysfs_restore();
	CHECK_EQ(status, 0);
}

/* Keep the report of the OOM killer, with its call trace, off the console. */
static void console(int level)
{
	klogctl(8, NULL, level);
}

static void memory_limit(unsigned long bytes)
{
	CHECK_EQ(cgroup_write_number("memory.max", bytes), 0);
}

static void memory_cgroup_make(void)
{
	int ret = cgroup_make("memory");

	if (ret)
		SKIP("no memory cgroup (v2): %s", strerror(-ret));
	memory_limit(MEMCG_BYTES);
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
		  MEMCG_BYTES >> 20, WIFSIGNALED(status) ? "it was killed" : "ENOMEM");
	CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	/* A plausible number: not zero, and not more than fit in the limit. */
	CHECK(*nr > 1000 && *nr < MEMCG_BYTES / 128);
	cgroup_remove();
}

static void oom_never(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "-1000", 5), 5);
	close(fd);
}

/* VERIFY at the limit of a cgroup whose only process is exempt from the OOM killer. */
static void verify_in_group(void) __attribute__((noreturn));
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
	memory_limit(MEMCG_BYTES);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	_exit(0);
}

/*
 * ADD, then REPIN, at the limit of such a cgroup. REPIN needs twice the memory of the ADD that
 * has just failed. The pages belong to the cgroup of the parent.
 */
static void add_in_group(void) __attribute__((noreturn));
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
	memory_limit(MEMCG_BYTES);
	CHECK_EQ(try_repin(fd, 0, &unused), 0);
	_exit(0);
}

TEST(add_enomem_memory_cgroup)
{
	int status;
	pid_t pid;

	memory_cgroup_make();
	console(1);
	pid = fork_child();
	if (!pid)
		add_in_group();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	console(7);
	cgroup_remove();
	CHECK_EQ(status, 0);
}

TEST(verify_enomem_memory_cgroup)
{
	int status;
	pid_t pid;

	memory_cgroup_make();
	console(1);
	pid = fork_child();
	if (!pid)
		verify_in_group();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	console(7);
	CHECK_EQ(status, 0);
	cgroup_remove();
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
	double begin = now();
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
	while (!__atomic_load_n(&group->full, __ATOMIC_ACQUIRE) && now() - begin < 30)
		usleep(1000);
	memory_limit(MEMCG_BYTES);
	__atomic_store_n(&group->raised, true, __ATOMIC_RELEASE);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	console(7);
	param_set("max_watches_per_page", per_page);
	CHECK_EQ(status, 0);
	cgroup_remove();
}

/* Start a child with @bytes pinned. The parent has the descriptor, too. */
static pid_t mass_start(size_t bytes, int *fd)
{
	int channel;
	pid_t pid;

	*fd = open_device(0);
	pid = fork_peer(&channel);
	if (!pid) {
		double begin = now();
		char *addr = map_pages(bytes / page_size());
		double written = now();

		CHECK_EQ(try_bind(*fd), 0);
		add(*fd, addr, bytes, PIN_RW, 0);
		test_note("%zu MiB: written in %.2f s, pinned in %.2f s", bytes >> 20,
			  written - begin, now() - written);
		fflush(stdout);
		CHECK_EQ(channel_send(channel, -1), 0);
		pause();
		_exit(1);
	}
	CHECK_EQ(channel_receive(channel, NULL), 0);
	close(channel);
	return pid;
}

/* exit() does not wait until a worker has unpinned the pages. */
TEST(limit_mass_exit)
{
	size_t bytes = memory("MemAvailable") / 2 > MASS_BYTES ? MASS_BYTES :
		       memory("MemAvailable") / 2 & -(2UL << 20);
	uint64_t before = get_stats().pinned_pages;
	double begin, gone, unpinned;
	int fd, status;
	pid_t pid;

	pid = mass_start(bytes, &fd);
	CHECK_EQ(get_stats().pinned_pages, before + bytes / page_size());
	begin = now();
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	gone = now();
	while (get_stats().pinned_pages != before && now() - gone < 60)
		;
	unpinned = now();
	test_note("%zu MiB: the process was gone after %.3f s, all was unpinned after %.3f s",
		  bytes >> 20, gone - begin, unpinned - begin);
	CHECK_EQ(get_stats().pinned_pages, before);
	CHECK_EQ(query(fd, 0).state, PINWATCH_STATE_DEAD);
	CHECK_EQ(try_del(fd, 0), 0);
}

/* The largest number of watches of a descriptor, each on a different page. */
TEST(limit_many_watches)
{
	unsigned long per_file = param_get("max_watches_per_file");
	unsigned long per_user = param_get("max_watches_per_user");
	size_t length = nr_many * page_size(), i;
	size_t available = memory("MemAvailable"), used;
	char *addr = mmap(NULL, length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct pinwatch_watch_add watch;
	double begin, added, hit, end;
	uint64_t nr = 0;
	int fd;

	CHECK(addr != MAP_FAILED);
	param_set("max_watches_per_file", nr_many);
	param_set("max_watches_per_user", nr_many);
	fd = open_device(O_NONBLOCK);
	begin = now();
	for (i = 0; i < nr_many; i++)
		CHECK_EQ(add(fd, addr + i * page_size(), page_size(), WATCH, i).id,
			 nth_id(i));
	added = now();
	param_set("max_watches_per_file", per_file);
	param_set("max_watches_per_user", nr_many + 1);
	used = available - memory("MemAvailable");
	CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &watch), -ENOSPC);
	param_set("max_watches_per_user", per_user);
	dontneed(addr, length);
	hit = now();
	for (;;) {
		static struct pinwatch_event events[512];
		int ret = try_read_events(fd, events, 512);

		if (ret < 0)
			break;
		nr += (uint64_t)ret;
	}
	CHECK_EQ(nr, nr_many);
	end = now();
	CHECK_EQ(close(fd), 0);
	test_note("%lu watches: added in %.2f s, hit in %.3f s, read in %.2f s, closed in %.2f s",
		  nr_many, added - begin, hit - added, end - hit, now() - end);
	test_note("%lu bytes of memory a watch", (unsigned long)used / nr_many);
}

/* Map the largest map of generations, read each page, and unmap. */
TEST(limit_map_growth)
{
	unsigned long old = param_get("max_watches_per_file");
	unsigned long per_user = param_get("max_watches_per_user");
	const struct pinwatch_gen *words;
	struct pinwatch_gen last;
	struct pinwatch_resync resync = {
		.size = sizeof(resync), .first_id = MILLION - 1, .nr_ids = 1,
		.gens = (uintptr_t)&last,
	};
	size_t size, i, step = page_size() / sizeof(*words);
	int fd;

	param_set("max_watches_per_file", MILLION);
	fd = open_device(0);
	param_set("max_watches_per_file", old);
	size = get_info(fd).gen_map_size;
	CHECK(size >= MILLION * sizeof(*words) && size < MILLION * sizeof(*words) + page_size());
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_RESYNC, &resync), 0);
	CHECK_EQ(last.generation, 0);
	words = map_generations(fd);
	param_set("max_watches_per_user", MILLION);
	for (i = 0; i < MILLION; i += step)
		CHECK_EQ(generation(&words[i]), 0);
	CHECK_EQ(generation(&words[MILLION - 1]), 0);
	param_set("max_watches_per_user", per_user);
	CHECK_EQ(add(fd, map_pages(1), page_size(), WATCH, 0).id, 0);
	CHECK(generation(&words[0]) != 0);
	CHECK_EQ(munmap((void *)words, size), 0);
}

/* Repeat, so that a leak would show. */
TEST(limit_map_growth_ends)
{
	unsigned long old = param_get("max_watches_per_file");
	unsigned long per_user = param_get("max_watches_per_user");
	size_t before, i, round, step = page_size() / sizeof(struct pinwatch_gen);

	param_set("max_watches_per_file", MILLION);
	param_set("max_watches_per_user", MILLION);
	before = memory("MemFree");
	for (round = 0; round < 8; round++) {
		int fd = open_device(0);
		size_t size = get_info(fd).gen_map_size;
		const struct pinwatch_gen *words = map_generations(fd);

		for (i = 0; i < MILLION; i += step)
			CHECK_EQ(generation(&words[i]), 0);
		/* Half of the rounds close first, half unmap first. */
		if (round % 2)
			CHECK_EQ(close(fd), 0);
		CHECK_EQ(munmap((void *)words, size), 0);
		if (round % 2 == 0)
			CHECK_EQ(close(fd), 0);
	}
	param_set("max_watches_per_file", old);
	param_set("max_watches_per_user", per_user);
	/* A leak of all pages would be 8 times 16 MB. */
	CHECK(memory("MemFree") + (32UL << 20) > before);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strtoul(argv[1], NULL, 0)) {
		nr_many = strtoul(argv[1], NULL, 0);
		argv[1] = NULL;
	}
	return test_main(1, argv);
}
