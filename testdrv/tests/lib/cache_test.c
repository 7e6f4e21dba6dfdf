// SPDX-License-Identifier: MIT
/* pinwatch_cache on the fake device, without concurrency: a documented property a test. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "cache_setup.h"

TEST(errors)
{
	const struct pinwatch_cache_region *got = NULL;

	begin(LIMIT, 0);
	CHECK_EQ(pinwatch_cache_create(&cache, dev, 1, 2), -EINVAL);
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(0), 0, READ, &got), -EINVAL);
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(0), 1, 2, &got), -EINVAL);
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(0), SIZE_MAX, READ, &got), -EOVERFLOW);
	CHECK_EQ(pinwatch_cache_get(cache, (void *)UINTPTR_MAX, 1, READ, &got), -EOVERFLOW);
	fake.fail = -EFAULT;
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(0), 1, READ, &got), -EFAULT);
	CHECK(!got);
	fake.fail = 0;
	CHECK_EQ(stats().nr_regions, 0);
	CHECK_EQ(stats().bytes, 0);
	CHECK_EQ(stats().bytes_in_use, 0);
	end();
}

TEST(hit)
{
	const struct pinwatch_cache_region *first, *second;

	begin(LIMIT, 0);
	first = get(0, 4, READ);
	CHECK_EQ(fake.last.add.flags, PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_PAGES);
	CHECK_EQ(fake.last.add.ignore_events, PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE);
	second = get(0, 4, READ);
	CHECK(first == second);
	CHECK_EQ(stats().bytes_in_use, 4 * FAKE_PAGE);
	put(first);
	CHECK_EQ(stats().bytes_in_use, 4 * FAKE_PAGE);
	put(second);
	CHECK_EQ(stats().bytes_in_use, 0);
	CHECK(touch(0, 4, READ));
	CHECK_EQ(stats().hits, 2);
	CHECK_EQ(stats().misses, 1);
	CHECK_EQ(stats().nr_regions, 1);
	CHECK_EQ(stats().bytes, 4 * FAKE_PAGE);
	end();
}

/* The cache rounds a request of bytes to pages. */
TEST(rounding)
{
	const struct pinwatch_cache_region *got;

	begin(LIMIT, 0);
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(1) - 1, 2, READ, &got), 0);
	CHECK(got->addr == fake_page(0));
	CHECK_EQ(got->length, 2 * FAKE_PAGE);
	put(got);
	CHECK(touch(0, 2, READ));
	end();
}

TEST(larger_serves_smaller)
{
	begin(LIMIT, 0);
	touch(10, 10, READ);
	CHECK(touch(10, 1, READ));
	CHECK(touch(19, 1, READ));
	CHECK(touch(12, 5, READ));
	CHECK(!touch(9, 2, READ));
	CHECK(!touch(19, 2, READ));
	CHECK(!touch(5, 20, READ));
	end();
}

TEST(write_serves_read)
{
	begin(LIMIT, 0);
	CHECK(!touch(0, 1, READ));
	CHECK(!touch(0, 1, WRITE));
	CHECK_EQ(fake.last.add.flags, PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE |
		 PINWATCH_WATCH_F_PAGES);
	CHECK(touch(0, 1, READ));
	CHECK(touch(0, 1, WRITE));
	CHECK(!touch(5, 1, WRITE));
	CHECK(touch(5, 1, READ));
	end();
}

TEST(flag_write)
{
	begin(LIMIT, PINWATCH_CACHE_F_WRITE);
	CHECK(!touch(0, 1, READ));
	CHECK(touch(0, 1, WRITE));
	end();
}

static void read_only_set(size_t first, size_t nr_pages)
{
	fake.read_only_start = (uintptr_t)fake_page(first);
	fake.read_only_end = (uintptr_t)fake_page(first + nr_pages);
}

static void check_read_only(size_t first)
{
	const struct pinwatch_cache_region *got;

	CHECK_EQ(pinwatch_cache_get(cache, fake_page(first), FAKE_PAGE, WRITE, &got), -EFAULT);
}

/* Read-only memory is pinned for reading, and no request for writing gets that region. */
TEST(flag_write_read_only_memory)
{
	const struct pinwatch_cache_region *got;

	begin(LIMIT, PINWATCH_CACHE_F_WRITE);
	read_only_set(0, 10);
	got = get(0, 1, READ);
	CHECK_EQ(got->intent, READ);
	check_read_only(0);
	CHECK(get(0, 1, READ) == got);
	put(got);
	put(got);
	/* The same, the request for writing first */
	check_read_only(5);
	CHECK(!touch(5, 1, READ));
	check_read_only(5);
	CHECK(touch(5, 1, READ));
	CHECK_EQ(stats().hits + stats().misses, 7);
	/* The memory becomes writable. */
	read_only_set(0, 0);
	CHECK(!touch(0, 1, WRITE));
	CHECK(touch(0, 1, READ));
	CHECK_EQ(stats().nr_regions, 2);
	end();
}

