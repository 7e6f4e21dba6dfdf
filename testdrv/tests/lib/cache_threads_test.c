// SPDX-License-Identifier: MIT
/* Threads share a pinwatch_cache, while another thread invalidates. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
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

/* A thread waits inside WATCH_ADD of pages 0 to 3 until @released. */
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
	return (void *)get(0, 4, READ);
}

static void *get_inner_run(void *data)
{
	(void)data;
	return (void *)get(1, 2, READ);
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

/* A get of pages that another thread pins waits for that thread. Hits elsewhere go on. */
TEST(second_waits_for_the_first)
{
	pthread_t owner, second;
	const struct pinwatch_cache_region *got;

	begin(LIMIT, 0);
	touch(10, 1, READ);
	owner = start_held();
	CHECK(touch(10, 1, READ));
	second = start(get_inner_run);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	got = join(owner);
	CHECK(join(second) == got);
	CHECK_EQ(fake.nr_adds, 2);
	put(got);
	put(got);
	end();
}

/* Only the thread that pins gets the error. The thread that waited tries to pin, too. */
static bool fail_once;

static void add_hold_and_fail(void)
{
	if (fail_once) {
		fail_once = false;
		add_hold();
		fake.fail = -EFAULT;
	} else {
		fake.fail = 0;
	}
}

static void *get_failing_run(void *data)
{
	const struct pinwatch_cache_region *got;

	(void)data;
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(0), 4 * FAKE_PAGE, PINWATCH_CACHE_READ, &got),
		 -EFAULT);
	return NULL;
}

TEST(failure_is_not_shared)
{
	pthread_t owner, second;

	begin(LIMIT, 0);
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

/* Flush a region that is being pinned: its owner gets the region, later gets do not. */
TEST(flush_of_what_is_being_pinned)
{
	pthread_t owner;
	const struct pinwatch_cache_region *got;

	begin(LIMIT, 0);
	owner = start_held();
	CHECK_EQ(pinwatch_cache_flush(cache, fake_page(2), 1), 1);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	got = join(owner);
	CHECK(!touch(0, 4, READ));
	put(got);
	CHECK_EQ(fake.nr_watches, 1);
	end();
}

static void *get_write_run(void *data)
{
	(void)data;
	return (void *)get(0, 4, WRITE);
}

/* A hit does not wait for the pin of a larger region, of either intent. */
static void check_hit_beside_pin(void *(*run)(void *))
{
	pthread_t owner;

	begin(LIMIT, 0);
	touch(1, 1, READ);
	fake.on_add = add_hold;
	owner = start(run);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	/* If this get waited, the test would run into its timeout. */
	CHECK(touch(1, 1, READ));
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	put(join(owner));
	end();
}

TEST(hit_beside_pin, .seconds = 20)
{
	check_hit_beside_pin(get_run);
}

TEST(hit_beside_pin_for_writing, .seconds = 20)
{
	check_hit_beside_pin(get_write_run);
}

static void *flush_run(void *data)
{
	(void)data;
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
	return NULL;
}

static int nr_tries;

static void add_count(void)
{
	__atomic_add_fetch(&nr_tries, 1, __ATOMIC_RELEASE);
}

/* A limit refuses a pin while another thread unpins: the get waits, and tries again. */
TEST(limit_while_another_thread_unpins)
{
	pthread_t flusher, getter;

	begin(LIMIT, 0);
	touch(100, 4, READ);
	fake.memlock_pages = 4;
	fake.on_del = add_hold;
	flusher = start(flush_run);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	fake.on_add = add_count;
	getter = start(get_run);
	while (!__atomic_load_n(&nr_tries, __ATOMIC_ACQUIRE))
		sched_yield();
	usleep(10000);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	join(flusher);
	put(join(getter));
	CHECK(nr_tries > 1);
	end();
}

/* A hit takes no lock: get and put while this thread holds the lock. */
TEST(hit_takes_no_lock, .seconds = 20)
{
	const struct pinwatch_cache_region *got;

	begin(LIMIT, 0);
	touch(0, 4, READ);
	pthread_mutex_lock(&cache->lock);
	got = get(0, 4, READ);
	CHECK(touch(0, 4, READ));
	put(got);
	pthread_mutex_unlock(&cache->lock);
	CHECK_EQ(stats().hits, 2);
	CHECK_EQ(stats().bytes_in_use, 0);
	end();
}

/* A region that an exited thread got is in use until another thread puts the region. */
static void check_put_elsewhere(unsigned int nr_gets)
{
	const struct pinwatch_cache_region *got = NULL;
	unsigned int i;

	begin(LIMIT, 0);
	touch(0, 4, READ);
	for (i = 0; i < nr_gets; i++)
		got = join(start(get_run));
	CHECK_EQ(stats().bytes_in_use, 4 * FAKE_PAGE);
	CHECK_EQ(pinwatch_cache_destroy(cache), -EBUSY);
	CHECK_EQ(pinwatch_cache_flush(cache, NULL, SIZE_MAX), 1);
	for (i = 0; i < nr_gets; i++) {
		CHECK_EQ(fake.nr_watches, 1);
		put(got);
	}
	CHECK_EQ(fake.nr_watches, 0);
	CHECK_EQ(stats().bytes_in_use, 0);
	end();
}

TEST(put_after_thread_exit)
{
	check_put_elsewhere(1);
	check_put_elsewhere(3);
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

/* A thread uses many caches in turn, and some are destroyed before the thread exits. */
static void *caches_run(void *data)
{
	struct pinwatch_cache *caches[4];
	const struct pinwatch_cache_region *got;
	size_t i, round;

	(void)data;
	for (i = 0; i < 4; i++)
		CHECK_EQ(pinwatch_cache_create(&caches[i], dev, LIMIT, 0), 0);
	for (round = 0; round < 10; round++)
		for (i = 0; i < 4; i++) {
			CHECK_EQ(pinwatch_cache_get(caches[i], fake_page(i), FAKE_PAGE, READ,
						    &got), 0);
			pinwatch_cache_put(caches[i], got);
		}
	for (i = 0; i < 4; i++)
		CHECK_EQ(pinwatch_cache_destroy(caches[i]), 0);
	return NULL;
}

TEST(many_caches)
{
	begin(LIMIT, 0);
	join(start(caches_run));
	caches_run(NULL);
	caches_run(NULL);
	CHECK_EQ(fake.nr_adds, 12);
	end();
}

static void *fail_run(void *data)
{
	const struct pinwatch_cache_region *got;
	uint64_t state = test_seed() + (uintptr_t)data;
	volatile uint64_t pause;

	/* The look-aside of the thread refers to the entry, which others use later. */
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(1), FAKE_PAGE, READ, &got), 0);
	pinwatch_cache_put(cache, got);
	__atomic_add_fetch(&nr_checked, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		sched_yield();
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		for (pause = random_below(&state, 3000); data && pause; pause--)
			;
		CHECK_EQ(pinwatch_cache_get(cache, fake_page(1), FAKE_PAGE, READ, &got), -EFAULT);
	}
	return NULL;
}

