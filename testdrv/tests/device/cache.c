// SPDX-License-Identifier: MIT
/*
 * The library's registration cache with the real module: what the fake device of
 * tests/lib cannot show.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "credentials.h"
#include "device.h"
#include "pinwatch_cache.h"

#define READ		PINWATCH_CACHE_READ
#define WRITE		PINWATCH_CACHE_WRITE
#define NR_THREADS	3
#define NR_SLOTS	8UL
#define SLOT_PAGES	4UL
#define NR_ROUNDS	400
#define NR_HUGE		20UL
#define HUGE		(2UL << 20)
#define NR_GETS		1000

static struct pinwatch *dev;
static struct pinwatch_cache *cache;

static void begin(size_t limit_pages)
{
	CHECK_EQ(pinwatch_open(&dev, NULL, PINWATCH_OPEN_NONBLOCK), 0);
	CHECK_EQ(pinwatch_cache_create(&cache, dev, limit_pages * page_size(), 0), 0);
}

static void end(void)
{
	CHECK_EQ(pinwatch_cache_destroy(cache), 0);
	CHECK_EQ(get_info(pinwatch_fd(dev)).nr_watches, 0);
	pinwatch_close(dev);
}

static uint32_t nr_watches(void)
{
	return get_info(pinwatch_fd(dev)).nr_watches;
}

static struct pinwatch_cache_stats stats(void)
{
	struct pinwatch_cache_stats now;

	pinwatch_cache_get_stats(cache, &now);
	return now;
}

static const struct pinwatch_cache_region *get(const char *addr, size_t nr_pages,
					       unsigned int intent)
{
	const struct pinwatch_cache_region *got;

	CHECK_EQ(pinwatch_cache_get(cache, addr, nr_pages * page_size(), intent, &got), 0);
	return got;
}

/* Get and put. Returns whether the cache had the region. */
static bool touch(const char *addr, size_t nr_pages, unsigned int intent)
{
	uint64_t hits = stats().hits;

	pinwatch_cache_put(cache, get(addr, nr_pages, intent));
	return stats().hits > hits;
}

static void remap(char *addr, size_t nr_pages)
{
	size_t length = nr_pages * page_size();

	CHECK_EQ(munmap(addr, length), 0);
	CHECK(mmap(addr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) == addr);
}

/* The verdict of WATCH_VERIFY: are the pinned pages of the region still mapped? */
static uint32_t verdict(const struct pinwatch_cache_region *got)
{
	struct pinwatch_watch_verify result;

	CHECK_EQ(pinwatch_watch_verify(dev, got->watch.id, 0, 0, NULL, &result), 0);
	return result.verdict;
}

/* The well-known bug of registration caches: munmap, and mmap at the same address. */
TEST(cache_remap_at_the_same_address)
{
	char *addr = map_pages(4);
	const struct pinwatch_cache_region *old, *new;
	int i;

	begin(64);
	for (i = 0; i < 100; i++) {
		old = get(addr, 4, WRITE);
		CHECK(touch(addr, 4, WRITE));
		CHECK_EQ(verdict(old), PINWATCH_VERDICT_SAME);
		remap(addr, 4);
		addr[0] = 'n';
		new = get(addr, 4, WRITE);
		CHECK(new != old);
		CHECK_EQ(verdict(new), PINWATCH_VERDICT_SAME);
		CHECK(verdict(old) != PINWATCH_VERDICT_SAME);
		pinwatch_cache_put(cache, old);
		pinwatch_cache_put(cache, new);
		CHECK_EQ(nr_watches(), 1);
		/* Idle, as well. */
		remap(addr, 4);
		CHECK(!touch(addr, 4, WRITE));
	}
	CHECK_EQ(stats().stale, 200);
	end();
}

static void discard(char *addr, size_t length)
{
	dontneed(addr, length);
}

static void move(char *addr, size_t length)
{
	char *there = map_pages(length / page_size());

	CHECK(mremap(addr, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, there) == there);
	remap(addr, length / page_size());
}

