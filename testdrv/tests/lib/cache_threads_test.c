// SPDX-License-Identifier: MIT
/* Threads share a pinwatch_cache, while another thread invalidates. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache.h"
#include "cache_setup.h"

#define NR_THREADS	4
#define NR_ROUNDS	6000
#define NR_PAGES	64

static bool stop;
/* Twice the number of invalidations; odd during an invalidation. */
static uint64_t epoch;
static uint64_t nr_checked;
static long nr_added;

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
 * A cache must not return a region that was invalidated before get. If no invalidation ran
 * from before get to after get, the region must be valid.
 */
static void check_region(const struct pinwatch_cache_region *region, uint64_t before)
{
	bool valid = pinwatch_valid(&region->watch);

	if ((before & 1) || __atomic_load_n(&epoch, __ATOMIC_ACQUIRE) != before)
		return;
	CHECK(valid);
	__atomic_add_fetch(&nr_checked, 1, __ATOMIC_RELAXED);
}

static void round_run(uint64_t *state)
{
	uint64_t before = __atomic_load_n(&epoch, __ATOMIC_ACQUIRE);
	size_t first = random_below(state, NR_PAGES), nr = 1 + random_below(state, 8);
	unsigned int intent = random_below(state, 2);
	const struct pinwatch_cache_region *region;

	CHECK_EQ(pinwatch_cache_get(cache, fake_page(first), nr * FAKE_PAGE, intent, &region), 0);
	check_region(region, before);
	CHECK(region->addr <= fake_page(first));
	CHECK(region->addr + region->length >= fake_page(first + nr));
	CHECK(region->data);
	/* A region in use stays pinned, even when stale. */
	CHECK(__atomic_load_n(&fake.watches[region->watch.id].used, __ATOMIC_RELAXED));
	if (!random_below(state, 64))
		pinwatch_cache_flush(cache, fake_page(first), FAKE_PAGE);
	if (!random_below(state, 64))
		pinwatch_cache_reap(cache);
	pinwatch_cache_put(cache, region);
}

static void *user_run(void *data)
{
	uint64_t state = test_seed() + (uintptr_t)data;
	int i;

	for (i = 0; i < NR_ROUNDS; i++)
		round_run(&state);
	return NULL;
}

/* Pauses between invalidations, to leave valid regions to the users. */
static void *invalidator_run(void *data)
{
	uint64_t state = test_seed();

	(void)data;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		__atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST);
		fake_invalidate(fake_page(random_below(&state, NR_PAGES)), FAKE_PAGE);
		fake_disturb(fake_page(random_below(&state, NR_PAGES)), FAKE_PAGE);
		__atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST);
		usleep(random_below(&state, 100));
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

static void check_threads(void)
{
	struct pinwatch_cache_ops ops = { .add = ops_add, .remove = ops_remove };
	struct pinwatch_cache_stats now;

	begin(40 * FAKE_PAGE, 0);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), 0);
	threads_run();
	now = stats();
	test_note("%llu hits, %llu misses, %llu stale, %llu evictions, %llu checked",
		  (unsigned long long)now.hits, (unsigned long long)now.misses,
		  (unsigned long long)now.stale, (unsigned long long)now.evictions,
		  (unsigned long long)nr_checked);
	CHECK_EQ(now.hits + now.misses, NR_THREADS * NR_ROUNDS);
	CHECK(now.hits && now.stale && now.evictions && nr_checked);
	CHECK_EQ(now.bytes_in_use, 0);
	CHECK(now.bytes <= 40 * FAKE_PAGE);
	CHECK_EQ(now.bytes, fake.pinned_pages * FAKE_PAGE);
	end();
	CHECK_EQ(nr_added, 0);
}

TEST(threads)
{
	check_threads();
}

TEST(threads_without_membarrier)
{
	fake_no_membarrier = true;
	check_threads();
}

/* Threads that live for some requests only, and leave regions for another thread to put. */
#define NR_LIVES	15
#define NR_LEFT		16

static const struct pinwatch_cache_region *left[NR_LEFT];

static void left_exchange(uint64_t *state, size_t page)
{
	const struct pinwatch_cache_region *got;

	CHECK_EQ(pinwatch_cache_get(cache, fake_page(page), FAKE_PAGE, READ, &got), 0);
	got = __atomic_exchange_n(&left[random_below(state, NR_LEFT)], got, __ATOMIC_ACQ_REL);
	if (!got)
		return;
	CHECK(__atomic_load_n(&fake.watches[got->watch.id].used, __ATOMIC_RELAXED));
	put(got);
}

static void *life_run(void *data)
{
	uint64_t state = test_seed() + (uintptr_t)data;
	int i;

	for (i = 0; i < 100; i++) {
		left_exchange(&state, random_below(&state, NR_PAGES));
		round_run(&state);
	}
	return NULL;
}

static void fork_and_wait(void)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

static void lives_run(void)
{
	pthread_t threads[NR_THREADS];
	uintptr_t i, life;

	for (life = 0; life < NR_LIVES; life++) {
		for (i = 0; i < NR_THREADS; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, life_run,
						(void *)(life * NR_THREADS + i)), 0);
		fork_and_wait();
		for (i = 0; i < NR_THREADS; i++)
			pthread_join(threads[i], NULL);
	}
}

static void check_thread_exit(void)
{
	struct pinwatch_cache_ops ops = { .add = ops_add, .remove = ops_remove };
	pthread_t invalidator;
	size_t i;

	begin(8 * FAKE_PAGE, 0);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), 0);
	invalidator = start(invalidator_run);
	lives_run();
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(invalidator, NULL);
	for (i = 0; i < NR_LEFT; i++)
		if (left[i])
			put(left[i]);
	CHECK(stats().hits && stats().evictions);
	CHECK_EQ(stats().bytes_in_use, 0);
	CHECK(stats().bytes <= 8 * FAKE_PAGE);
	end();
	CHECK_EQ(nr_added, 0);
}

TEST(thread_exit_and_fork)
{
	check_thread_exit();
}

TEST(thread_exit_and_fork_without_membarrier)
{
	fake_no_membarrier = true;
	check_thread_exit();
}
