// SPDX-License-Identifier: MIT
/* See cache_setup.h. */
#include "cache_setup.h"

struct pinwatch *dev;
struct pinwatch_cache *cache;

void begin(uint64_t limit, unsigned int flags)
{
	dev = fake_open();
	CHECK_EQ(pinwatch_cache_create(&cache, dev, limit, flags), 0);
}

void end(void)
{
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	fake_close(dev);
}

const struct pinwatch_cache_region *get(size_t first, size_t nr_pages, unsigned int intent)
{
	const struct pinwatch_cache_region *region;

	CHECK_EQ(pinwatch_cache_get(cache, fake_page(first), nr_pages * FAKE_PAGE, intent,
				    &region), 0);
	CHECK(region->addr <= fake_page(first));
	CHECK(region->addr + region->length >= fake_page(first + nr_pages));
	CHECK(region->intent >= intent);
	CHECK(pinwatch_valid(&region->watch));
	return region;
}

void put(const struct pinwatch_cache_region *region)
{
	pinwatch_cache_put(cache, region);
}

bool touch(size_t first, size_t nr_pages, unsigned int intent)
{
	size_t nr_adds = fake.nr_adds;

	put(get(first, nr_pages, intent));
	return fake.nr_adds == nr_adds;
}

struct pinwatch_cache_stats stats(void)
{
	struct pinwatch_cache_stats now;

	pinwatch_cache_get_stats(cache, &now);
	return now;
}

pthread_t start(void *(*run)(void *))
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
	return thread;
}

const struct pinwatch_cache_region *join(pthread_t thread)
{
	void *got;

	CHECK_EQ(pthread_join(thread, &got), 0);
	return got;
}
