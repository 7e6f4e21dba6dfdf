// SPDX-License-Identifier: MIT
/* The mapped generations: who may map them how, and what they promise. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

static int __map(int fd, size_t length, int prot, int flags, off_t offset)
{
	void *map = mmap(NULL, length, prot, flags, fd, offset);

	return map == MAP_FAILED ? -errno : 0;
}

static void test_refused(void)
{
	int fd = x_open(0);
	size_t size = x_info(fd).gen_map_size;

	CHECK_EQ(__map(fd, size, PROT_READ, MAP_SHARED, 0), 0);
	CHECK_EQ(__map(fd, page_size(), PROT_READ, MAP_SHARED, 0), 0);
	CHECK_EQ(__map(fd, size, PROT_READ | PROT_WRITE, MAP_SHARED, 0), -EACCES);
	CHECK_EQ(__map(fd, size, PROT_WRITE, MAP_SHARED, 0), -EACCES);
	CHECK_EQ(__map(fd, size, PROT_READ, MAP_PRIVATE, 0), -EINVAL);
	CHECK_EQ(__map(fd, size + 1, PROT_READ, MAP_SHARED, 0), -EINVAL);
	CHECK_EQ(__map(fd, size, PROT_READ, MAP_SHARED, (off_t)page_size()), -EINVAL);
	CHECK_EQ(__map(fd, page_size(), PROT_READ, MAP_SHARED, (off_t)size), -EINVAL);
}

static void test_stays_read_only(void)
{
	int fd = x_open(0), mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	size_t size = x_info(fd).gen_map_size;
	void *map = (void *)x_map(fd);

	CHECK(mprotect(map, size, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	CHECK(mem >= 0);
	/* Not even in a debugger's way. */
	CHECK_EQ(pwrite(mem, "x", 1, (off_t)(uintptr_t)map), -1);
}

static void test_does_not_grow(void)
{
	int fd = x_open(0);
	void *map = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED);
	CHECK(mremap(map, page_size(), 2 * page_size(), MREMAP_MAYMOVE) == MAP_FAILED);
}

static void test_not_inherited(void)
{
	int fd = x_open(0);
	void *map = (void *)x_map(fd);
	pid_t pid;

	CHECK_EQ(msync(map, page_size(), MS_ASYNC), 0);
	pid = x_fork();
	if (!pid) {
		CHECK(msync(map, page_size(), MS_ASYNC) == -1 && errno == ENOMEM);
		_exit(0);
	}
	x_wait(pid);
}

/* Another process that has the descriptor may look, at what the first one's are. */
static void test_seen_by_others(void)
{
	char *addr = x_pages(1);
	int fd = x_open(0);
	struct pinwatch_watch_add add;
	int hit[2], told[2];
	char byte = 0;
	pid_t pid;

	CHECK(!pipe(hit) && !pipe(told));
	pid = x_fork();
	if (!pid) {
		const struct pinwatch_gen *words = x_map(fd);
		uint64_t before;

		CHECK_EQ(read(told[0], &byte, 1), 1);
		before = generation(&words[0]);
		CHECK(before != 0);
		CHECK_EQ(write(hit[1], &byte, 1), 1);
		CHECK_EQ(read(told[0], &byte, 1), 1);
		CHECK(generation(&words[0]) > before);
		_exit(0);
	}
	add = x_add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(add.id, 0);
	CHECK_EQ(write(told[1], &byte, 1), 1);
	CHECK_EQ(read(hit[0], &byte, 1), 1);
	x_dontneed(addr, page_size());
	CHECK_EQ(write(told[1], &byte, 1), 1);
	x_wait(pid);
}

static void test_words(void)
{
	char *addr = x_pages(2);
	int i, fd = x_open(0);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_add first, second;

	CHECK_EQ(generation(&words[0]), 0);
	first = x_add(fd, addr, page_size(), WATCH, 0);
	second = x_add(fd, addr + page_size(), page_size(), PIN, 0);
	CHECK(first.generation != 0);
	CHECK_EQ(generation(&words[first.id]), first.generation);
	CHECK_EQ(generation(&words[second.id]), second.generation);
	for (i = 0; i < 100; i++) {
		uint64_t before = generation(&words[first.id]);

		x_dontneed(addr, page_size());
		CHECK(generation(&words[first.id]) > before);
		CHECK_EQ(words[first.id].generation32, (uint32_t)generation(&words[first.id]));
	}
	CHECK_EQ(generation(&words[second.id]), second.generation);
	CHECK_EQ(words[first.id].reserved, 0);
}

/* An id that is used again does not bring an old value back. */
static void test_monotonic_over_reuse(void)
{
	char *addr = x_pages(1);
	int i, fd = x_open(0);
	const struct pinwatch_gen *words = x_map(fd);
	uint64_t last = 0;

	for (i = 0; i < 1000; i++) {
		struct pinwatch_watch_add add = x_add(fd, addr, page_size(),
						      i % 2 ? PIN : WATCH, 0);

		CHECK_EQ(add.id, 0);
		CHECK(add.generation > last);
		if (i % 3 == 0)
			x_dontneed(addr, page_size());
		CHECK_EQ(__del(fd, add.id), 0);
		last = generation(&words[add.id]);
		CHECK(last > add.generation);
	}
}

/* The mapping stays readable, but holds no page. */
static void test_outlives_close(void)
{
	uint64_t pinned = x_stats().pinned_pages;
	uint64_t watches = x_stats().nr_watches;
	char *addr = x_pages(8);
	int fd = x_open(0);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_add add = x_add(fd, addr, 8 * page_size(), PIN_RW, 0);

	CHECK_EQ(x_stats().pinned_pages, pinned + 8);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(x_stats().pinned_pages, pinned);
	CHECK_EQ(x_stats().nr_watches, watches);
	CHECK(generation(&words[add.id]) > add.generation);
	CHECK_EQ(munmap(addr, 8 * page_size()), 0);
	CHECK(generation(&words[add.id]) > add.generation);
}

int main(void)
{
	static const struct ktap_test tests[] = {
		{ "map_eacces_einval", test_refused },
		{ "map_stays_read_only", test_stays_read_only },
		{ "map_does_not_grow", test_does_not_grow },
		{ "map_not_inherited", test_not_inherited },
		{ "map_seen_by_others", test_seen_by_others },
		{ "map_outlives_close", test_outlives_close },
		{ "generation_words", test_words },
		{ "generation_monotonic_over_reuse", test_monotonic_over_reuse },
		{ "counters_are_back", test_counters_are_back },
		{ NULL, NULL },
	};

	counters_remember();
	return ktap_main(tests);
}
