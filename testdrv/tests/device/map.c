// SPDX-License-Identifier: MIT
/* The mapped generations: access, lifetime and order. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"

#define NR_TOUCHES	100

static int try_map(int fd, size_t length, int prot, int flags, off_t offset)
{
	void *map = mmap(NULL, length, prot, flags, fd, offset);

	return map == MAP_FAILED ? -errno : 0;
}

TEST(map_eacces_einval)
{
	int fd = open_device(0);
	size_t size = get_info(fd).gen_map_size;

	CHECK_EQ(try_map(fd, size, PROT_READ, MAP_SHARED, 0), 0);
	CHECK_EQ(try_map(fd, page_size(), PROT_READ, MAP_SHARED, 0), 0);
	CHECK_EQ(try_map(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0), -EACCES);
	CHECK_EQ(try_map(fd, size, PROT_WRITE, MAP_SHARED, 0), -EACCES);
	CHECK_EQ(try_map(fd, size, PROT_READ, MAP_PRIVATE, 0), -EINVAL);
	CHECK_EQ(try_map(fd, size + 1, PROT_READ, MAP_SHARED, 0), -EINVAL);
	CHECK_EQ(try_map(fd, size, PROT_READ, MAP_SHARED, (off_t)page_size()), -EINVAL);
	CHECK_EQ(try_map(fd, page_size(), PROT_READ, MAP_SHARED, (off_t)size), -EINVAL);
}

TEST(map_stays_read_only)
{
	int fd = open_device(0), mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	size_t size = get_info(fd).gen_map_size;
	void *map = (void *)map_generations(fd);

	CHECK(mprotect(map, size, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	CHECK(mem >= 0);
	/* Not even in a debugger's way. */
	CHECK_EQ(pwrite(mem, "x", 1, (off_t)(uintptr_t)map), -1);
}

TEST(map_does_not_grow)
{
	int fd = open_device(0);
	void *map = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	CHECK(mremap(map, page_size(), 2 * page_size(), MREMAP_MAYMOVE) == MAP_FAILED);
}

TEST(map_not_inherited)
{
	int fd = open_device(0);
	void *map = (void *)map_generations(fd);
	pid_t pid;

	CHECK_EQ(msync(map, page_size(), MS_ASYNC), 0);
	pid = fork_child();
	if (!pid) {
		CHECK(msync(map, page_size(), MS_ASYNC) == -1 && errno == ENOMEM);
		_exit(0);
	}
	wait_child(pid);
}

/* Another process with the descriptor maps the same generations. */
TEST(map_seen_by_others)
{
	char *addr = map_pages(1);
	int fd = open_device(0);
	struct pinwatch_watch_add watch;
	int hit[2], told[2];
	char byte = 0;
	pid_t pid;

	CHECK(!pipe(hit) && !pipe(told));
	pid = fork_child();
	if (!pid) {
		const struct pinwatch_gen *words = map_generations(fd);
		uint64_t before;

		CHECK_EQ(read(told[0], &byte, 1), 1);
		before = generation(&words[0]);
		CHECK(before != 0);
		CHECK_EQ(write(hit[1], &byte, 1), 1);
		CHECK_EQ(read(told[0], &byte, 1), 1);
		CHECK(generation(&words[0]) > before);
		_exit(0);
	}
	watch = add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(watch.id, 0);
	CHECK_EQ(write(told[1], &byte, 1), 1);
	CHECK_EQ(read(hit[0], &byte, 1), 1);
	dontneed(addr, page_size());
	CHECK_EQ(write(told[1], &byte, 1), 1);
	wait_child(pid);
}

