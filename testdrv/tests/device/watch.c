// SPDX-License-Identifier: MIT
/* Each error of WATCH_ADD and WATCH_DEL, and the results of success. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"
#include "device.h"
#include "invalidator.h"

TEST(add_einval)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd = open_device(0);

	CHECK_EQ(try_add(fd, addr, 0, WATCH, 0, &watch), -EINVAL);
	CHECK_EQ(try_add(fd, addr, page_size(), PINWATCH_WATCH_F_WRITE, 0, &watch), -EINVAL);
	CHECK_EQ(get_info(fd).nr_watches, 0);
}

/* Where no pointer of a 32-bit program points */
static int add_far(int fd, uint64_t addr, uint64_t length)
{
	struct pinwatch_watch_add watch = {
		.size = sizeof(watch), .addr = addr, .length = length,
	};

	return try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &watch);
}

TEST(add_eoverflow)
{
	struct pinwatch_watch_add watch;
	int fd = open_device(0);

	CHECK_EQ(try_add(fd, (void *)-page_size(), 2 * page_size(), WATCH, 0, &watch), -EOVERFLOW);
	CHECK_EQ(try_add(fd, (void *)4096, (size_t)-1, WATCH, 0, &watch), -EOVERFLOW);
	CHECK_EQ(add_far(fd, 1ULL << 63, page_size()), -EOVERFLOW);
	CHECK_EQ(add_far(fd, 4096, 1ULL << 63), -EOVERFLOW);
	CHECK_EQ(add_far(fd, UINT64_MAX - 4095, 8192), -EOVERFLOW);
}

TEST(add_efault_pin)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(3);
	int fd = open_device(0);

	/* A read-only page can be pinned for reading only, */
	CHECK_EQ(mprotect(addr + page_size(), page_size(), PROT_READ), 0);
	CHECK_EQ(try_add(fd, addr, 3 * page_size(), PIN_RW, 0, &watch), -EFAULT);
	CHECK_EQ(try_add(fd, addr, 3 * page_size(), PIN, 0, &watch), 0);
	/* pages without access cannot be pinned */
	CHECK_EQ(mprotect(addr + page_size(), page_size(), PROT_NONE), 0);
	CHECK_EQ(try_add(fd, addr, 3 * page_size(), PIN, 0, &watch), -EFAULT);
	/* an unmapped range cannot be pinned, only watched */
	CHECK_EQ(munmap(addr + page_size(), page_size()), 0);
	CHECK_EQ(try_add(fd, addr, 3 * page_size(), PIN, 0, &watch), -EFAULT);
	CHECK_EQ(try_add(fd, addr, 3 * page_size(), WATCH, 0, &watch), 0);
	CHECK_EQ(get_info(fd).nr_watches, 2);
	CHECK_EQ(get_stats().pinned_pages, 3);
}

TEST(add_exdev_after_fork)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd = open_device(0);
	pid_t pid;

	watch = add(fd, addr, page_size(), WATCH, 0);
	pid = fork_child();
	if (!pid) {
		struct pinwatch_watch_add again;

		CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &again), -EXDEV);
		CHECK_EQ(try_add(fd, addr, page_size(), PIN, 0, &again), -EXDEV);
		CHECK_EQ(get_info(fd).nr_watches, 1);
		CHECK_EQ(try_del(fd, watch.id), 0);
		_exit(0);
	}
	wait_child(pid);
	CHECK_EQ(get_info(fd).nr_watches, 0);
}

TEST(add_enospc)
{
	unsigned long old = param_get("max_watches_per_file");
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd;

	param_set("max_watches_per_file", 3);
	fd = open_device(0);
	param_set("max_watches_per_file", old);
	CHECK_EQ(get_info(fd).max_watches, 3);
	CHECK_EQ(add(fd, addr, page_size(), WATCH, 0).id, 0);
	CHECK_EQ(add(fd, addr, page_size(), WATCH, 0).id, 1);
	CHECK_EQ(add(fd, addr, page_size(), PIN, 0).id, 2);
	CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &watch), -ENOSPC);
	CHECK_EQ(try_del(fd, 1), 0);
	CHECK_EQ(add(fd, addr, page_size(), WATCH, 0).id, 1);
}

TEST(add_edquot)
{
	unsigned long old = param_get("max_watches_per_user");
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int first = open_device(0), second = open_device(0), ret;

	param_set("max_watches_per_user", 2);
	add(first, addr, page_size(), WATCH, 0);
	add(second, addr, page_size(), WATCH, 0);
	ret = try_add(first, addr, page_size(), WATCH, 0, &watch);
	CHECK_EQ(try_del(second, 0), 0);
	add(first, addr, page_size(), WATCH, 0);
	param_set("max_watches_per_user", old);
	CHECK_EQ(ret, -EDQUOT);
}

