// SPDX-License-Identifier: MIT
/* The limits of a cache, and requests that meet a limit of the kernel. */
#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>

#include "cache_setup.h"

/* More than the limit at once: served, and not kept. */
TEST(larger_than_the_limit)
{
	const struct pinwatch_cache_region *got;

	begin(2 * FAKE_PAGE, 0);
	touch(0, 1, READ);
	got = get(10, 5, READ);
	CHECK_EQ(fake.pinned_pages, 5);
	put(got);
	CHECK_EQ(fake.pinned_pages, 0);
	end();
}

static void test_limit_of(int error)
{
	const struct pinwatch_cache_region *used, *got;

	begin(LIMIT, 0);
	touch(0, 2, READ);
	touch(10, 2, READ);
	used = get(20, 2, READ);
	fake.max_watches = error == -ENOSPC ? 3 : UINT32_MAX;
	fake.user_watches = error == -EDQUOT ? 3 : UINT32_MAX;
	fake.memlock_pages = error == -ENOBUFS ? 6 : UINT64_MAX;
	CHECK(!touch(30, 1, READ));
	/* Only the least recently used region was evicted. */
	CHECK(touch(10, 2, READ));
	CHECK_EQ(stats().evictions, 1);
	CHECK_EQ(stats().retries, 1);
	/* Nothing is left to drop. */
	fake.max_watches = error == -ENOSPC ? 1 : UINT32_MAX;
	fake.user_watches = error == -EDQUOT ? 1 : UINT32_MAX;
	fake.memlock_pages = error == -ENOBUFS ? 2 : UINT64_MAX;
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(40), 1, READ, &got), error);
	CHECK_EQ(fake.nr_watches, 1);
	CHECK(touch(20, 2, READ));
	put(used);
	end();
}

TEST(limit_enobufs)
{
	test_limit_of(-ENOBUFS);
}

TEST(limit_edquot)
{
	test_limit_of(-EDQUOT);
}

TEST(limit_enospc)
{
	test_limit_of(-ENOSPC);
}

/* A request above the limit evicts no region. */
TEST(hopeless_request)
{
	struct rlimit limit = { .rlim_cur = 4 * FAKE_PAGE, .rlim_max = 4 * FAKE_PAGE };
	const struct pinwatch_cache_region *got;

	begin(LIMIT, 0);
	touch(0, 2, READ);
	fake.max_pin_pages = 3;
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(10), 4 * FAKE_PAGE, READ, &got), -EMSGSIZE);
	fake.max_pin_pages = UINT64_MAX;
	fake.memlock_pages = 4;
	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(10), 5 * FAKE_PAGE, READ, &got), -ENOBUFS);
	CHECK(touch(0, 2, READ));
	CHECK(!touch(10, 4, READ));
	end();
}

/* A region that exceeds the memory of every machine evicts none, whatever limit refuses it. */
TEST(hopeless_size)
{
	static const int errors[] = { -ENOMEM, -EDQUOT, -ENOSPC, -EMSGSIZE };
	const struct pinwatch_cache_region *got;
	size_t i;

	begin(LIMIT, 0);
	touch(0, 2, READ);
	fake.big_pages = 1UL << 34;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake.big_error = errors[i];
		CHECK_EQ(pinwatch_cache_get(cache, fake_page(10), fake.big_pages * FAKE_PAGE, READ,
					    &got), errors[i]);
		CHECK(touch(0, 2, READ));
	}
	/* Nor does a sweep during the miss. */
	touch(20, 2, READ);
	fake_disturb(fake_page(20), 1);
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(10), fake.big_pages * FAKE_PAGE, READ,
				    &got), -EMSGSIZE);
	CHECK(touch(0, 2, READ));
	CHECK_EQ(stats().evictions, 0);
	end();
}

/*
 * Regions larger than RLIMIT_MEMLOCK, which CAP_IPC_LOCK permits: the limits of watches
 * and of the user's pages evict idle regions all the same.
 */
TEST(limits_above_memlock)
{
	struct rlimit limit = { .rlim_cur = FAKE_PAGE, .rlim_max = FAKE_PAGE };
	size_t i;

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	begin(LIMIT, 0);
	fake.max_watches = 2;
	for (i = 0; i < 4; i++)
		CHECK(!touch(10 * i, 4, READ));
	fake.max_watches = FAKE_MAX_WATCHES;
	fake.user_watches = 2;
	for (i = 4; i < 8; i++)
		CHECK(!touch(10 * i, 4, READ));
	CHECK_EQ(stats().evictions, 6);
	end();
}