TEST(generation_words)
{
	char *addr = map_pages(2);
	int i, fd = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add first, second;

	CHECK_EQ(generation(&words[0]), 0);
	first = add(fd, addr, page_size(), WATCH, 0);
	second = add(fd, addr + page_size(), page_size(), PIN, 0);
	CHECK(first.generation != 0);
	CHECK_EQ(generation(&words[first.id]), first.generation);
	CHECK_EQ(generation(&words[second.id]), second.generation);
	for (i = 0; i < 100; i++) {
		uint64_t before = generation(&words[first.id]);

		dontneed(addr, page_size());
		CHECK(generation(&words[first.id]) > before);
		CHECK_EQ(words[first.id].generation32, (uint32_t)generation(&words[first.id]));
	}
	CHECK_EQ(generation(&words[second.id]), second.generation);
	CHECK_EQ(words[first.id].reserved, 0);
}

/* The generation of a reused id is larger than each earlier value. */
TEST(generation_monotonic_over_reuse)
{
	char *addr = map_pages(1);
	int i, fd = open_device_of(1, 0);
	const struct pinwatch_gen *words = map_generations(fd);
	uint64_t last = 0;

	for (i = 0; i < 1000; i++) {
		struct pinwatch_watch_add watch = add(fd, addr, page_size(),
						      i % 2 ? PIN : WATCH, 0);

		CHECK_EQ(watch.id, 0);
		CHECK(watch.generation > last);
		if (i % 3 == 0)
			dontneed(addr, page_size());
		CHECK_EQ(try_del(fd, watch.id), 0);
		last = generation(&words[watch.id]);
		CHECK(last > watch.generation);
	}
}

/* The mapping stays readable, but holds no page. */
TEST(map_outlives_close)
{
	uint64_t pinned = get_stats().pinned_pages;
	uint64_t watches = get_stats().nr_watches;
	char *addr = map_pages(8);
	int fd = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch = add(fd, addr, 8 * page_size(), PIN_RW, 0);

	CHECK_EQ(get_stats().pinned_pages, pinned + 8);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(get_stats().pinned_pages, pinned);
	CHECK_EQ(get_stats().nr_watches, watches);
	CHECK(generation(&words[watch.id]) > watch.generation);
	CHECK_EQ(munmap(addr, 8 * page_size()), 0);
	CHECK(generation(&words[watch.id]) > watch.generation);
}

/* An id that was never used reads as 0, and charges nobody, on as many descriptors. */
TEST(map_unused_reads_zero)
{
	unsigned long per_user = param_get("max_watches_per_user");
	size_t step = page_size() / sizeof(struct pinwatch_gen), i, page;
	int fds[5];

	param_set("max_watches_per_user", step);
	for (i = 0; i < 5; i++) {
		const struct pinwatch_gen *words;
		size_t size;

		fds[i] = open_device(0);
		size = get_info(fds[i]).gen_map_size;
		words = map_generations(fds[i]);
		for (page = 0; page < size / page_size(); page++)
			CHECK_EQ(generation(&words[page * step]), 0);
	}
	/* The whole share is left. */
	CHECK_EQ(add(fds[0], map_pages(1), page_size(), WATCH, 0).id, 0);
	for (i = 0; i < 5; i++)
		CHECK_EQ(close(fds[i]), 0);
	param_set("max_watches_per_user", per_user);
}