TEST(add_emsgsize)
{
	unsigned long old = param_get("max_pin_pages");
	struct pinwatch_watch_add watch;
	char *addr = map_pages(4);
	int fd = open_device(0), ret, again;
	uint32_t id = add(fd, addr, 4 * page_size(), PIN, 0).id;
	uint64_t unused;

	dontneed(addr, page_size());
	param_set("max_pin_pages", 3);
	ret = try_add(fd, addr, 4 * page_size(), PIN, 0, &watch);
	add(fd, addr, 3 * page_size(), PIN, 0);
	add(fd, addr, 4 * page_size(), WATCH, 0);
	again = try_repin(fd, id, &unused);
	param_set("max_pin_pages", old);
	CHECK_EQ(ret, -EMSGSIZE);
	CHECK_EQ(again, -EMSGSIZE);
}

/* Root opens the descriptor, and nobody uses the descriptor. */
TEST(add_enobufs_unprivileged)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(17);
	int i, fd = open_device(0);

	credentials_memlock(16 * page_size());
	credentials_nobody();
	CHECK_EQ(try_add(fd, addr, 17 * page_size(), PIN, 0, &watch), -ENOBUFS);
	CHECK_EQ(try_add(fd, addr, 17 * page_size(), WATCH, 0, &watch), 0);
	/* Unpinned pages do not count. */
	for (i = 0; i < 100; i++) {
		watch = add(fd, addr, 16 * page_size(), PIN, 0);
		CHECK_EQ(try_add(fd, addr, page_size(), PIN, 0, &(struct pinwatch_watch_add){ 0 }),
			 -ENOBUFS);
		CHECK_EQ(try_del(fd, watch.id), 0);
	}
}

TEST(stats_eperm_unprivileged)
{
	struct pinwatch_stats stats = { .size = sizeof(stats) };
	int fd = open_device(0);

	credentials_nobody();
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_GET_STATS, &stats), -EPERM);
	get_info(fd);
}

TEST(del_enoent)
{
	int fd = open_device(0);
	uint32_t id;

	CHECK_EQ(try_del(fd, 0), -ENOENT);
	id = add(fd, map_pages(1), page_size(), PIN, 0).id;
	CHECK_EQ(try_del(fd, id + 1), -ENOENT);
	CHECK_EQ(try_del(fd, get_info(fd).max_watches), -ENOENT);
	CHECK_EQ(try_del(fd, UINT32_MAX), -ENOENT);
	CHECK_EQ(try_del(fd, id), 0);
	CHECK_EQ(try_del(fd, id), -ENOENT);
}

/* A second WATCH_DEL must not find another watch, even if the caller checks nothing. */
TEST(del_twice_finds_no_other_watch)
{
	char *addr = map_pages(2);
	int i, fd = open_device(0);

	for (i = 0; i < 1000; i++) {
		uint32_t first = add(fd, addr, page_size(), PIN, 0).id, second;

		CHECK_EQ(try_del(fd, first), 0);
		second = add(fd, addr + page_size(), page_size(), PIN, 0).id;
		CHECK_EQ(try_del(fd, first), -ENOENT);
		CHECK_EQ(query(fd, second).nr_pinned, 1);
		CHECK_EQ(try_del(fd, second), 0);
	}
}

#define NR_RESTING	64

/* 64 other ids are freed before an id comes back; all ids together are still usable. */
TEST(del_id_rests)
{
	char *addr = map_pages(1);
	int i, fd = open_device_of(NR_RESTING + 2, 0);
	uint32_t first;

	first = add(fd, addr, page_size(), WATCH, 0).id;
	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(try_del(fd, first), 0);
	for (i = 0; i < NR_RESTING; i++) {
		uint32_t id = add(fd, addr, page_size(), WATCH, 0).id;

		CHECK(id != first);
		CHECK_EQ(try_del(fd, id), 0);
	}
	CHECK_EQ(add(fd, addr, page_size(), WATCH, 0).id, first);
	for (i = 0; i < NR_RESTING; i++)
		add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(get_info(fd).nr_watches, NR_RESTING + 2);
	CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &(struct pinwatch_watch_add){ 0 }),
		 -ENOSPC);
}

/* Ids that rest do not make a user exceed the limit of pages of generations. */
TEST(del_id_rests_within_the_quota)
{
	unsigned long old = param_get("max_watches_per_user");
	size_t i, page_ids = page_size() / sizeof(struct pinwatch_gen);
	char *addr = map_pages(1);
	int fds[2];

	param_set("max_watches_per_user", page_ids);
	for (i = 0; i < 2; i++)
		fds[i] = open_device(0);
	/* Two pages of generations, of which the first of the file is free. */
	for (i = 0; i < page_ids; i++)
		add(fds[0], addr, page_size(), WATCH, 0);
	for (i = 0; i < page_ids; i++) {
		CHECK_EQ(try_del(fds[0], nth_id(i)), 0);
		add(fds[0], addr, page_size(), WATCH, 0);
	}
	/* The second file has its free first page. */
	CHECK_EQ(try_del(fds[0], query(fds[0], 100).id), 0);
	add(fds[1], addr, page_size(), WATCH, 0);
	param_set("max_watches_per_user", old);
}

