// SPDX-License-Identifier: MIT
/* The mapped generations: access, lifetime and order. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

#define NR_TOUCHES	2000

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

/* Count the pages of words that can be read before SIGBUS, at most @nr. */
static size_t pages_touched(int fd, size_t nr)
{
	size_t step = page_size() / sizeof(struct pinwatch_gen), done;
	volatile size_t *touched = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct pinwatch_gen *words;
	int status;
	pid_t pid;

	CHECK(touched != MAP_FAILED);
	pid = fork_child();
	if (!pid) {
		words = map_generations(fd);
		for (; *touched < nr; ++*touched)
			(void)generation(&words[*touched * step]);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	done = *touched;
	CHECK_EQ(munmap((void *)touched, page_size()), 0);
	CHECK(done == nr ? !status : WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	return done;
}

/* Pages of words are memory, too: a user's share, over all descriptors. */
TEST(limit_map_touch)
{
	unsigned long per_user = param_get("max_watches_per_user");
	size_t step = page_size() / sizeof(struct pinwatch_gen);
	int fd = open_device(0), other = open_device(0);

	param_set("max_watches_per_user", 4 * step);
	CHECK_EQ(pages_touched(fd, 4), 4);
	/* A second read of the pages charges no more memory. */
	CHECK_EQ(pages_touched(fd, 4), 4);
	/* Each descriptor has a free page. */
	CHECK_EQ(pages_touched(other, 3), 2);
	CHECK_EQ(pages_touched(fd, 5), 4);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(pages_touched(other, 8), 5);
	CHECK_EQ(close(other), 0);
	/* The first page is free, both for watches and for reads. */
	fd = open_device(0);
	CHECK_EQ(add(fd, map_pages(1), page_size(), WATCH, 0).id, 0);
	CHECK_EQ(pages_touched(fd, 8), 5);
	CHECK_EQ(close(fd), 0);
	param_set("max_watches_per_user", per_user);
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
		CHECK_EQ(try_del(fd, (uint32_t)i), 0);
	return ret;
}

/* The pages that watches have used stay charged as long as a mapping exists. */
TEST(limit_map_peak)
{
	unsigned long per_user = param_get("max_watches_per_user");
	size_t step = page_size() / sizeof(struct pinwatch_gen);
	char *addr = map_pages(1);
	int fd = open_device(0), other = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	size_t size = get_info(fd).gen_map_size;

	param_set("max_watches_per_user", 2 * step);
	/* All watches that a user may have fit in the free page and the user's share. */
	CHECK_EQ(peak(fd, addr, 2 * step + 1), -EDQUOT);
	CHECK_EQ(peak(other, addr, 2 * step), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(close(other), 0);
	/* One page of the mapping is still charged. */
	other = open_device(0);
	CHECK_EQ(peak(other, addr, 2 * step), 0);
	CHECK_EQ(pages_touched(other, 4), 2);
	CHECK_EQ(munmap((void *)words, size), 0);
	CHECK_EQ(pages_touched(other, 4), 3);
	CHECK_EQ(close(other), 0);
	param_set("max_watches_per_user", per_user);
}

/* A read by the kernel: EFAULT where a read by the program gets SIGBUS. */
static bool touch_done(const struct pinwatch_gen *words)
{
	int ends[2];
	bool done;

	CHECK_EQ(pipe(ends), 0);
	done = write(ends[1], words, sizeof(*words)) == sizeof(*words);
	CHECK(done || errno == EFAULT);
	close(ends[0]);
	close(ends[1]);
	return done;
}

struct touch {
	pthread_barrier_t begin, end;
	const struct pinwatch_gen *words;	/* NULL: no more */
	unsigned long nr_failed;
};

static void *touch_run(void *data)
{
	struct touch *touch = data;

	for (;;) {
		pthread_barrier_wait(&touch->begin);
		if (!touch->words)
			return NULL;
		if (!touch_done(touch->words))
			__atomic_add_fetch(&touch->nr_failed, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(&touch->end);
	}
}

/* Concurrent faults get the free page, even when the user's share is used up. */
TEST(limit_map_touch_together)
{
	unsigned long per_user = param_get("max_watches_per_user");
	size_t step = page_size() / sizeof(struct pinwatch_gen);
	struct touch touch = { 0 };
	int fd = open_device(0), i;
	pthread_t threads[2];

	param_set("max_watches_per_user", step);
	CHECK_EQ(pages_touched(fd, 8), 2);
	CHECK_EQ(pthread_barrier_init(&touch.begin, NULL, 3), 0);
	CHECK_EQ(pthread_barrier_init(&touch.end, NULL, 3), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, touch_run, &touch), 0);
	for (i = 0; i < NR_TOUCHES; i++) {
		int other = open_device(0);

		touch.words = map_generations(other);
		pthread_barrier_wait(&touch.begin);
		pthread_barrier_wait(&touch.end);
		CHECK_EQ(munmap((void *)touch.words, get_info(other).gen_map_size), 0);
		CHECK_EQ(close(other), 0);
	}
	touch.words = NULL;
	pthread_barrier_wait(&touch.begin);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(pages_touched(fd, 8), 2);
	CHECK_EQ(close(fd), 0);
	param_set("max_watches_per_user", per_user);
	CHECK_EQ(touch.nr_failed, 0);
}