/* A page is replaced when an id is first used, in the mappings of all processes. */
TEST(map_first_use_shows)
{
	size_t step = page_size() / sizeof(struct pinwatch_gen), i;
	int fd = open_device(0), ends[2];
	const struct pinwatch_gen *words = map_generations(fd), *again = map_generations(fd);
	uint64_t generations[2];
	char *addr = map_pages(1);
	char byte = 0;
	pid_t pid;

	CHECK_EQ(generation(&words[step]) + generation(&again[step]), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	pid = fork_child();
	if (!pid) {
		words = map_generations(fd);
		CHECK_EQ(generation(&words[0]) + generation(&words[step]), 0);
		CHECK_EQ(write(ends[1], &byte, 1), 1);
		CHECK_EQ(read(ends[1], generations, sizeof(generations)), sizeof(generations));
		CHECK_EQ(generation(&words[0]), generations[0]);
		CHECK_EQ(generation(&words[step]), generations[1]);
		_exit(0);
	}
	CHECK_EQ(read(ends[0], &byte, 1), 1);
	for (i = 0; i < step; i++) {
		struct pinwatch_watch_add watch = add(fd, addr, page_size(), WATCH, 0);

		CHECK_EQ(watch.id, nth_id(i));
		CHECK_EQ(generation(&words[watch.id]), watch.generation);
		CHECK_EQ(generation(&again[watch.id]), watch.generation);
		if (watch.id % step == 0)
			generations[watch.id / step] = watch.generation;
	}
	CHECK_EQ(write(ends[0], generations, sizeof(generations)), sizeof(generations));
	wait_child(pid);
}

struct first_use {
	int fd;
	bool added;
	unsigned long nr_stale;
};

/* Map and read the second page, until the page has an id in use. */
static void *first_use_run(void *data)
{
	struct first_use *use = data;
	bool added = false;

	while (!added) {
		const struct pinwatch_gen *words = mmap(NULL, page_size(), PROT_READ, MAP_SHARED,
							use->fd, (off_t)page_size());

		CHECK(words != MAP_FAILED);
		(void)generation(words);
		added = __atomic_load_n(&use->added, __ATOMIC_ACQUIRE);
		if (added && !generation(words))
			__atomic_add_fetch(&use->nr_stale, 1, __ATOMIC_RELAXED);
		CHECK_EQ(munmap((void *)words, page_size()), 0);
	}
	return NULL;
}

/* A fault that races with the first use of an id does not keep the zero page. */
TEST(map_first_use_race)
{
	char *addr = map_pages(1);
	struct first_use use = { 0 };
	pthread_t threads[2];
	int i, j;

	for (i = 0; i < NR_TOUCHES; i++) {
		use.fd = open_device(0);
		use.added = false;
		add_many(use.fd, addr, page_size() / sizeof(struct pinwatch_gen) - 1);
		for (j = 0; j < 2; j++)
			CHECK_EQ(pthread_create(&threads[j], NULL, first_use_run, &use), 0);
		sched_yield();
		add(use.fd, addr, page_size(), WATCH, 0);
		__atomic_store_n(&use.added, true, __ATOMIC_RELEASE);
		for (j = 0; j < 2; j++)
			CHECK_EQ(pthread_join(threads[j], NULL), 0);
		CHECK_EQ(close(use.fd), 0);
	}
	CHECK_EQ(use.nr_stale, 0);
}

/* A debugger can read the words. Nothing that takes references to pages can. */
TEST(map_debugger_reads)
{
	size_t step = page_size() / sizeof(struct pinwatch_gen);
	int fd = open_device(0), mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), ends[2];
	const struct pinwatch_gen *words = map_generations(fd);
	uint64_t expected = add(fd, map_pages(1), page_size(), WATCH, 0).generation;
	struct pinwatch_gen copy[2];
	struct iovec part = { .iov_base = (void *)words, .iov_len = sizeof(copy) };

	CHECK(mem >= 0);
	CHECK_EQ(pread(mem, copy, sizeof(copy), (off_t)(uintptr_t)words), sizeof(copy));
	CHECK_EQ(copy[0].generation, expected);
	CHECK_EQ(copy[1].generation, 0);
	/* From a page with ids in use to a page without */
	CHECK_EQ(pread(mem, copy, sizeof(copy), (off_t)(uintptr_t)&words[step - 1]),
		 sizeof(copy));
	CHECK_EQ(copy[0].generation, 1);
	CHECK_EQ(copy[1].generation, 0);
	CHECK_EQ(generation(words), expected);
	CHECK_EQ(pipe(ends), 0);
	CHECK(vmsplice(ends[1], &part, 1, 0) == -1 && errno == EFAULT);
}

/* Add and delete @nr watches. A mapping of @fd stays. */
static int peak(int fd, char *addr, size_t nr)
{
	struct pinwatch_watch_add watch;
	size_t i, done;
	int ret = 0;

	for (done = 0; done < nr && !ret; done += !ret)
		ret = try_add(fd, addr, page_size(), WATCH, 0, &watch);
	for (i = 0; i < done; i++)
		CHECK_EQ(try_del(fd, nth_id(i)), 0);
	return ret;
}

