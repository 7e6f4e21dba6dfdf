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
	unsigned long offset = (unsigned int)raw_smp_processor_id() * sizeof(*pm->recs);

	OPTIMIZER_HIDE_VAR(offset);	/* gcc would split the constant off */
	return (void *)pm->recs + offset;
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
static noinline void walk_rounded(struct pw_mm *pm, const struct mmu_notifier_range *range,
				  unsigned long start, unsigned long last,
				  unsigned long seq)
	__releases(&pm->lock)
{
	struct mmu_notifier_range rounded = *range;

	rounded.start = start;
	rounded.end = last == ULONG_MAX ? ULONG_MAX : last + 1;
	pw_walk(pm, &rounded, start, last, seq);
}

/*
 * Does nothing of any class overlap? Then what bounds the hole, as it comes from
 * pw_tree_before().
 */
static bool classes_hole(struct pw_mm *pm, unsigned long start, unsigned long last,
			 unsigned long *before, unsigned long *next)
{
	unsigned long class_next;
	unsigned int i;

	for (i = 0; i < pm->nr_classes; i++) {
		if (pw_tree_first(&pm->classes[i].tree, start, last))
			return false;
		class_next = ULONG_MAX;
		*before = max(*before, pw_tree_before(&pm->classes[i].tree, last,
						      &class_next));
		*next = min(*next, class_next);
	}
	return true;
}

static void record_hole(struct pw_mm *pm, struct pw_record *rec,
			unsigned long before, unsigned long next)
{
	rec->hole_before = before | ~PAGE_MASK;
	rec->hole_next = next & PAGE_MASK;
	rec->hole_gen = pm->gen;
}

/* With the lock, which it drops: something may overlap. */
static noinline void start_walk(struct pw_mm *pm, struct pw_record *rec,
				const struct mmu_notifier_range *range)
	__releases(&pm->lock)
{
	unsigned long start = range->start & PAGE_MASK;
	unsigned long last = range_last(range) | ~PAGE_MASK;
	unsigned long before = 0, next = ULONG_MAX, seq;

	if (classes_hole(pm, start, last, &before, &next)) {
		if (rec)
			record_hole(pm, rec, before, next);
		spin_unlock(&pm->lock);
		return;
	}
	if (rec)
		WRITE_ONCE(rec->key, range_key(range) | PW_KEY_SLOW);
	seq = pw_record_slot(pm, rec, pm->gen);
	if (likely(!((range->start | range->end) & ~PAGE_MASK)))
		pw_walk(pm, range, start, last, seq);
	else
		walk_rounded(pm, range, start, last, seq);
}

/*
 * An address that starts again has ended: if an end was lost, whoever waits for it
 * waits no longer.
 */
static void start_reclaim(struct pw_mm *pm, const struct mmu_notifier_range *range,
			  struct pw_record *rec)
{
	if (likely(!pw_record_reclaim(pm, range_key(range), rec)))
		return;
	spin_unlock(&pm->lock);
	wake_up_all(&pm->read_wq);
	spin_lock(&pm->lock);
}

/* No hole is known around the range. */
static noinline void start_miss(struct pw_mm *pm, struct pw_record *rec,
				const struct mmu_notifier_range *range)
{
	unsigned long before, next = ULONG_MAX;

	spin_lock(&pm->lock);
	/*
	 * With a hole of the current gen, it has been done, but for the record of a
	 * lost end of the same key: none is lost while somebody may wait.
	 */
	if (unlikely(rec->hole_gen != pm->gen)) {
		pw_record_use(pm, rec);
		start_reclaim(pm, range, rec);
	}

	before = pw_tree_before(&pm->classes[0].tree, range_last(range) | ~PAGE_MASK,
				&next);
	if (likely(before < (range->start & PAGE_MASK) && pm->nr_classes == 1)) {
		record_hole(pm, rec, before, next);
		spin_unlock(&pm->lock);
		return;
	}
	start_walk(pm, rec, range);
}

/* This CPU's own records are taken. */
static noinline void start_spare(struct pw_mm *pm, const struct mmu_notifier_range *range)
{
	spin_lock(&pm->lock);
	start_reclaim(pm, range, NULL);
	start_walk(pm, pw_record_claim(pm, range), range);
}

static int mn_invalidate_range_start(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct pw_mm *pm = mn_pm(mn);
	unsigned long start = range->start, last = range_last(range);
	enum mmu_notifier_event event = range->event;
	struct pw_record *rec;

	preempt_disable();
	rec = cpu_records(pm);
	/* Pairs with the release of ->key by the last owner's end. */
	if (unlikely(smp_load_acquire(&rec->key))) {
		rec++;
		/* Likewise. */
		if (smp_load_acquire(&rec->key)) {
			preempt_enable();
			start_spare(pm, range);
			return 0;
		}
	}
	WRITE_ONCE(rec->start, start);
	WRITE_ONCE(rec->last, last);
	WRITE_ONCE(rec->event, event);
	if (unlikely(event >= MMU_NOTIFY_MIGRATE))
		WRITE_ONCE(rec->owner, pw_range_owner(range));
	/* A full barrier. Pairs with the one in insert: see record.c. */
	xchg(&rec->key, range_key(range));
	preempt_enable();

	if (likely(rec->hole_gen == READ_ONCE(pm->gen) &&
		   start > rec->hole_before && last < rec->hole_next))
		return 0;
	start_miss(pm, rec, range);
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
	pm->open = false;
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
