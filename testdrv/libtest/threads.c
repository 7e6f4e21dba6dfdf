// SPDX-License-Identifier: MIT
/*
 * Threads that share a pinwatch_cache, beside one that invalidates.
 * Usage: threads [SEED]; the seed is printed.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"
#include "ktap.h"
#include "pinwatch_cache.h"

#define NR_THREADS	4
#define NR_ROUNDS	6000
#define NR_PAGES	64

static struct pinwatch *dev;
static struct pinwatch_cache *cache;
static unsigned int seed;
static bool stop;
/* Counts invalidations: odd while one goes on. */
static uint64_t epoch;
static uint64_t nr_judged;
static long nr_added;

static char *page(size_t nr)
{
	return (char *)0x10000000 + nr * FAKE_PAGE;
}

static int ops_add(void *arg, struct pinwatch_cache_region *region)
{
	(void)arg;
	region->data = malloc(1);
	__atomic_add_fetch(&nr_added, 1, __ATOMIC_RELAXED);
	return region->data ? 0 : -1;
}

static void ops_remove(void *arg, struct pinwatch_cache_region *region)
{
	(void)arg;
	free(region->data);
	__atomic_sub_fetch(&nr_added, 1, __ATOMIC_RELAXED);
}

/*
 * The bug of such caches: to return what was invalidated before. If no invalidation
 * was under way from before get to after it, the region must be valid.
 */
static void judge(const struct pinwatch_cache_region *region, uint64_t before)
{
	bool valid = pinwatch_valid(&region->watch);

	if ((before & 1) || __atomic_load_n(&epoch, __ATOMIC_ACQUIRE) != before)
		return;
	CHECK(valid);
	__atomic_add_fetch(&nr_judged, 1, __ATOMIC_RELAXED);
}

static void round_run(unsigned int *state)
{
	uint64_t before = __atomic_load_n(&epoch, __ATOMIC_ACQUIRE);
	size_t first = (size_t)rand_r(state) % NR_PAGES, nr = 1 + (size_t)rand_r(state) % 8;
	unsigned int intent = (unsigned int)rand_r(state) % 2;
	const struct pinwatch_cache_region *region;

	CHECK_EQ(pinwatch_cache_get(cache, page(first), nr * FAKE_PAGE, intent, &region), 0);
	judge(region, before);
	CHECK(region->addr <= page(first));
	CHECK(region->addr + region->length >= page(first + nr));
	CHECK(region->data);
	/* In use, it is not unpinned, stale or not. */
	CHECK(__atomic_load_n(&fake.watches[region->watch.id].used, __ATOMIC_RELAXED));
	if (rand_r(state) % 64 == 0)
		pinwatch_cache_flush(cache, page(first), FAKE_PAGE);
	if (rand_r(state) % 64 == 0)
		pinwatch_cache_reap(cache);
	pinwatch_cache_put(cache, region);
}

static void *user_run(void *data)
{
	unsigned int state = seed + (unsigned int)(uintptr_t)data;
	int i;

	for (i = 0; i < NR_ROUNDS; i++)
		round_run(&state);
	return NULL;
}

/* In bursts of one for each few rounds of the others, or nothing would ever be hit. */
static void *invalidator_run(void *data)
{
	unsigned int state = seed;

	(void)data;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		__atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST);
		fake_invalidate(page((size_t)rand_r(&state) % NR_PAGES), FAKE_PAGE);
		__atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST);
		usleep((useconds_t)rand_r(&state) % 100);
	}
	return NULL;
}

static void threads_run(void)
{
	pthread_t users[NR_THREADS], invalidator;
	uintptr_t i;

	CHECK_EQ(pthread_create(&invalidator, NULL, invalidator_run, NULL), 0);
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&users[i], NULL, user_run, (void *)i), 0);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(users[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(invalidator, NULL);
}

static void test_threads(void)
{
	struct pinwatch_cache_ops ops = { .add = ops_add, .remove = ops_remove };
	struct pinwatch_cache_stats stats;

	dev = fake_open();
	CHECK_EQ(pinwatch_cache_create(&cache, dev, 40 * FAKE_PAGE, 0), 0);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), 0);
	threads_run();
	pinwatch_cache_get_stats(cache, &stats);
	ktap_note("%llu hits, %llu misses, %llu stale, %llu evictions, %llu judged",
		  (unsigned long long)stats.hits, (unsigned long long)stats.misses,
		  (unsigned long long)stats.stale, (unsigned long long)stats.evictions,
		  (unsigned long long)nr_judged);
	CHECK_EQ(stats.hits + stats.misses, NR_THREADS * NR_ROUNDS);
	CHECK(stats.hits && stats.stale && stats.evictions && nr_judged);
	CHECK_EQ(stats.bytes_in_use, 0);
	CHECK(stats.bytes <= 40 * FAKE_PAGE);
	CHECK_EQ(stats.bytes, fake.pinned_pages * FAKE_PAGE);
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	CHECK_EQ(nr_added, 0);
	pinwatch_close(dev);
	fake_check_clean();
}

int main(int argc, char **argv)
{
	static const struct ktap_test tests[] = {
		{ "threads", test_threads },
		{ NULL, NULL }
	};

	seed = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 1;
	ktap_note("seed %u", seed);
	return ktap_main(tests);
}
