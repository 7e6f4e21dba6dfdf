// SPDX-License-Identifier: GPL-2.0-only
/* basic: insert, remove, and collision-retry. */
#include <linux/mmu_notifier.h>
#include "driver.h"

FIBER_TEST(errors)
{
	static const struct pinwatch_interval_notifier_ops none;
	struct pinwatch_interval_notifier_ops bad = ops;
	struct driver d;
#define TRY(from, len, o) pinwatch_interval_notifier_insert(&d.sub, mm, from, len, o)

	bad.flags = BIT(7);

	CHECK(TRY(0, 0, &ops) == -EOVERFLOW);
	CHECK(TRY(PAGE_SIZE, ULONG_MAX, &ops) == -EOVERFLOW);
	CHECK(TRY(0, 1, &none) == -EINVAL);
	CHECK(TRY(0, 1, &bad) == -EINVAL);
	shim_self()->fatal_signal = true;
	CHECK(TRY(0, 1, &ops) == -EINTR);
	shim_self()->fatal_signal = false;
	shim_fail_kernel = true;
	CHECK(TRY(0, 1, &ops) == -ENOMEM);
	shim_fail_kernel = false;
	CHECK(!pw_mm_lookup(mm));
	CHECK(!insert(&d, 0, 1));
	remove_sub(&d);
	CHECK(!TRY(ULONG_MAX, 1, &ops));
	remove_sub(&d);
	CHECK(!TRY(0, ULONG_MAX, &ops));
	remove_sub(&d);
	mmap_write_lock(mm);
	CHECK(!pinwatch_interval_notifier_insert_locked(&d.sub, mm, 0, 1, &ops));
	mmap_write_unlock(mm);
	remove_sub(&d);
	release();
	CHECK(insert(&d, 0, 1) == -ESRCH);
}

/* A worker registers: no signal stops it. The task holds the mmap lock again afterwards. */
FIBER_TEST(signal_does_not_stop_registration)
{
	struct driver d;

	shim_self()->signal_pending = true;
	CHECK(!insert(&d, 0, 1));
	remove_sub(&d);
	release();
}

FIBER_TEST(signal_does_not_stop_registration_locked)
{
	struct driver d;

	shim_self()->signal_pending = true;
	mmap_write_lock(mm);
	CHECK(!pinwatch_interval_notifier_insert_locked(&d.sub, mm, 0, 1, &ops));
	mmap_assert_write_locked(mm);
	mmap_write_unlock(mm);
	remove_sub(&d);
}

FIBER_TEST(callback_precedes_the_change)
{
	struct mmu_notifier_range r;
	struct driver d, other;

	CHECK(!insert(&d, 4, 2) && !insert(&other, 8, 2));
	start(&r, 5, 1);
	CHECK(d.calls == 1);
	CHECK(!other.calls);
	end(&r);
	CHECK(d.calls == 1);
	remove_sub(&d);
	remove_sub(&other);
}

