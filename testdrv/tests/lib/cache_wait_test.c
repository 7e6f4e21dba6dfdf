// SPDX-License-Identifier: MIT
/* Threads that share a pinwatch_cache, each held at a chosen place, or beside a fault. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "cache.h"
#include "cache_setup.h"

#define NR_MANY	5000

static bool stop;
static int nr_ready;

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

/* A limit refuses a pin while @other, which is held, may make room: the get waits. */
static void check_get_waits_for(pthread_t other)
{
	pthread_t getter;

	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	fake.on_add = add_count;
	getter = start(get_run);
	while (!__atomic_load_n(&nr_tries, __ATOMIC_ACQUIRE))
		sched_yield();
	usleep(10000);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	join(other);
	put(join(getter));
	CHECK(nr_tries > 1);
}

TEST(limit_while_another_thread_unpins, .seconds = 20)
{
	begin(LIMIT, 0);
	touch(100, 4, READ);
	fake.memlock_pages = 4;
	fake.on_del = add_hold;
	check_get_waits_for(start(flush_run));
	end();
}

static const struct pinwatch_cache_region *stale;

static void *put_run(void *data)
{
	(void)data;
	put(stale);
	return NULL;
}

/* The put asks the kernel whether the stale region stays. */
TEST(limit_while_another_thread_asks, .seconds = 20)
{
	begin(LIMIT, 0);
	stale = get(100, 4, READ);
	fake_invalidate(fake_page(100), FAKE_PAGE);
	fake.memlock_pages = 4;
	fake.on_keep = add_hold;
	check_get_waits_for(start(put_run));
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

/* The table of a thread keeps its entries when it grows, and serves each address of a page. */
TEST(hit_takes_no_lock_with_many_regions, .seconds = 20)
{
	const struct pinwatch_cache_region *got;
	size_t i;

	begin(UINT64_MAX, 0);
	for (i = 0; i < NR_MANY; i++)
		touch(2 * i, 1, READ);
	pthread_mutex_lock(&cache->lock);
	for (i = 0; i < NR_MANY; i++) {
		CHECK_EQ(pinwatch_cache_get(cache, fake_page(2 * i) + i % FAKE_PAGE, 1, READ,
					    &got), 0);
		CHECK(got->addr == fake_page(2 * i));
		put(got);
	}
	pthread_mutex_unlock(&cache->lock);
	CHECK_EQ(stats().hits, NR_MANY);
	end();
}

/* An invalidation elsewhere makes a hit look at the watch again, without the lock. */
TEST(hit_after_another_invalidation_takes_no_lock, .seconds = 20)
{
	begin(LIMIT, 0);
	touch(0, 4, READ);
	touch(10, 1, READ);
	CHECK(touch(0, 4, READ));
	pthread_mutex_lock(&cache->lock);
	fake_invalidate(fake_page(10), FAKE_PAGE);
	CHECK(touch(0, 4, READ));
	pthread_mutex_unlock(&cache->lock);
	CHECK(!touch(10, 1, READ));
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

	/* The look-aside of the thread refers to the entry, which later gets use again. */
	CHECK_EQ(pinwatch_cache_get(cache, fake_page(1), FAKE_PAGE, READ, &got), 0);
	pinwatch_cache_put(cache, got);
	__atomic_add_fetch(&nr_ready, 1, __ATOMIC_SEQ_CST);
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
	while (__atomic_load_n(&nr_ready, __ATOMIC_SEQ_CST) < 2)
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

static void remove_hold(void *arg, struct pinwatch_cache_region *region)
{
	(void)arg;
	(void)region;
	add_hold();
}

/* The functions of a cache do not change while a region of the old functions is removed. */
TEST(set_ops_beside_remove)
{
	struct pinwatch_cache_ops ops = { .remove = remove_hold };
	pthread_t flusher;

	begin(LIMIT, 0);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), 0);
	touch(0, 1, READ);
	flusher = start(flush_run);
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), -EBUSY);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	join(flusher);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), 0);
	end();
}

/* The linker lets the library call this function. */
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);

static int nr_allocations_left = -1;	/* negative: any number */

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	if (!nr_allocations_left)
		return NULL;
	nr_allocations_left -= nr_allocations_left > 0;
	return __real_aligned_alloc(alignment, size);
}

/* A thread without memory for its table gets regions, with the lock. */
TEST(hit_without_memory)
{
	int nr;

	for (nr = 0; nr < 4; nr++) {
		begin(LIMIT, 0);
		put(join(start(get_run)));
		nr_allocations_left = nr;
		CHECK(touch(0, 4, READ));
		CHECK(touch(0, 4, READ));
		nr_allocations_left = -1;
		CHECK(touch(0, 4, READ));
		end();
	}
}