/* A new region replaces the regions inside, unless a region is in use. */
TEST(subsumes)
{
	const struct pinwatch_cache_region *used;

	begin(LIMIT, 0);
	touch(0, 2, READ);
	touch(2, 2, WRITE);
	used = get(4, 2, READ);
	touch(9, 2, READ);
	touch(0, 10, READ);
	/* The regions for writing, in use and partly outside stay. */
	CHECK_EQ(stats().nr_regions, 4);
	touch(0, 11, WRITE);
	CHECK_EQ(stats().nr_regions, 2);
	put(used);
	CHECK_EQ(fake.pinned_pages, 11 + 2);
	end();
}

TEST(stale_is_not_returned)
{
	const struct pinwatch_cache_region *first, *second;

	begin(LIMIT, 0);
	first = get(0, 2, READ);
	fake_invalidate(fake_page(1), 1);
	second = get(0, 2, READ);
	CHECK(first != second);
	/* A stale region in use stays pinned until put. */
	CHECK_EQ(fake.pinned_pages, 4);
	CHECK_EQ(stats().bytes_in_use, 4 * FAKE_PAGE);
	put(first);
	CHECK_EQ(fake.pinned_pages, 2);
	put(second);
	fake_invalidate(fake_page(0), 1);
	CHECK(!touch(0, 1, READ));
	CHECK_EQ(fake.pinned_pages, 1);
	CHECK_EQ(stats().stale, 2);
	CHECK_EQ(stats().evictions, 0);
	end();
}

/* A stale region does not hide a valid region. */
TEST(stale_hides_nothing)
{
	begin(LIMIT, 0);
	put(get(0, 4, READ));
	put(get(2, 4, READ));
	fake_invalidate(fake_page(0), 1);
	CHECK(touch(2, 2, READ));
	end();
}

TEST(put_drops_stale)
{
	const struct pinwatch_cache_region *got;

	begin(LIMIT, 0);
	got = get(0, 2, READ);
	fake_invalidate(fake_page(0), 1);
	put(got);
	CHECK_EQ(fake.nr_watches, 0);
	CHECK_EQ(stats().nr_regions, 0);
	end();
}

TEST(lru_order)
{
	begin(3 * FAKE_PAGE, 0);
	touch(0, 1, READ);
	touch(10, 1, READ);
	touch(20, 1, READ);
	touch(0, 1, READ);
	touch(30, 1, READ);
	/* 10 was put longest ago. */
	CHECK(touch(0, 1, READ));
	CHECK(touch(20, 1, READ));
	CHECK(touch(30, 1, READ));
	CHECK(!touch(10, 1, READ));
	CHECK_EQ(stats().evictions, 2);
	CHECK_EQ(stats().bytes, 3 * FAKE_PAGE);
	end();
}

TEST(in_use_is_kept)
{
	const struct pinwatch_cache_region *used;

	begin(2 * FAKE_PAGE, 0);
	used = get(0, 2, READ);
	touch(10, 1, READ);
	touch(20, 1, READ);
	CHECK(pinwatch_valid(&used->watch));
	CHECK(touch(0, 2, READ));
	CHECK_EQ(fake.pinned_pages, 2);
	put(used);
	CHECK_EQ(fake.pinned_pages, 2);
	end();
}

static int nr_failures;

static void fail_for_a_while(void)
{
	fake.fail = nr_failures ? (nr_failures-- % 2 ? -EINTR : -EAGAIN) : 0;
}

/* A signal, or memory that is invalidated all the time, delays a get and fails no get. */
TEST(eintr_and_eagain_are_tried_again)
{
	begin(LIMIT, 0);
	fake.on_add = fail_for_a_while;
	nr_failures = 40;
	CHECK(!touch(0, 1, READ));
	CHECK_EQ(nr_failures, 0);
	fake.on_keep = fail_for_a_while;
	nr_failures = 4;
	fake_disturb(fake_page(0), 1);
	CHECK(touch(0, 1, READ));
	CHECK_EQ(stats().kept, 1);
	fake.on_del = fail_for_a_while;
	nr_failures = 1;
	CHECK_EQ(pinwatch_cache_flush(cache, NULL, SIZE_MAX), 1);
	CHECK_EQ(fake.nr_watches, 0);
	end();
}

TEST(flush)
{
	const struct pinwatch_cache_region *used;

	begin(LIMIT, 0);
	touch(0, 4, READ);
	touch(4, 4, READ);
	touch(8, 4, WRITE);
	used = get(6, 4, READ);
	CHECK_EQ(pinwatch_cache_flush(cache, fake_page(4), 0), 0);
	CHECK_EQ(pinwatch_cache_flush(cache, fake_page(7), FAKE_PAGE + 1), 3);
	CHECK_EQ(fake.nr_watches, 2);
	CHECK(pinwatch_valid(&used->watch));
	CHECK(touch(0, 4, READ));
	CHECK(!touch(6, 4, READ));
	put(used);
	CHECK_EQ(pinwatch_cache_flush(cache, NULL, SIZE_MAX), 2);
	CHECK_EQ(fake.nr_watches, 0);
	end();
}

