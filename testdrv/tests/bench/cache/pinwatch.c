// SPDX-License-Identifier: MIT
/* pinwatch_cache over the fake device. */
#include "../../lib/fake.h"
#include "bench.h"
#include "pinwatch_cache.h"

static struct pinwatch *dev;
static struct pinwatch_cache *cache;

static void create(void)
{
	dev = fake_open();
	bench_check(!pinwatch_cache_create(&cache, dev, UINT64_MAX, 0), "pinwatch_cache_create");
}

static void hit(char *const *order, size_t nr_regions, size_t nr_hits)
{
	const struct pinwatch_cache_region *region;
	size_t i = 0;

	for (; nr_hits; nr_hits--) {
		bench_check(!pinwatch_cache_get(cache, order[i], FAKE_PAGE, PINWATCH_CACHE_READ,
						&region), "pinwatch_cache_get");
		pinwatch_cache_put(cache, region);
		if (++i == nr_regions)
			i = 0;
	}
}

static void destroy(void)
{
	bench_check(!pinwatch_cache_destroy(cache), "pinwatch_cache_destroy");
	fake_close(dev);
}

const struct bench_cache bench_pinwatch = {
	.name = "pinwatch", .create = create, .hit = hit, .destroy = destroy,
};
