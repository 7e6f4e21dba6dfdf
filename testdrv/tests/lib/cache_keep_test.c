// SPDX-License-Identifier: MIT
/* Stale regions: the cache keeps or drops them, as the kernel answers. */
#include <errno.h>
#include <stdint.h>

#include "cache_setup.h"

TEST(reap)
{
	size_t i;

	begin(LIMIT, 0);
	for (i = 0; i < 100; i++)
		touch(2 * i, 1, READ);
	for (i = 0; i < 50; i++)
		fake_invalidate(fake_page(4 * i), 1);
	CHECK_EQ(pinwatch_cache_reap(cache), 50);
	CHECK_EQ(pinwatch_cache_reap(cache), 0);
	CHECK_EQ(fake.nr_watches, 50);
	for (i = 0; i < 50; i++)
		CHECK(touch(4 * i + 2, 1, READ));
	end();
}

/* Misses unpin stale regions, even without a request for the region. */
TEST(misses_reap)
{
	size_t i;

	begin(LIMIT, 0);
	for (i = 0; i < 100; i++)
		touch(2 * i, 1, READ);
	fake_invalidate(fake_page(0), 200 * FAKE_PAGE);
	for (i = 0; i < 10; i++)
		touch(300 + 2 * i, 1, READ);
	CHECK_EQ(stats().stale, 100);
	CHECK_EQ(fake.nr_watches, 10);
	end();
}

/* A sweep keeps the regions whose pages have not moved, in the order of their use. */
TEST(sweep_keeps)
{
	size_t i;

	begin(8 * FAKE_PAGE, 0);
	for (i = 0; i < 8; i++)
		touch(2 * i, 1, READ);
	fake_disturb(fake_page(0), 16 * FAKE_PAGE);
	fake_invalidate(fake_page(4), 1);
	CHECK_EQ(pinwatch_cache_reap(cache), 1);
	CHECK_EQ(stats().kept, 7);
	CHECK_EQ(stats().nr_regions, 7);
	CHECK_EQ(pinwatch_cache_reap(cache), 0);
	CHECK_EQ(fake.nr_keeps, 8);
	touch(100, 2, READ);
	CHECK(!touch(0, 1, READ));
	CHECK(touch(14, 1, READ));
	end();
}

static size_t nr_asked;

static void keep_count(void)
{
	nr_asked++;
}

/* The kernel does not know whether pages have moved: a sweep leaves the regions for later. */
TEST(sweep_asks_once)
{
	size_t i;

	begin(8 * FAKE_PAGE, 0);
	for (i = 0; i < 4; i++)
		touch(2 * i, 1, READ);
	fake_disturb(fake_page(0), 8 * FAKE_PAGE);
	fake.on_keep = keep_count;
	fake.fail = -EAGAIN;
	CHECK_EQ(pinwatch_cache_reap(cache), 0);
	CHECK_EQ(nr_asked, 4);
	fake.fail = 0;
	CHECK_EQ(fake.pinned_pages, 4);
	CHECK_EQ(stats().stale + stats().kept, 0);
	CHECK(touch(0, 1, READ));
	fake_invalidate(fake_page(2), 1);
	CHECK_EQ(pinwatch_cache_reap(cache), 1);
	CHECK_EQ(stats().kept, 3);
	end();
}

static void flush_all(void)
{
	fake.on_keep = NULL;
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
}

/* Another thread flushes the cache while the kernel is asked about a region. */
TEST(flush_while_keeping)
{
	begin(LIMIT, 0);
	touch(0, 1, READ);
	fake_disturb(fake_page(0), 1);
	fake.on_keep = flush_all;
	CHECK(!touch(0, 1, READ));
	fake_disturb(fake_page(0), 1);
	fake.on_keep = flush_all;
	CHECK_EQ(pinwatch_cache_reap(cache), 0);
	CHECK_EQ(stats().nr_regions, 0);
	CHECK_EQ(fake.nr_watches, 0);
	end();
}