/* The same on a descriptor that is closed again */
static int peak_once(char *addr, size_t nr)
{
	int fd = open_device(0), ret = peak(fd, addr, nr);

	CHECK_EQ(close(fd), 0);
	return ret;
}

/* Use two pages of the words of @fd, keep a mapping, and close @fd. */
static const struct pinwatch_gen *peak_keep(int fd, char *addr)
{
	const struct pinwatch_gen *words = map_generations(fd);

	CHECK_EQ(peak(fd, addr, 2 * page_size() / sizeof(*words) - 1), 0);
	CHECK_EQ(close(fd), 0);
	return words;
}

/* The pages that watches have used stay charged as long as a mapping exists. */
TEST(limit_map_peak)
{
	unsigned long per_user = param_get("max_watches_per_user");
	size_t step = page_size() / sizeof(struct pinwatch_gen);
	int fd = open_device(0), other = open_device(0);
	size_t size = get_info(fd).gen_map_size;
	const struct pinwatch_gen *words;
	char *addr = map_pages(1);

	param_set("max_watches_per_user", 2 * step);
	/* All watches that a user may have fit in the free page and the user's share. */
	CHECK_EQ(peak_once(addr, 2 * step + 1), -EDQUOT);
	words = peak_keep(fd, addr);
	(void)peak_keep(other, addr);
	/* Two pages are charged. The first page is free. */
	CHECK_EQ(peak_once(addr, step - 1), 0);
	CHECK_EQ(peak_once(addr, step), -EDQUOT);
	CHECK_EQ(munmap((void *)words, size), 0);
	CHECK_EQ(peak_once(addr, step + 1), 0);
	param_set("max_watches_per_user", per_user);
}

/* The user nobody receives descriptors from a broker, and keeps mappings of their words. */
static void client(const int *fds, int channel) __attribute__((noreturn));
static void client(const int *fds, int channel)
{
	size_t step = page_size() / sizeof(struct pinwatch_gen);
	const struct pinwatch_gen *words;
	size_t size = get_info(fds[0]).gen_map_size;
	char *addr = map_pages(1);

	/* As root, so that only the pages are charged to the user nobody. */
	CHECK_EQ(try_bind(fds[0]), 0);
	CHECK_EQ(try_bind(fds[1]), 0);
	credentials_nobody();
	words = peak_keep(fds[0], addr);
	(void)peak_keep(fds[1], addr);
	/* The client is charged. */
	CHECK_EQ(peak_once(addr, step - 1), 0);
	CHECK_EQ(peak_once(addr, step), -EDQUOT);
	CHECK_EQ(channel_send(channel, -1), 0);
	CHECK_EQ(channel_receive(channel, NULL), 0);
	CHECK_EQ(munmap((void *)words, size), 0);
	CHECK_EQ(peak_once(addr, step + 1), 0);
	_exit(0);
}

/* The user who used an id first is charged for its page, not the user who opened. */
TEST(limit_map_broker)
{
	unsigned long per_user = param_get("max_watches_per_user");
	size_t step = page_size() / sizeof(struct pinwatch_gen);
	int fds[2] = { open_device(0), open_device(0) }, ends[2], received, ret;
	pid_t pid;

	param_set("max_watches_per_user", 2 * step);
	credentials_device_mode(0666);
	CHECK_EQ(channel_open(ends), 0);
	pid = fork_child();
	if (!pid)
		client(fds, ends[1]);
	close(ends[1]);
	CHECK_EQ(close(fds[0]), 0);
	CHECK_EQ(close(fds[1]), 0);
	received = channel_receive(ends[0], NULL);
	ret = peak_once(map_pages(1), step + 1);
	if (!received)
		CHECK_EQ(channel_send(ends[0], -1), 0);
	wait_child(pid);
	credentials_device_mode(0600);
	param_set("max_watches_per_user", per_user);
	CHECK_EQ(received, 0);
	CHECK_EQ(ret, 0);
}