/* An entry whose pin fails serves no hit, not even for a moment. */
TEST(hit_beside_failing_pin)
{
	pthread_t threads[2];

	begin(0, 0);
	CHECK_EQ(pthread_create(&threads[0], NULL, fail_run, NULL), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, fail_run, &cache), 0);
	while (__atomic_load_n(&nr_checked, __ATOMIC_SEQ_CST) < 2)
		sched_yield();
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
	fake.fail = -EFAULT;
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	sleep(4);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join(threads[0]);
	join(threads[1]);
	fake.fail = 0;
	end();
}

#define NR_HOT		4

static void *hot_run(void *data)
{
	const struct pinwatch_cache_region *got;
	size_t i;

	(void)data;
	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		CHECK_EQ(pinwatch_cache_get(cache, fake_page(i % NR_HOT), FAKE_PAGE, READ, &got),
			 0);
		pinwatch_cache_put(cache, got);
	}
	return NULL;
}

/* At the limit of the kernel, a miss drops an idle region that another thread hits often. */
TEST(miss_beside_hot_regions)
{
	const struct pinwatch_cache_region *got;
	pthread_t thread;
	size_t i;

	begin(LIMIT, 0);
	fake.memlock_pages = NR_HOT;
	thread = start(hot_run);
	for (i = 0; i < 500; i++) {
		usleep(500);
		CHECK_EQ(pinwatch_cache_get(cache, fake_page(10 + i % 7), FAKE_PAGE, READ, &got),
			 0);
		pinwatch_cache_put(cache, got);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	join(thread);
	end();
}

static void *touch_and_wait_run(void *data)
{
	const struct pinwatch_cache_region *got = get(1, 1, READ);

	(void)data;
	pinwatch_cache_put(cache, got);
	__atomic_store_n(&held, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		sched_yield();
	return NULL;
}

/* A membarrier() that fails keeps the regions until the next membarrier(). */
TEST(membarrier_fails_once)
{
	pthread_t thread;

	begin(LIMIT, 0);
	touch(1, 1, READ);
	touch(2, 1, READ);
	thread = start(touch_and_wait_run);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	fake_no_membarrier = true;
	CHECK_EQ(pinwatch_cache_flush(cache, fake_page(1), FAKE_PAGE), 1);
	CHECK_EQ(fake.pinned_pages, 2);
	fake_no_membarrier = false;
	CHECK_EQ(pinwatch_cache_flush(cache, fake_page(2), FAKE_PAGE), 1);
	CHECK_EQ(fake.pinned_pages, 0);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	join(thread);
	end();
}
