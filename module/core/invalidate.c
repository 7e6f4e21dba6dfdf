// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the classic mmu_notifier
 *
 * start never fails, blockable or not (a classic notifier that does leaves other
 * drivers' mmu_interval_notifiers in that mm invalidated for ever), and both
 * start and end never sleep on their own account.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/smp.h>
#include <linux/sched.h>
#include "core.h"

static struct pw_mm *mn_pm(struct mmu_notifier *mn)
{
	return container_of(mn, struct pw_mm, mn);
}

/* The records of this CPU; with preemption on, of one it was on. */
static struct pw_record *cpu_records(struct pw_mm *pm)
{
	return pm->recs[(unsigned int)raw_smp_processor_id()].rec;
}

static unsigned long range_key(const struct mmu_notifier_range *range)
{
	return (unsigned long)range;
}

/*
 * Unaligned ranges (uprobes) and those that end at -1UL (soft-dirty) happen. What
 * changes are pages: whoever compares rounds out, so that start need not.
 */
static unsigned long range_last(const struct mmu_notifier_range *range)
{
	return range->end - 1;
}

/* A callback computes its overlap from the range: give it the rounded one. */
static void walk_rounded(struct pw_mm *pm, const struct mmu_notifier_range *range,
			 unsigned long start, unsigned long last, unsigned long seq)
	__releases(&pm->lock)
{
	struct mmu_notifier_range rounded = *range;

	rounded.start = start;
	rounded.end = last == ULONG_MAX ? ULONG_MAX : last + 1;
	pw_walk(pm, &rounded, start, last, seq);
}

/*
 * The lock is needed: no hole is known around the range, or (@rec is NULL) the
 * CPU's own records are taken.
 */
static noinline void start_locked(struct pw_mm *pm, struct pw_record *rec,
				  const struct mmu_notifier_range *range)
{
	unsigned long start = range->start & PAGE_MASK;
	unsigned long last = range_last(range) | ~PAGE_MASK;
	unsigned long key = range_key(range);
	struct pw_hole hole;
	unsigned long seq;

	spin_lock(&pm->lock);
	pw_record_reclaim(pm, key, rec);
	if (rec)
		__set_bit(rec - pw_record_nr(pm, 0), pm->used);
	else
		rec = pw_record_claim(pm, key, start, last);

	if (pw_tree_hole(&pm->tree, start, last, &hole)) {
		if (rec) {
			rec->hole_start = PAGE_ALIGN(hole.start);
			rec->hole_last = ((hole.last + 1) & PAGE_MASK) - 1;
			rec->hole_gen = pm->gen;
		}
		spin_unlock(&pm->lock);
		return;
	}

	if (rec)
		WRITE_ONCE(rec->key, key | PW_KEY_SLOW);
	seq = pw_record_slot(pm, rec);
	if (likely(!((range->start | range->end) & ~PAGE_MASK)))
		pw_walk(pm, range, start, last, seq);
	else
		walk_rounded(pm, range, start, last, seq);
}

static int mn_invalidate_range_start(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct pw_mm *pm = mn_pm(mn);
	unsigned long start = range->start, last = range_last(range);
	struct pw_record *rec;

	preempt_disable();
	rec = cpu_records(pm);
	/* Pairs with the release of ->key by the last owner's end. */
	if (unlikely(smp_load_acquire(&rec->key))) {
		rec++;
		if (smp_load_acquire(&rec->key)) {
			preempt_enable();
			start_locked(pm, NULL, range);
			return 0;
		}
	}
	WRITE_ONCE(rec->start, start);
	WRITE_ONCE(rec->last, last);
	/* A full barrier. Pairs with the one in insert: see record.c. */
	xchg(&rec->key, range_key(range));
	preempt_enable();

	if (likely(rec->hole_gen == READ_ONCE(pm->gen) &&
		   start >= rec->hole_start && last <= rec->hole_last))
		return 0;
	start_locked(pm, rec, range);
	return 0;
}

/* It has a slot, or is not this CPU's first record. */
static noinline void end_locked(struct pw_mm *pm, unsigned long key)
{
	struct pw_record *rec = cpu_records(pm) + 1;

	if (cmpxchg(&rec->key, key, 0UL) == key)
		return;

	spin_lock(&pm->lock);
	rec = pw_record_find(pm, key);
	if (rec || pm->nr_anon)
		pw_record_release(pm, rec);
	spin_unlock(&pm->lock);
	/* Has a full barrier: the waiter sees the slot empty, or we see it wait. */
	if (wq_has_sleeper(&pm->read_wq))
		wake_up_all(&pm->read_wq);
}

static void mn_invalidate_range_end(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *range)
{
	struct pw_mm *pm = mn_pm(mn);
	unsigned long key = range_key(range), old = key;

	/*
	 * Where it most likely is; the task may have moved. Fails when that is
	 * another's, or insert or the walk has given it a slot.
	 */
	if (unlikely(!try_cmpxchg(&cpu_records(pm)->key, &old, 0UL)))
		end_locked(pm, key);
}

/* A callback of the mm's end: @event over everything. */
static void release_walk(struct pw_mm *pm, struct mm_struct *mm,
			 enum mmu_notifier_event event, unsigned long seq)
{
	struct mmu_notifier_range range = {
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
		.event = event,
		.mm = mm,
		.start = 0,
		.end = ULONG_MAX,
	};

	spin_lock(&pm->lock);
	pw_walk(pm, &range, 0, ULONG_MAX, seq);
}

/*
 * The mm is about to lose its pages, and classic notifiers are told nothing
 * after this, not even the ends of what other tasks have started: so nothing
 * waits for anything from now on (->dead). Every subscription gets PW_SUB_MULTI
 * in the walk, which makes read_begin see ->dead.
 *
 * The kernel's interval notifiers are told of RELEASE and then of the unmapping
 * itself; drivers exist that act on one of them only. So both.
 */
static void mn_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct pw_mm *pm = mn_pm(mn);
	unsigned long seq;
	bool put;

	pw_mm_unhash(pm);
	spin_lock(&pm->lock);
	WRITE_ONCE(pm->dead, true);
	seq = pw_seq_next(pm, PW_SLOT_IDLE);
	spin_unlock(&pm->lock);
	wake_up_all(&pm->read_wq);

	release_walk(pm, mm, MMU_NOTIFY_RELEASE, seq);
	release_walk(pm, mm, MMU_NOTIFY_UNMAP, seq);

	spin_lock(&pm->lock);
	put = pm->registered;
	pm->registered = false;
	put = put && pw_mm_unused(pm);
	spin_unlock(&pm->lock);
	if (put)
		pw_mm_put(pm);
}

const struct mmu_notifier_ops pw_mn_ops = {
	.release = mn_release,
	.invalidate_range_start = mn_invalidate_range_start,
	.invalidate_range_end = mn_invalidate_range_end,
	.free_notifier = pw_mm_free,
};