FIBER_TEST(reader_waits_for_the_end)
{
	struct mmu_notifier_range r;
	struct driver d, other;
	unsigned long seq;
	struct reader rd, ro;

	CHECK(!insert(&d, 4, 2) && !insert(&other, 8, 2));
	seq = pinwatch_interval_read_begin(&d.sub);
	CHECK(!pinwatch_interval_read_retry(&d.sub, seq));
	start(&r, 5, 1);
	CHECK(pinwatch_interval_read_retry(&d.sub, seq));
	CHECK(pinwatch_interval_check_retry(&d.sub, seq));
	CHECK(blocks(&d, &rd));
	CHECK(!blocks(&other, &ro));
	end(&r);
	shim_settle();
	CHECK(rd.done && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	remove_sub(&d);
	remove_sub(&other);
}

static void other_task(void *arg)
{
	shim_self()->mm = NULL;
	start(arg, 5, 1);
	end(arg);
}

FIBER_TEST(other_tasks_invalidate)
{
	struct mmu_notifier_range r;
	struct driver d;

	shim_self()->mm = mm;
	CHECK(!insert(&d, 5, 1));
	shim_spawn("kswapd", other_task, &r);
	shim_settle();
	CHECK(d.calls == 1);
	remove_sub(&d);
}

FIBER_TEST(insert_is_marked)
{
	struct mmu_notifier_range r[3];
	struct reader rd;
	struct driver d, far;
	int i;

	/* Each record caches a hole, which the insert below invalidates. */
	CHECK(!insert(&far, 30, 1));
	for (i = 0; i < 2; i++) {
		start(&r[0], 5, 1);
		start(&r[1], 5, 1);
		end(&r[1]);
		end(&r[0]);
	}
	start(&r[0], 5, 1);
	start(&r[1], 9, 1);
	CHECK(!insert(&d, 5, 2));
	CHECK(!d.calls);
	CHECK(!(d.sub.state & PW_SUB_MULTI));
	CHECK(blocks(&d, &rd));
	end(&r[1]);
	shim_settle();
	CHECK(!rd.done);
	end(&r[0]);
	shim_settle();
	CHECK(rd.done);
	/* No hole that was cached before the insert is used. */
	start(&r[2], 5, 1);
	CHECK(d.calls == 1);
	end(&r[2]);
	remove_sub(&d);
	remove_sub(&far);
}

FIBER_TEST(earlier_of_two_is_waited_for)
{
	struct mmu_notifier_range a, b;
	struct reader rd;
	struct driver d;

	CHECK(!insert(&d, 5, 4));
	start(&a, 5, 1);
	start(&b, 7, 1);
	end(&b);
	CHECK(blocks(&d, &rd));
	end(&a);
	shim_settle();
	CHECK(rd.done && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	CHECK(!blocks(&d, &rd) && !(d.sub.state & PW_SUB_MULTI));
	remove_sub(&d);
}

/*
 * x and y have set PW_SUB_MULTI in d, but d's callbacks do not run yet, when a reader finds that
 * all earlier invalidations have ended.
 */
FIBER_TEST(later_two_are_waited_for)
{
	struct mmu_notifier_range a, b, x, y;
	struct driver first, d;
	struct reader rd;

	CHECK(!insert(&first, 1, 1) && !insert(&d, 5, 1));
	start(&a, 5, 1);
	start(&b, 5, 1);
	CHECK(blocks(&d, &rd));
	end(&b);
	shim_settle();			/* the reader waits for a, and for nothing later */
	first.hold = true;
	shim_spawn("x", started_main, &x);
	shim_spawn("y", started_main, &y);
	shim_settle();
	CHECK(first.calls == 2 && d.calls == 2);
	end(&a);
	shim_settle();
	CHECK(rd.done && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	let(&first);
	shim_settle();
	CHECK(d.calls == 4);
	end_other(&y);
	CHECK(blocks(&d, &rd));
	end_other(&x);
	shim_settle();
	CHECK(rd.done && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	remove_sub(&first);
	remove_sub(&d);
}

FIBER_TEST(refused_is_not_waited_for)
{
	struct mmu_notifier_range r;
	struct reader rd;
	struct driver d;
	unsigned long seq;

	CHECK(!insert(&d, 5, 1));
	d.refuse = true;
	seq = pinwatch_interval_read_begin(&d.sub);
	start(&r, 5, 1);
	CHECK(d.calls == 1);
	CHECK(!pinwatch_interval_read_retry(&d.sub, seq));
	CHECK(!blocks(&d, &rd));
	end(&r);
	remove_sub(&d);
}

FIBER_TEST(remove_waits_for_its_own_callback)
{
	struct mmu_notifier_range r;
	struct driver a, b, c;
	struct reader ra, rb, rc;

	CHECK(!insert(&a, 1, 1) && !insert(&b, 2, 1) && !insert(&c, 3, 1));
	a.hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	CHECK(a.calls == 1 && !b.calls);
	rb.d = &b; rb.done = false;
	shim_spawn("remover", remover_main, &rb);
	ra.d = &a; ra.done = false;
	shim_spawn("remover", remover_main, &ra);
	shim_settle();
	CHECK(rb.done);
	CHECK(!ra.done);
	a.hold = false;
	shim_wq_wake(&a.wq);
	shim_settle();
	CHECK(ra.done && a.done == 1);
	CHECK(!b.calls);
	CHECK(c.calls == 1);
	rc.d = &c; rc.done = false;
	shim_spawn("remover", remover_main, &rc);
	shim_settle();
	CHECK(rc.done);
	/* The task that called start has ended: call end from the current task. */
	shim_self()->section_depth++;
	end(&r);
}

/* The last callback of a walk: the walk looks for a remove under the lock. */
FIBER_TEST(remove_waits_for_the_last_callback)
{
	struct mmu_notifier_range r;
	struct reader rb = { .done = false };
	struct driver a, b;

	CHECK(!insert(&a, 1, 1) && !insert(&b, 2, 1));
	b.hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	CHECK(a.calls == 1 && b.calls == 1);
	rb.d = &b;
	shim_spawn("remover", remover_main, &rb);
	shim_settle();
	CHECK(!rb.done);
	b.hold = false;
	shim_wq_wake(&b.wq);
	shim_settle();
	CHECK(rb.done);
	remove_sub(&a);
	/* The task that called start has ended: call end from the current task. */
	shim_self()->section_depth++;
	end(&r);
}

/* The range covers more than a batch, and the cursor's subscription is removed. */
FIBER_TEST(remove_moves_the_cursor)
{
	static struct driver d[PW_WALK_BATCH + 2];
	struct mmu_notifier_range r;
	int i;

	for (i = 0; i < PW_WALK_BATCH + 2; i++)
		CHECK(!insert(&d[i], i, 1));
	d[0].hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	remove_sub(&d[PW_WALK_BATCH]);
	memset(&d[PW_WALK_BATCH].sub, 0x6b, sizeof(d->sub));
	d[0].hold = false;
	shim_wq_wake(&d[0].wq);
	shim_settle();
	CHECK(!d[PW_WALK_BATCH].calls && d[PW_WALK_BATCH + 1].calls == 1);
	shim_self()->section_depth++;
	end(&r);
	for (i = 0; i < PW_WALK_BATCH + 2; i++)
		if (i != PW_WALK_BATCH)
			remove_sub(&d[i]);
}

FIBER_TEST(unaligned_and_last_page)
{
	struct mmu_notifier_range r;
	struct driver d, top;

	CHECK(!insert(&d, 5, 1));
	memset(&top, 0, sizeof(top));
	shim_wq_init(&top.wq);
	CHECK(!pinwatch_interval_notifier_insert(&top.sub, mm, -1ul, 1, &ops));
	start_at(&r, PG(5) + 8, PG(5) + 9);
	CHECK(d.calls == 1 && d.start == PG(5) && d.end == PG(6) && !top.calls);
	end(&r);
	start_at(&r, 0, -1ul);
	CHECK(d.calls == 2 && top.calls == 1 && top.end == -1ul);
	end(&r);
	start_at(&r, PG(4), PG(5));
	CHECK(d.calls == 2);
	end(&r);
	remove_sub(&d);
	remove_sub(&top);
}

static unsigned int nr_shared(void)
{
	struct pw_mm *pm = check();

	return pm->shared[0].nr + pm->shared[1].nr;
}

FIBER_TEST(more_than_there_are_slots)
{
	static struct mmu_notifier_range r[70];
	struct driver d, other;
	struct reader rd, ro;
	int i;

	CHECK(!insert(&d, 5, 1) && !insert(&other, 30, 1));
	for (i = 0; i < 70; i++)
		start(&r[i], 5, 1);
	CHECK(nr_shared() == 70 - PW_NR_OWN_SLOTS);
	CHECK(blocks(&d, &rd));
	CHECK(!blocks(&other, &ro));
	for (i = 0; i < 69; i++)
		end(&r[i]);
	shim_settle();
	CHECK(!rd.done);
	end(&r[69]);
	shim_settle();
	CHECK(rd.done && !nr_shared());
	remove_sub(&d);
	remove_sub(&other);
}

FIBER_TEST(without_memory)
{
	static struct mmu_notifier_range r[20];
	struct driver d, late;
	struct reader rd, rl;
	int i;

	CHECK(!insert(&d, 5, 1));
	shim_fail_nowait = 256;
	for (i = 0; i < 20; i++)
		start(&r[i], 5, 1);
	CHECK(pw_nr_anon(check()) == 10);
	CHECK(!insert(&late, 5, 1));
	for (i = 0; i < 10; i++)
		end(&r[i]);
	CHECK(blocks(&d, &rd) && blocks(&late, &rl));
	for (; i < 20; i++)
		end(&r[i]);
	shim_settle();
	CHECK(rd.done && rl.done && !pw_nr_anon(check()));
	shim_fail_nowait = 0;
	remove_sub(&d);
	remove_sub(&late);
}

/* The shared slot stores one value twice: a start in between must stay visible. */
FIBER_TEST(shared_value_stored_twice)
{
	static struct mmu_notifier_range fill[PW_NR_OWN_SLOTS], p, x, y, c;
	struct driver d, other;
	struct reader rd;
	int i;

	CHECK(!insert(&d, 5, 1) && !insert(&other, 30, 1));
	for (i = 0; i < (int)PW_NR_OWN_SLOTS; i++)
		start(&fill[i], 30, 1);
	start(&p, 30, 1);		/* the other shared slot */
	start(&x, 5, 1);
	CHECK(blocks(&d, &rd));
	end(&fill[0]);
	shim_settle();
	start(&c, 5, 1);		/* takes the free slot */
	start(&y, 5, 1);		/* shares the slot of x */
	end(&x);
	end(&y);
	shim_settle();
	CHECK(!rd.done || pinwatch_interval_read_retry(&d.sub, rd.seq));
	end(&c);
	end(&p);
	for (i = 1; i < (int)PW_NR_OWN_SLOTS; i++)
		end(&fill[i]);
	shim_settle();
	CHECK(rd.done);
	remove_sub(&d);
	remove_sub(&other);
}

FIBER_TEST(lost_end_after_release)
{
	struct mmu_notifier_range r;
	struct reader rd;
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	start(&r, 5, 1);
	CHECK(blocks(&d, &rd));
	release();
	end(&r);
	shim_settle();
	CHECK(rd.done && pinwatch_interval_read_retry(&d.sub, rd.seq));
	CHECK(!blocks(&d, &rd) && pinwatch_interval_read_retry(&d.sub, rd.seq));
	remove_sub(&d);
}

FIBER_TEST(release_then_unmap)
{
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	release();
	CHECK(d.calls == 2);
	CHECK(d.events[0] == MMU_NOTIFY_RELEASE && d.events[1] == MMU_NOTIFY_UNMAP);
	CHECK(d.start == 0 && d.end == ULONG_MAX);
	remove_sub(&d);
}

FIBER_TEST(sequence_never_repeats)
{
	unsigned long seen = 0;
	struct driver d;
	int i;

	for (i = 0; i < 70000; i++) {
		memset(&d, 0, sizeof(d));
		pinwatch_interval_notifier_insert(&d.sub, mm, PG(1), 1, &ops);
		if (d.sub.invalidate_seq <= seen || !(d.sub.invalidate_seq & BIT(62)))
			break;
		seen = d.sub.invalidate_seq;
		pinwatch_interval_notifier_remove(&d.sub);
	}
	CHECK(i == 70000);
}

FIBER_TEST(false_from_a_callback_is_told)
{
	unsigned long warned = shim_nr_warned;
	struct mmu_notifier_range r;
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	d.lie = true;
	start(&r, 5, 1);
	end(&r);
	CHECK(shim_nr_warned == warned + 1);
	remove_sub(&d);
}

static void same_cpu_main(void *arg)
{
	shim_self()->cpu = 0;
	start(arg, 0, 20);
}

/* If insert marked the subscription, the walk does not call back: seq is insert's. */
RACE_TEST(insert_races_with_start, 1500)
{
	struct driver d, far;
	struct mmu_notifier_range r;
	unsigned long seq = 0;

	CHECK(!insert(&far, 30, 1));
	event(40, 1, MMU_NOTIFY_CLEAR, NULL);	/* insert now visits the record of page 40 */
	shim_spawn("invalidator", same_cpu_main, &r);
	memset(&d, 0, sizeof(d));
	shim_wq_init(&d.wq);
	CHECK(!pinwatch_interval_notifier_insert(&d.sub, mm, PG(5), PAGE_SIZE, &ops));
	if (!d.calls)
		seq = d.sub.invalidate_seq;
	shim_settle();
	CHECK(d.calls <= 1 && d.seq != seq);
	/* In both cases the subscription is under invalidation. */
	CHECK(pinwatch_interval_read_begin_timeout(&d.sub, &seq, 0) == -EBUSY);
	end_other(&r);
	remove_sub(&d);
	remove_sub(&far);
}