/* Each other way to change a part of the mapping. */
TEST(cache_other_changes)
{
	static void (*const changes[])(char *addr, size_t length) = {
		discard, move,
	};
	char *addr = map_pages(8);
	size_t i;

	begin(64);
	touch(addr, 8, WRITE);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		CHECK(touch(addr, 8, WRITE));
		changes[i](addr + 3 * page_size(), page_size());
		CHECK(!touch(addr, 8, WRITE));
	}
	end();
}

/* mprotect() and fork() leave the pages in place: one registration serves all requests. */
TEST(cache_mprotect_and_fork_hit)
{
	char *addr = map_pages(8);
	pid_t pid;
	int i;

	begin(64);
	touch(addr, 8, WRITE);
	for (i = 0; i < 30; i++) {
		CHECK_EQ(mprotect(addr, 8 * page_size(), PROT_READ), 0);
		CHECK(touch(addr, 8, WRITE));
		CHECK_EQ(mprotect(addr, 8 * page_size(), PROT_READ | PROT_WRITE), 0);
		pid = fork_child();
		if (!pid)
			_exit(0);
		wait_child(pid);
		CHECK(touch(addr, 8, WRITE));
	}
	CHECK_EQ(stats().misses, 1);
	CHECK_EQ(get_stats().pinned_pages, 8);
	end();
}

static int nr_registered;

static int figure_add(void *arg, struct pinwatch_cache_region *got)
{
	(void)arg;
	(void)got;
	nr_registered++;
	return 0;
}

static void child_run(void)
{
	pid_t pid = fork_child();

	if (!pid)
		_exit(0);
	wait_child(pid);
}

