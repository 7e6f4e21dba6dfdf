// SPDX-License-Identifier: GPL-2.0-only
/* basic: statistics of the mms, and the tracepoint of invalidations. */
#include "driver.h"

static int stats_copy(const struct pw_mm_stats *stats, void *data)
{
	*(struct pw_mm_stats *)data = *stats;
	return 0;
}

static int stats_none(const struct pw_mm_stats *stats, void *data)
{
	++*(unsigned int *)data;
	return -ENOENT;
}

/* Of the mm of the test, which is the only one. */
static struct pw_mm_stats stats(void)
{
	struct pw_mm_stats result = { .mm = NULL };
	u64 number = 0;

	CHECK(!pw_mm_stats_next(hash_ptr(mm, PW_MM_HASH_BITS), &number, stats_copy, &result));
	CHECK(result.mm == mm && result.number == number);
	return result;
}

FIBER_TEST(stats_count_records)
{
	struct mmu_notifier_range r[PW_SPARE_RECORDS + 4], lost;
	unsigned int i, visited = 0;
	u64 number = 0;
	struct driver d;

	CHECK(!insert(&d, 5, 1) && !stats().in_flight && stats().nr_subscriptions == 1);
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		start(&r[i], 50, 1);
		CHECK(stats().in_flight == i + 1);
	}
	shim_fail_nowait = 256;
	start(&lost, 50, 1);
	shim_fail_nowait = 0;
	CHECK(stats().in_flight == ARRAY_SIZE(r) + 1 && !stats().walks);
	end(&lost);
	for (; i; i--)
		end(&r[i - 1]);
	CHECK(!stats().in_flight && !stats().veto);
	CHECK(pw_mm_stats_next(hash_ptr(mm, PW_MM_HASH_BITS), &number, stats_none,
			       &visited) == -ENOENT && visited == 1);
	remove_sub(&d);
}

static void invalidate_both(struct driver *d, unsigned int pages)
{
	struct mmu_notifier_range r;
	struct reader rd;

	d->hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	CHECK(stats().walks == 1 && stats().in_flight == 1 && !stats().waiters);
	task_start(&rd, d, remover_main);
	CHECK(!rd.done && stats().waiters == 1);
	let(d);
	CHECK(rd.done && !stats().walks && !stats().waiters && stats().in_flight == 1);
	end_other(&r);
	CHECK(!stats().in_flight && stats().nr_subscriptions == pages);
}

/* With one overlap, an invalidation has no pw_walk; with two it has. */
FIBER_TEST(stats_count_walks)
{
	struct driver d, two;

	CHECK(!insert(&d, 5, 1) && !insert(&two, 80, 1));
	invalidate_both(&d, 1);
	remove_sub(&two);
	CHECK(!insert(&d, 5, 1) && !insert(&two, 6, 1));
	invalidate_both(&d, 1);
	remove_sub(&two);
	CHECK(!insert_ops(&two, 6, 1, &sleeper) && stats().veto);
	remove_sub(&two);
}

FIBER_TEST(stats_count_several_walks)
{
	struct mmu_notifier_range r[3];
	struct driver d, two;
	unsigned int i;

	CHECK(!insert(&d, 5, 1) && !insert(&two, 6, 1));
	two.hold = true;
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		shim_spawn("invalidator", started_main, &r[i]);
		shim_settle();
		CHECK(stats().walks == i + 1);
	}
	let(&two);
	CHECK(!stats().walks && stats().in_flight == ARRAY_SIZE(r));
	for (i = 0; i < ARRAY_SIZE(r); i++)
		end_other(&r[i]);
	remove_sub(&d);
	remove_sub(&two);
}

static int seen_subscriptions(const struct pw_mm_stats *stats, void *data)
{
	CHECK(stats->mm == mm);
	return stats->nr_subscriptions;
}

static void stats_main(void *arg)
{
	u64 number = 0;
	int ret = pw_mm_stats_next(hash_ptr(mm, PW_MM_HASH_BITS), &number, seen_subscriptions,
				   NULL);

	CHECK(!ret || ret == -ENOENT);
	*(bool *)arg = true;
}

/* Statistics are read at each step of the worker that lets go of the mm. */
SWITCH_TEST(stats_race_with_the_idle_worker)
{
	struct driver d;
	bool done = false;

	CHECK(!insert(&d, 5, 1));
	remove_sub(&d);
	shim_tick(2000);
	shim_spawn("stats", stats_main, &done);
	shim_settle();
	CHECK(done && !check());
}

FIBER_TEST(hash_changes_are_counted)
{
	unsigned int before = pw_mm_hash_changes();
	struct driver d, two;

	*shim_param_idle_ms = 10;
	CHECK(!insert(&d, 5, 1) && pw_mm_hash_changes() == before + 1);
	CHECK(!insert(&two, 5, 1) && pw_mm_hash_changes() == before + 1);
	remove_sub(&d);
	remove_sub(&two);
	shim_tick(30);
	shim_settle();
	CHECK(!check() && pw_mm_hash_changes() == before + 2);
}

/* ---- tracepoints: basic is a program with a tracer ---- */

static unsigned int nr_traced;
static struct mmu_notifier_range traced_range;
static u64 traced_callbacks;

void shim_trace_pinwatch_invalidate(const struct mmu_notifier_range *range, u64 callbacks)
{
	nr_traced++;
	traced_range = *range;
	traced_callbacks = callbacks;
}

FIBER_TEST(invalidations_are_traced)
{
	static struct driver d[PW_WALK_BATCH + 1];
	unsigned int i;

	nr_traced = 0;
	for (i = 0; i < ARRAY_SIZE(d); i++)
		CHECK(!insert(&d[i], i, 1));
	event(50, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!nr_traced);
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(nr_traced == 1 && traced_callbacks == 1 && traced_range.start == PG(5));
	event(0, 20, MMU_NOTIFY_UNMAP, NULL);
	CHECK(nr_traced == 2 && traced_callbacks == ARRAY_SIZE(d));
	CHECK(traced_range.event == MMU_NOTIFY_UNMAP && traced_range.end == PG(20));
	release();
	CHECK(nr_traced == 4 && traced_callbacks == ARRAY_SIZE(d));
	for (i = 0; i < ARRAY_SIZE(d); i++)
		remove_sub(&d[i]);
}