TEST(destroy_ebusy)
{
	const struct pinwatch_cache_region *used;

	begin(LIMIT, 0);
	used = get(0, 1, READ);
	CHECK_EQ(pinwatch_cache_destroy(cache), -EBUSY);
	CHECK(touch(0, 1, READ));
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
	CHECK_EQ(pinwatch_cache_destroy(cache), -EBUSY);
	put(used);
	CHECK_EQ(pinwatch_cache_destroy(NULL), 0);
	end();
}

static int ops_add_result;
static int nr_added;

static int ops_add(void *arg, struct pinwatch_cache_region *got)
{
	CHECK(pinwatch_valid(&got->watch));
	if (ops_add_result)
		return ops_add_result;
	got->data = arg;
	nr_added++;
	return 0;
}

static void ops_remove(void *arg, struct pinwatch_cache_region *got)
{
	CHECK(got->data == arg);
	/* Not unpinned yet. */
	CHECK(fake.watches[got->watch.id].used);
	nr_added--;
}

TEST(ops)
{
	struct pinwatch_cache_ops ops = { .add = ops_add, .remove = ops_remove };
	const struct pinwatch_cache_region *got;

	begin(2 * FAKE_PAGE, 0);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, &ops), 0);
	got = get(0, 1, READ);
	CHECK(got->data == &ops);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, &ops), -EBUSY);
	put(got);
	touch(10, 2, READ);
	CHECK_EQ(nr_added, 1);
	ops_add_result = -EIO;
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(20), 1, READ, &got), -EIO);
	CHECK_EQ(fake.nr_watches, nr_added);
	ops_add_result = 0;
	CHECK(!touch(20, 1, READ));
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	CHECK_EQ(nr_added, 0);
	CHECK_EQ(pinwatch_cache_create(&cache, dev, LIMIT, 0), 0);
	end();
}

/* An invalidation that moves no page costs no registration: idle, in use, at put. */
TEST(kept_if_no_page_moved)
{
	struct pinwatch_cache_ops ops = { .add = ops_add, .remove = ops_remove };
	const struct pinwatch_cache_region *got;
	void *data;

	begin(LIMIT, 0);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, &ops), 0);
	got = get(0, 4, WRITE);
	data = got->data;
	put(got);
	fake_disturb(fake_page(1), 1);
	CHECK(get(0, 4, WRITE) == got);
	CHECK(got->data == data);
	fake_disturb(fake_page(1), 1);
	CHECK(get(1, 2, WRITE) == got);
	put(got);
	fake_disturb(fake_page(1), 1);
	put(got);
	CHECK(pinwatch_valid(&got->watch));
	CHECK_EQ(nr_added, 1);
	CHECK_EQ(fake.nr_adds, 1);
	CHECK_EQ(stats().kept, 3);
	CHECK_EQ(stats().stale, 0);
	CHECK_EQ(stats().hits, 2);
	/* A page has moved. */
	fake_disturb(fake_page(1), 1);
	fake_invalidate(fake_page(2), 1);
	CHECK(!touch(0, 4, WRITE));
	CHECK_EQ(stats().stale, 1);
	CHECK_EQ(nr_added, 1);
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	CHECK_EQ(nr_added, 0);
	CHECK_EQ(pinwatch_cache_create(&cache, dev, LIMIT, 0), 0);
	end();
}

/* The program was compiled with a shorter or a longer structure than the library. */
TEST(stats_of_another_size)
{
	struct {
		struct pinwatch_cache_stats s;
		uint64_t after[4];
	} longer, shorter;

	begin(LIMIT, 0);
	touch(0, 1, READ);
	memset(&longer, 0x5a, sizeof(longer));
	memset(&shorter, 0x5a, sizeof(shorter));
	pinwatch_cache_get_stats_sized(cache, &longer.s, sizeof(longer.s) + 8);
	CHECK_EQ(longer.s.misses, 1);
	CHECK_EQ(longer.after[0], 0);
	CHECK_EQ(longer.after[1], 0x5a5a5a5a5a5a5a5a);
	pinwatch_cache_get_stats_sized(cache, &shorter.s,
				       offsetof(struct pinwatch_cache_stats, stale));
	CHECK_EQ(shorter.s.misses, 1);
	CHECK_EQ(shorter.s.stale, 0x5a5a5a5a5a5a5a5a);
	end();
}

TEST(ops_of_another_size)
{
	struct {
		struct pinwatch_cache_ops s;
		void *unknown;
	} ops = { .s = { .add = ops_add, .remove = ops_remove }, .unknown = &ops };

	begin(LIMIT, 0);
	CHECK_EQ(pinwatch_cache_set_ops_sized(cache, &ops.s, &ops, sizeof(ops)), -E2BIG);
	ops.unknown = NULL;
	CHECK_EQ(pinwatch_cache_set_ops_sized(cache, &ops.s, &ops, sizeof(ops)), 0);
	touch(0, 1, READ);
	CHECK_EQ(nr_added, 1);
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
	CHECK_EQ(nr_added, 0);
	/* A program that does not know the member remove */
	CHECK_EQ(pinwatch_cache_set_ops_sized(cache, &ops.s, &ops,
					      offsetof(struct pinwatch_cache_ops, remove)), 0);
	touch(0, 1, READ);
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
	CHECK_EQ(nr_added, 1);
	end();
}