static char *huge_pages(size_t nr)
{
	char *area = mmap(NULL, (nr + 1) * HUGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *addr;

	CHECK(area != MAP_FAILED);
	addr = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
	if (madvise(addr, nr * HUGE, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	memset(addr, 'h', nr * HUGE);
	return addr;
}

/*
 * A region at the begin of each of 20 huge pages. Of 1,000 requests, every 50th comes after
 * mprotect() of the second half of a huge page, which splits the page; every 100th after a
 * fork; and every 10th after mprotect() of a page of the region.
 */
TEST(cache_registrations_per_1000_gets)
{
	struct pinwatch_cache_ops ops = { .add = figure_add };
	char *addr = huge_pages(NR_HUGE), *region;
	int i;

	begin(NR_HUGE * SLOT_PAGES);
	CHECK_EQ(pinwatch_cache_set_ops(cache, &ops, NULL), 0);
	for (i = 0; i < NR_GETS; i++) {
		region = addr + (size_t)i % NR_HUGE * HUGE;
		if (i % 50 == 49)
			CHECK_EQ(mprotect(addr + (size_t)i / 50 * HUGE + HUGE / 2, HUGE / 2,
					  PROT_READ), 0);
		if (i % 100 == 99)
			child_run();
		if (i % 10 == 9) {
			CHECK_EQ(mprotect(region, page_size(), PROT_READ), 0);
			CHECK_EQ(mprotect(region, page_size(), PROT_READ | PROT_WRITE), 0);
		}
		touch(region, SLOT_PAGES, WRITE);
	}
	test_note("%d registrations per %d gets", nr_registered, NR_GETS);
	CHECK_EQ(nr_registered, NR_HUGE);
	end();
}

/* No region becomes stale without a change of its pages. */
TEST(cache_neighbours_are_kept)
{
	char *addr = map_pages(9);

	begin(64);
	touch(addr, 4, WRITE);
	touch(addr + 5 * page_size(), 4, WRITE);
	dontneed(addr + 4 * page_size(), page_size());
	CHECK(touch(addr, 4, WRITE));
	CHECK(touch(addr + 5 * page_size(), 4, WRITE));
	end();
}

TEST(cache_larger_serves_smaller)
{
	char *addr = map_pages(8);

	begin(64);
	CHECK(!touch(addr, 8, WRITE));
	CHECK(touch(addr + 2 * page_size(), 3, READ));
	CHECK(touch(addr + 7 * page_size(), 1, WRITE));
	CHECK_EQ(nr_watches(), 1);
	end();
}

TEST(cache_lru_order)
{
	char *addr = map_pages(8);

	begin(3);
	touch(addr, 1, WRITE);
	touch(addr + 2 * page_size(), 1, WRITE);
	touch(addr + 4 * page_size(), 1, WRITE);
	touch(addr, 1, WRITE);
	touch(addr + 6 * page_size(), 1, WRITE);
	CHECK_EQ(get_stats().pinned_pages, 3);
	CHECK(touch(addr, 1, WRITE));
	CHECK(!touch(addr + 2 * page_size(), 1, WRITE));
	end();
}

TEST(cache_in_use_is_kept)
{
	char *addr = map_pages(8);
	const struct pinwatch_cache_region *used;
	int i;

	begin(1);
	used = get(addr, 2, WRITE);
	for (i = 2; i < 8; i++)
		touch(addr + (size_t)i * page_size(), 1, WRITE);
	CHECK_EQ(verdict(used), PINWATCH_VERDICT_SAME);
	CHECK(touch(addr, 2, WRITE));
	pinwatch_cache_put(cache, used);
	CHECK_EQ(get_stats().pinned_pages, 0);
	end();
}

/* An unprivileged process reaches RLIMIT_MEMLOCK: the cache evicts idle regions. */
TEST(cache_memlock_unprivileged)
{
	char *addr = map_pages(32);
	const struct pinwatch_cache_region *used, *got;
	size_t i;

	begin(1000);
	credentials_memlock(8 * page_size());
	credentials_nobody();
	used = get(addr, 2, WRITE);
	for (i = 1; i < 16; i++)
		CHECK(!touch(addr + 2 * i * page_size(), 2, WRITE));
	CHECK_EQ(nr_watches(), 4);
	CHECK_EQ(stats().retries, 12);
	CHECK_EQ(pinwatch_cache_get(cache, addr, 7 * page_size(), WRITE, &got), -ENOBUFS);
	CHECK_EQ(nr_watches(), 1);
	CHECK_EQ(pinwatch_cache_get(cache, addr, 9 * page_size(), WRITE, &got), -ENOBUFS);
	pinwatch_cache_put(cache, used);
	end();
}

/* The user's share of watches, and the descriptor's. */
static void test_nr_watches_of(const char *param)
{
	unsigned long old = param_get(param);
	char *addr = map_pages(16);
	size_t i;

	param_set(param, 4);
	begin(1000);
	for (i = 0; i < 8; i++)
		CHECK(!touch(addr + 2 * i * page_size(), 1, WRITE));
	param_set(param, old);
	CHECK_EQ(nr_watches(), 4);
	CHECK_EQ(stats().evictions, 4);
	end();
}

TEST(cache_edquot)
{
	test_nr_watches_of("max_watches_per_user");
}

TEST(cache_enospc)
{
	test_nr_watches_of("max_watches_per_file");
}

TEST(cache_efault)
{
	char *addr = map_pages(2);
	const struct pinwatch_cache_region *got;

	begin(64);
	touch(addr, 2, WRITE);
	CHECK_EQ(munmap(addr + page_size(), page_size()), 0);
	CHECK_EQ(pinwatch_cache_get(cache, addr, 2 * page_size(), READ, &got), -EFAULT);
	CHECK_EQ(nr_watches(), 0);
	CHECK(!touch(addr, 1, READ));
	end();
}

/* The watches of the cache queue no events, so poll() of the caller does not return. */
TEST(cache_no_events)
{
	struct pinwatch_event event;
	char *addr = map_pages(1);

	begin(64);
	touch(addr, 1, WRITE);
	dontneed(addr, page_size());
	CHECK_EQ(pinwatch_read_events(dev, &event, 1), -EAGAIN);
	end();
}

/*
 * The threads share a cache. Each thread uses and remaps only its own slots. A region from
 * get must belong to the current mapping of the slot.
 */
static char *slots[NR_THREADS][NR_SLOTS];

/* Changes by the kernel itself, which may have selected the pages before the pin. */
#define ALARMS		(PINWATCH_CAUSE_COMPACT | PINWATCH_CAUSE_MIGRATE | PINWATCH_CAUSE_THP)

/* A slot is a separate mapping, so that munmap() of another slot splits no VMA. */
static char *slot_make(void)
{
	char *addr = map_pages(SLOT_PAGES + 2);

	CHECK_EQ(mprotect(addr, page_size(), PROT_NONE), 0);
	CHECK_EQ(mprotect(addr + (SLOT_PAGES + 1) * page_size(), page_size(), PROT_NONE), 0);
	return addr + page_size();
}

/* An invalidation since get, not caused by a thread of the test. */
static void slot_alarm(const struct pinwatch_cache_region *got)
{
	uint64_t causes = query(pinwatch_fd(dev), got->watch.id).causes;
	char text[256];

	test_note("told, though nobody maps or unmaps here: %s",
		  pinwatch_causes_string(causes, text, sizeof(text)));
	CHECK(causes & ALARMS);
}

static void slot_use(char *addr, uint64_t *state)
{
	const struct pinwatch_cache_region *got;
	size_t first = random_below(state, 2);

	got = get(addr + first * page_size(), SLOT_PAGES - 1, (unsigned int)random_below(state, 2));
	/* Only the current thread maps and unmaps the slot, so the region stays valid. */
	if (!pinwatch_valid(&got->watch))
		slot_alarm(got);
	CHECK_EQ(verdict(got), PINWATCH_VERDICT_SAME);
	pinwatch_cache_put(cache, got);
}

static void *slots_run(void *data)
{
	size_t thread = (size_t)(uintptr_t)data;
	uint64_t state = test_seed() + thread;
	int i;

	for (i = 0; i < NR_ROUNDS; i++) {
		char *addr = slots[thread][random_below(&state, NR_SLOTS)];

		if (!random_below(&state, 8)) {
			remap(addr, SLOT_PAGES);
			memset(addr, 'n', SLOT_PAGES * page_size());
		}
		slot_use(addr, &state);
	}
	return NULL;
}

TEST(cache_threads)
{
	pthread_t threads[NR_THREADS];
	struct pinwatch_cache_stats now;
	size_t i, k;

	begin(NR_SLOTS * SLOT_PAGES);
	for (i = 0; i < NR_THREADS; i++)
		for (k = 0; k < NR_SLOTS; k++)
			slots[i][k] = slot_make();
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, slots_run, (void *)(uintptr_t)i), 0);
	for (i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	now = stats();
	test_note("%llu hits, %llu misses, %llu stale, %llu evictions",
		  (unsigned long long)now.hits, (unsigned long long)now.misses,
		  (unsigned long long)now.stale, (unsigned long long)now.evictions);
	CHECK(now.hits && now.stale && now.evictions);
	CHECK(get_stats().pinned_pages <= NR_SLOTS * SLOT_PAGES);
	end();
}

/* Register this process, with many mappings, and pin again and again, under a 1 kHz timer. */
static void gets_under_signals(int flags)
{
	char *addr = map_pages(SLOT_PAGES);
	pid_t pid = fork_child();
	int i;

	if (pid) {
		wait_child(pid);
		return;
	}
	begin(NR_SLOTS * SLOT_PAGES);
	timer_start(flags, 1000);
	for (i = 0; i < NR_GETS; i++) {
		CHECK(!touch(addr, SLOT_PAGES, WRITE));
		CHECK(touch(addr, SLOT_PAGES, WRITE));
		remap(addr, SLOT_PAGES);
	}
	timer_start(flags, 0);
	CHECK_EQ(stats().misses, NR_GETS);
	end();
	_exit(0);
}

TEST(cache_get_under_signals)
{
	map_apart(NR_GETS);
	gets_under_signals(SA_RESTART);
	gets_under_signals(0);
}