/* @generation names a watch: one from before any number of hits does, 0 names any. */
TEST(del_estale)
{
	char *addr = map_pages(1);
	int fd = open_device_of(1, 0);
	struct pinwatch_watch_add first, second;
	int i;

	first = add(fd, addr, page_size(), PIN, 0);
	CHECK_EQ(try_del_since(fd, first.id, first.generation), 0);
	CHECK_EQ(try_del_since(fd, first.id, first.generation), -ENOENT);

	second = add(fd, addr, page_size(), PIN, 0);
	CHECK_EQ(second.id, first.id);
	CHECK_EQ(try_del_since(fd, first.id, first.generation), -ESTALE);
	CHECK_EQ(try_del_since(fd, first.id, second.generation - 1), -ESTALE);
	CHECK_EQ(query(fd, second.id).nr_pinned, 1);
	for (i = 0; i < 100; i++)
		dontneed(addr, page_size());
	CHECK_EQ(try_del_since(fd, first.id, first.generation), -ESTALE);
	CHECK_EQ(try_del_since(fd, first.id, second.generation), 0);

	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(try_del_since(fd, 0, UINT64_MAX), 0);
	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(try_del_since(fd, 0, 0), 0);
}

TEST(add_rounds_to_pages)
{
	char *addr = map_pages(3);
	int fd = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch;

	watch = add(fd, addr + page_size() - 1, 2, WATCH, 0);
	CHECK_EQ(watch.nr_pages, 2);
	dontneed(addr + 2 * page_size(), page_size());
	CHECK_EQ(generation(&words[watch.id]), watch.generation);
	dontneed(addr, page_size());
	CHECK(generation(&words[watch.id]) != watch.generation);
}

/* The pin breaks copy-on-write, which must not count as a hit. */
TEST(add_pin_valid_at_once)
{
	char *addr = map_pages(8);
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch;
	struct pinwatch_event event;
	pid_t pid = fork_child();

	if (!pid) {
		pause();
		_exit(0);
	}
	watch = add(fd, addr, 8 * page_size(), PIN_RW, 0);
	CHECK_EQ(generation(&words[watch.id]), watch.generation);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

#define NR_LARGE	32768UL	/* pages: the pin takes longer than INTERVAL_US */
#define INTERVAL_US	50
#define NR_TRIES	50

/* Try to pin the range. A failed WATCH_ADD leaves nothing behind; a watch is deleted. */
static int pin_large(int fd, char *addr)
{
	struct pinwatch_watch_add watch;
	int ret = try_add(fd, addr, NR_LARGE * page_size(), PIN, 0, &watch);

	CHECK_EQ(get_info(fd).nr_watches, ret == 0);
	if (!ret)
		CHECK_EQ(try_del(fd, watch.id), 0);
	CHECK_EQ(get_stats().pinned_pages, 0);
	return ret;
}

TEST(add_eagain)
{
	char *addr = map_pages(NR_LARGE);
	int i, ret = 0, fd = open_device(0);
	struct invalidator invalidator;

	invalidator_interrupt(&invalidator, addr, INTERVAL_US);
	for (i = 0; i < NR_TRIES && !ret; i++)
		ret = pin_large(fd, addr);
	invalidator_stop(&invalidator);
	test_note("%d tries", i);
	CHECK_EQ(ret, -EAGAIN);
}

/* Neither with nor without SA_RESTART does WATCH_ADD return EINTR. */
TEST(add_pins_under_signals)
{
	char *addr = map_pages(NR_LARGE);
	int i, ret = 0, fd = open_device(0);
	struct invalidator invalidator;

	invalidator_interrupt(&invalidator, addr, INTERVAL_US);
	timer_start(0, 1000);
	for (i = 0; i < NR_TRIES && ret != -EAGAIN; i++) {
		ret = pin_large(fd, addr);
		CHECK(ret == 0 || ret == -EAGAIN);
	}
	timer_start(0, 0);
	invalidator_stop(&invalidator);
}

#define NR_MAPPINGS	1000

/* The first WATCH_ADD of a process takes every lock of its mappings: many, after fork. */
static pid_t register_under_signals(int flags)
{
	pid_t pid = fork_child();
	int ret, fd;

	if (pid)
		return pid;
	fd = open_device(0);
	timer_start(flags, 1000);
	ret = try_add(fd, map_pages(1), page_size(), PIN, 0, &(struct pinwatch_watch_add){ 0 });
	timer_start(flags, 0);
	_exit(-ret);
}

TEST(add_registers_under_signals)
{
	int i;

	map_apart(NR_MAPPINGS);
	for (i = 0; i < 10; i++)
		wait_child(register_under_signals(i % 2 ? SA_RESTART : 0));
}

/* A process that is killed while it registers leaves nothing. */
TEST(add_registers_until_killed)
{
	uint64_t nr_mms = get_stats().nr_mms;
	int i;

	map_apart(NR_MAPPINGS);
	for (i = 0; i < 10; i++) {
		pid_t pid = register_under_signals(SA_RESTART);

		usleep((useconds_t)i * 2000);
		CHECK_EQ(kill(pid, SIGKILL), 0);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
	wait_pinned_pages(0);
	for (i = 0; i < 1000 && get_stats().nr_mms != nr_mms; i++)
		usleep(10000);
	CHECK_EQ(get_stats().nr_mms, nr_mms);
}
