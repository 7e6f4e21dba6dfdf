// SPDX-License-Identifier: MIT
/*
 * Threads that share a pinwatch_cache, beside one that invalidates.
 * Usage: threads [SEED]; the seed is printed.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
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

/* For the tests below: the range is pages 0 to 3, and nothing is invalidated. */
static void begin(void)
{
	dev = fake_open();
	CHECK_EQ(pinwatch_cache_create(&cache, dev, 1000 * FAKE_PAGE, 0), 0);
}

static void end(void)
{
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	pinwatch_close(dev);
	fake_check_clean();
}

static const struct pinwatch_cache_region *x_get(size_t first, size_t nr_pages)
{
	const struct pinwatch_cache_region *got;

	CHECK_EQ(pinwatch_cache_get(cache, page(first), nr_pages * FAKE_PAGE,
				    PINWATCH_CACHE_READ, &got), 0);
	CHECK(pinwatch_valid(&got->watch));
	return got;
}

static void put(const struct pinwatch_cache_region *got)
{
	pinwatch_cache_put(cache, got);
}

/* Get and put. Returns whether it was there. */
static bool touch(size_t first, size_t nr_pages)
{
	size_t nr_adds = fake.nr_adds;

	put(x_get(first, nr_pages));
	return fake.nr_adds == nr_adds;
}

/* A thread that is held as it pins pages 0 to 3. */
static bool held, released;

static void add_hold(void)
{
	__atomic_store_n(&held, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void *get_run(void *data)
{
	(void)data;
	return (void *)x_get(0, 4);
}

static void *get_inner_run(void *data)
{
	(void)data;
	return (void *)x_get(1, 2);
}

static pthread_t start(void *(*run)(void *))
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
	return thread;
}

static const struct pinwatch_cache_region *join(pthread_t thread)
{
	void *got;

	CHECK_EQ(pthread_join(thread, &got), 0);
	return got;
}

static pthread_t start_held(void)
{
	pthread_t thread;

	fake.on_add = add_hold;
	thread = start(get_run);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	return thread;
}

/* Who wants what is being pinned waits for it; others' hits go on. */
static void test_second_waits(void)
{
	pthread_t owner, second;
	const struct pinwatch_cache_region *got;

	begin();
	touch(10, 1);
	owner = start_held();
	CHECK(touch(10, 1));
	second = start(get_inner_run);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	got = join(owner);
	CHECK(join(second) == got);
	CHECK_EQ(fake.nr_adds, 2);
	put(got);
	put(got);
	end();
}

/* A failure is its owner's alone: the second tries for itself. */
static bool fail_once;

static void add_hold_and_fail(void)
{
	if (fail_once) {
		fail_once = false;
		add_hold();
		fake.fail = -EAGAIN;
	} else {
		fake.fail = 0;
	}
}

static void *get_failing_run(void *data)
{
	const struct pinwatch_cache_region *got;

	(void)data;
	CHECK_EQ(pinwatch_cache_get(cache, page(0), 4 * FAKE_PAGE, PINWATCH_CACHE_READ, &got),
		 -EAGAIN);
	return NULL;
}

static void test_failure_is_not_shared(void)
{
	pthread_t owner, second;

	begin();
	fail_once = true;
	fake.on_add = add_hold_and_fail;
	owner = start(get_failing_run);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	second = start(get_inner_run);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	join(owner);
	put(join(second));
	end();
}

/* A flush while it is being pinned: the owner has it, nobody else gets it. */
static void test_flush_of_pending(void)
{
	pthread_t owner;
	const struct pinwatch_cache_region *got;

	begin();
	owner = start_held();
	CHECK_EQ(pinwatch_cache_flush(cache, page(2), 1), 1);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	got = join(owner);
	CHECK(!touch(0, 4));
	put(got);
	CHECK_EQ(fake.nr_watches, 1);
	end();
}

int main(int argc, char **argv)
{
	static const struct ktap_test tests[] = {
		{ "threads", test_threads },
		{ "second_waits_for_the_first", test_second_waits },
		{ "failure_is_not_shared", test_failure_is_not_shared },
		{ "flush_of_what_is_being_pinned", test_flush_of_pending },
		{ NULL, NULL }
	};

	seed = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : 1;
	ktap_note("seed %u", seed);
	return ktap_main(tests);
}
