// SPDX-License-Identifier: MIT
/*
 * How often a registration cache registers: with PINWATCH_WATCH_F_PAGES and kept pins, as the
 * library's cache has them, and without. For a guest with two nodes (scripts/vm/run --nodes 2).
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu.h"
#include "device.h"
#include "pinwatch_cache.h"
#include "sysfs.h"

#define NR		16UL
#define PAGES		4UL
#define HUGE		(2UL << 20)
#define ROUNDS		100
#define NUMA_SECONDS	6
#define NUMA_GET_NS	2000000ULL	/* between two rounds */
#define SCHED_DEBUG	"/sys/kernel/debug/sched/numa_balancing/"
#define SCHED_SYSCTL	"/proc/sys/kernel/numa_balancing_"

/* The same regions, in the cache, and each with a pinned watch without F_PAGES */
struct regions {
	struct pinwatch *dev;
	struct pinwatch_cache *cache;
	char *addr;
	size_t length;		/* bytes of a region */
	struct pinwatch_watch plain[NR];
	uint64_t nr_plain;	/* registrations without F_PAGES, after the first of each */
	uint64_t nr_gets;
};

static char *region(const struct regions *r, size_t i)
{
	return r->addr + i * r->length;
}

static void register_plain(struct regions *r, size_t i)
{
	CHECK_EQ(pinwatch_watch_add(r->dev, region(r, i), r->length, PIN_RW, i, &r->plain[i]), 0);
}

static void get_put(struct regions *r, size_t i)
{
	const struct pinwatch_cache_region *got;

	CHECK_EQ(pinwatch_cache_get(r->cache, region(r, i), r->length, PINWATCH_CACHE_WRITE, &got),
		 0);
	pinwatch_cache_put(r->cache, got);
}

static void round_get(struct regions *r)
{
	size_t i;

	for (i = 0; i < NR; i++, r->nr_gets++) {
		get_put(r, i);
		if (pinwatch_valid(&r->plain[i]))
			continue;
		CHECK_EQ(pinwatch_watch_del(r->dev, &r->plain[i]), 0);
		register_plain(r, i);
		r->nr_plain++;
	}
}

static void regions_begin(struct regions *r, char *addr, size_t length)
{
	size_t i;

	*r = (struct regions){ .addr = addr, .length = length };
	CHECK_EQ(pinwatch_open(&r->dev, NULL, PINWATCH_OPEN_NONBLOCK), 0);
	CHECK_EQ(pinwatch_cache_create(&r->cache, r->dev, NR * length, 0), 0);
	for (i = 0; i < NR; i++) {
		get_put(r, i);
		register_plain(r, i);
	}
	r->nr_gets = 0;
}

/*
 * At most one registration in 1,000 gets, where there were some without F_PAGES. @moves: the
 * operation exchanges pages, and the cache is only not worse.
 */
static void regions_end(struct regions *r, const char *name, bool moves)
{
	struct pinwatch_cache_stats stats;
	uint64_t nr_cache;

	pinwatch_cache_get_stats(r->cache, &stats);
	nr_cache = stats.misses - NR;
	test_note("%s: %llu gets; registrations per 1,000: %.1f without F_PAGES", name,
		  (unsigned long long)r->nr_gets,
		  1000.0 * (double)r->nr_plain / (double)r->nr_gets);
	test_note("%s: with the cache %.1f, %llu kept", name,
		  1000.0 * (double)nr_cache / (double)r->nr_gets, (unsigned long long)stats.kept);
	CHECK(r->nr_plain > 0);
	CHECK(moves ? nr_cache <= r->nr_plain : nr_cache * 1000 <= r->nr_gets);
	CHECK_EQ(pinwatch_cache_destroy(r->cache), 0);
	pinwatch_close(r->dev);
}

/* Scan often. The files are in debugfs since 5.13, and were sysctls before. */
static void balancing_start(void)
{
	static const char *const settings[][3] = {
		{ SCHED_DEBUG "scan_delay_ms", SCHED_SYSCTL "scan_delay_ms", "1" },
		{ SCHED_DEBUG "scan_period_min_ms", SCHED_SYSCTL "scan_period_min_ms", "10" },
		{ SCHED_DEBUG "scan_period_max_ms", SCHED_SYSCTL "scan_period_max_ms", "20" },
	};
	size_t i;

	CHECK(!access("/sys/devices/system/node/node1", F_OK));
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		CHECK(!sysfs_set(settings[i][0], settings[i][2]) ||
		      !sysfs_set(settings[i][1], settings[i][2]));
	CHECK_EQ(sysfs_set("/proc/sys/kernel/numa_balancing", "1"), 0);
}

/* Run on @cpu and write to each page, for scans of the pages and for faults after them. */
static void use_pages(const struct regions *r, int cpu, uint64_t until)
{
	size_t i;

	run_on_cpu(cpu);
	do {
		for (i = 0; i < NR * r->length; i += page_size())
			((volatile char *)r->addr)[i]++;
	} while (now_ns() < until);
}

TEST(cache_registrations_under_numa_balancing)
{
	uint64_t start, end;
	struct regions r;

	balancing_start();
	regions_begin(&r, map_pages(NR * PAGES), PAGES * page_size());
	start = now_ns();
	end = start + NUMA_SECONDS * 1000000000ULL;
	while (now_ns() < end) {
		/* Half a second on each node */
		use_pages(&r, (now_ns() - start) / 500000000 % 2, now_ns() + NUMA_GET_NS);
		round_get(&r);
	}
	sysfs_restore();
	regions_end(&r, "NUMA balancing", false);
}

TEST(cache_registrations_under_fork)
{
	struct regions r;
	int i;

	regions_begin(&r, map_pages(NR * PAGES), PAGES * page_size());
	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = fork_child();

		if (!pid)
			_exit(0);
		wait_child(pid);
		round_get(&r);
	}
	regions_end(&r, "fork", false);
}

static char *map_huge(size_t nr)
{
	char *map = mmap(NULL, (nr + 1) * HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *addr = (char *)(((uintptr_t)map + HUGE - 1) & ~(HUGE - 1));
	size_t i;

	CHECK(map != MAP_FAILED);
	CHECK_EQ(madvise(addr, nr * HUGE, MADV_HUGEPAGE), 0);
	for (i = 0; i < nr; i++)
		addr[i * HUGE] = 1;
	return addr;
}

/* mprotect() of a part splits the page table entry of a huge page: kept, not registered. */
TEST(cache_registrations_under_partial_mprotect)
{
	struct regions r;
	int i;

	regions_begin(&r, map_huge(NR), HUGE);
	for (i = 0; i < ROUNDS; i++) {
		char *part = region(&r, (size_t)i % NR) + HUGE / 2;

		CHECK_EQ(mprotect(part, page_size(), PROT_READ), 0);
		CHECK_EQ(mprotect(part, page_size(), PROT_READ | PROT_WRITE), 0);
		round_get(&r);
	}
	/* Before 5.19, a write after the second mprotect() copies a pinned page. */
	regions_end(&r, "mprotect of a part of a huge page", kernel_before(5, 19));
}
