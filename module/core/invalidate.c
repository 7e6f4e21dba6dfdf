// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the classic mmu_notifier
 *
 * start never fails, whether the range is blockable or not: a classic notifier that
 * fails leaves the mmu_interval_notifiers of other drivers in the same mm invalidated
 * for ever. start sleeps only if a callback does. end never sleeps.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/smp.h>
#include <linux/sched.h>
#include "core.h"
#include "slot.h"
#include "trace.h"
#include "walk.h"

static struct pw_mm *mn_pm(struct mmu_notifier *mn)
{
	return container_of(mn, struct pw_mm, mn);
}

/* Return: the records of the current CPU, or of a previous CPU if preemptible. */
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
 * Ranges can be unaligned (uprobes) and can end at -1UL (soft-dirty). start does not
 * round: pw_record_overlaps() and the walk round to pages.
 */
static unsigned long range_last(const struct mmu_notifier_range *range)
{
	return range->end - 1;
}

/* Round the range for the callbacks, because drivers compute the overlap. */
static noinline void walk_rounded(struct pw_mm *pm, const struct mmu_notifier_range *range,
				  struct interval_tree_node *first, unsigned long seq)
	__releases(&pm->lock)
{
	struct mmu_notifier_range rounded = *range;
	unsigned long last = range_last(range) | ~PAGE_MASK;

	rounded.start = range->start & PAGE_MASK;
	rounded.end = last == ULONG_MAX ? ULONG_MAX : last + 1;
	pw_walk(pm, &rounded, first, seq);
}

/*
 * Return: true if no subscription of the classes from @class on overlaps. *before and *next
 * then bound the hole, as pw_tree_search() does for the classes below @class.
 */
static bool classes_hole(struct pw_mm *pm, unsigned int class, unsigned long start,
			 unsigned long last, unsigned long *before, unsigned long *next)
{
	for (; class < pm->nr_classes; class++) {
		unsigned long class_next = ULONG_MAX;

		if (pw_tree_search(&pm->classes[class].tree, start, last, before, &class_next))
			return false;
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
	if (pw_filter_complete(&pm->filter))
		rec->covered = 0;
}

/*
 * Return: true if no subscription covers a page of the invalidation. Then the range of the
 * invalidation is the hole: the next invalidation of the same range does not need the filter.
 *
 * A start that hits has read the filter in vain. So after PW_COVERED_MAX of them, starts search
 * the trees at once, until one finds no overlap: see record_hole(). The same holds while the filter
 * is not complete. Caller has looked at ->covered.
 */
static __always_inline bool record_filtered(struct pw_mm *pm, struct pw_record *rec)
{
	unsigned long start = rec->start, last = rec->last;
	bool covers;

	/* Pairs with kvfree_rcu() in table_retire() (litmus filter-start-rebuild). */
	pw_lookup_begin();
	covers = pw_filter_covers(&pm->filter, start, last);
	pw_lookup_end();
	if (covers) {
		rec->covered++;
		return false;
	}
	rec->covered = 0;
	/* At the ends of the address space: no hole. */
	WRITE_ONCE(rec->hole_before, (start & PAGE_MASK) - 1);
	WRITE_ONCE(rec->hole_next, (last | ~PAGE_MASK) + 1);
	return true;
}

/*
 * A subscription overlaps. @first: the first overlap in class 0, or NULL. Caller holds
 * pm->lock. Drops pm->lock.
 */
static noinline void start_walk(struct pw_mm *pm, struct pw_record *rec,
				const struct mmu_notifier_range *range,
				struct interval_tree_node *first)
	__releases(&pm->lock)
{
	unsigned long seq;

	if (likely(rec))
		WRITE_ONCE(rec->key, range_key(range) | PW_KEY_SLOW);
	seq = pw_record_slot(pm, rec, pm->gen);
	if (likely(!((range->start | range->end) & ~PAGE_MASK)))
		pw_walk(pm, range, first, seq);
	else
		walk_rounded(pm, range, first, seq);
}

/*
 * @first is the first overlap. Return: true if start_one() may call it. If insert has given
 * the record a slot, @first may be newer than the invalidation: see slot_newest.
 */
static __always_inline bool start_is_one(struct pw_mm *pm, struct pw_record *rec,
					 const struct mmu_notifier_range *range,
					 struct interval_tree_node *first)
{
	return pm->plain && rec->slot == PW_SLOT_NONE &&
	       ~pm->slots_used & (BIT(PW_NR_CALLS) - 1) &&
	       !((range->start | range->end) & ~PAGE_MASK) &&
	       !pw_tree_following(first, range->start, range_last(range));
}

/*
 * Call the only subscription that an invalidation overlaps. As pw_walk(), but with a pw_call,
 * which remove and put find in the slot of the invalidation until its end. So the lock is not
 * needed to take the pw_call away. Caller holds pm->lock. Drops pm->lock.
 */
static __always_inline void start_one(struct pw_mm *pm, struct pw_record *rec,
				      const struct mmu_notifier_range *range,
				      struct pinwatch_interval_notifier *sub)
	__releases(&pm->lock)
{
	unsigned long others = pm->slots_used, seq;
	unsigned int slot = __ffs(~others);
	struct pw_call *call = &pm->calls[slot];

	/* As `|`, of an even address, but one instruction less. */
	WRITE_ONCE(rec->key, range_key(range) + PW_KEY_SLOW);
	rec->slot = slot;
	pw_slot_open(pm, slot, rec);
	seq = pm->seqs[slot];
	if (unlikely(others))
		pw_walk_note_multi(pm, sub, others);
	OPTIMIZER_HIDE_VAR(call);	/* gcc would keep ->slot, too */
	WRITE_ONCE(call->entry, (unsigned long)sub);
	WRITE_ONCE(call->pos, 0);
	spin_unlock(&pm->lock);
	/* Pairs like the smp_wmb() in pw_walk() (litmus read-begin). */
	smp_wmb();

	pw_stat_inc(walks);
	pw_stat_inc(callbacks);
	lock_map_acquire(&pw_invalidate_map);
	if (unlikely(!sub->ops->invalidate(sub, range, seq)))
		pw_walk_complain(sub, range);
	/* As in walk_call_entry() (litmus callback-freed). */
	smp_store_release(&call->pos, 1);
	pw_walk_look(pm, &call->entry);
	lock_map_release(&pw_invalidate_map);
	if (trace_pinwatch_invalidate_enabled())
		pw_walk_trace(range, 1);
}

/* No subscription of class 0 overlaps. Caller holds pm->lock. Drops pm->lock. */
static noinline void start_classes(struct pw_mm *pm, struct pw_record *rec,
				   const struct mmu_notifier_range *range,
				   unsigned long before, unsigned long next)
	__releases(&pm->lock)
{
	if (!classes_hole(pm, 1, range->start & PAGE_MASK, range_last(range) | ~PAGE_MASK,
			  &before, &next)) {
		start_walk(pm, rec, range, NULL);
		return;
	}
	if (rec)
		record_hole(pm, rec, before, next);
	spin_unlock(&pm->lock);
}

/* Neither a hole nor the filter is known to exclude an overlap. */
static noinline void start_miss(struct pw_mm *pm, struct pw_record *rec,
				const struct mmu_notifier_range *range)
{
	unsigned long before = 0, next = ULONG_MAX;
	struct interval_tree_node *first;

	spin_lock(&pm->lock);
	if (unlikely(rec->hole_gen != pm->gen)) {
		pw_record_use(pm, rec);
		if (rec->covered != PW_COVERED_MAX && record_filtered(pm, rec)) {
			rec->hole_gen = pm->gen;
			spin_unlock(&pm->lock);
			return;
		}
	}
	first = pw_tree_search(&pm->classes[0].tree, range->start & PAGE_MASK,
			       range_last(range) | ~PAGE_MASK, &before, &next);
	if (first) {
		if (likely(start_is_one(pm, rec, range, first)))
			start_one(pm, rec, range, pw_sub(first));
		else
			start_walk(pm, rec, range, first);
	} else if (likely(pm->nr_classes == 1)) {
		record_hole(pm, rec, before, next);
		spin_unlock(&pm->lock);
	} else {
		start_classes(pm, rec, range, before, next);
	}
}

/* The filter may help, and no subscription is newer than the hole of the record. */
static noinline void start_filtered(struct pw_mm *pm, struct pw_record *rec,
				    const struct mmu_notifier_range *range)
{
	if (record_filtered(pm, rec))
		pw_skip_check(pm, rec);
	else
		start_miss(pm, rec, range);
}

/* The range is in no hole that is known. Calls no function but the last one. */
static __always_inline void start_outside(struct pw_mm *pm, struct pw_record *rec,
					  const struct mmu_notifier_range *range)
{
	if (rec->covered != PW_COVERED_MAX && likely(rec->hole_gen == READ_ONCE(pm->gen)))
		start_filtered(pm, rec, range);
	else
		start_miss(pm, rec, range);
}

/* Both records of the CPU are in use. */
static noinline void start_spare(struct pw_mm *pm, const struct mmu_notifier_range *range)
{
	unsigned long before = 0, next = ULONG_MAX;
	struct interval_tree_node *first;
	struct pw_record *rec;

	spin_lock(&pm->lock);
	rec = pw_record_claim(pm, range);
	first = pw_tree_search(&pm->classes[0].tree, range->start & PAGE_MASK,
			       range_last(range) | ~PAGE_MASK, &before, &next);
	if (first)
		start_walk(pm, rec, range, first);
	else
		start_classes(pm, rec, range, before, next);
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
	/*
	 * Pairs with the release of ->key in pw_record_release() and the cmpxchg of the
	 * end: the stores of this owner come after the last reads of the previous owner
	 * (litmus record-reused, record-retaken).
	 */
	if (unlikely(smp_load_acquire(&rec->key))) {
		rec++;
		/* Pairs like the acquire above (litmus record-reused). */
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
	/*
	 * Full barrier. Pairs with the smp_mb() in sub_link(): see record.c (litmus
	 * start-insert, filter-start-insert and end-finds-record).
	 */
	xchg(&rec->key, range_key(range));
	preempt_enable();

	if (likely(rec->hole_gen == READ_ONCE(pm->gen) &&
		   start > rec->hole_before && last < rec->hole_next)) {
		pw_skip_check(pm, rec);
		return 0;
	}
	start_outside(pm, rec, range);
	return 0;
}

/* Return: the record of a CPU with this key, or NULL. Most records are of the current CPU. */
static struct pw_record *end_find(struct pw_mm *pm, unsigned long key)
{
	struct pw_record *rec = cpu_records(pm) + 1;

	if ((READ_ONCE(rec->key) & ~PW_KEY_SLOW) == key)
		return rec;
	return pw_record_find(pm, key);
}

/* The record is not the first record of this CPU. */
static noinline void end_other(struct pw_mm *pm, unsigned long key)
{
	struct pw_record *rec = end_find(pm, key);
	unsigned int slot = PW_SLOT_NONE;

	/* Pairs like the try_cmpxchg() in the caller (litmus insert-after-end). */
	if (rec && cmpxchg(&rec->key, key, 0UL) == key)
		return;

	spin_lock(&pm->lock);
	if (!rec)
		rec = pw_record_find_extra(pm, key);
	if (rec || pw_nr_anon(pm))
		slot = pw_record_release(pm, rec);
	spin_unlock(&pm->lock);
	pw_slot_wake(pm, slot);
}

/* Caller holds pm->lock. Drops pm->lock. */
static noinline void end_shared(struct pw_mm *pm, struct pw_record *rec)
	__releases(&pm->lock)
{
	unsigned int slot = pw_record_release(pm, rec);

	spin_unlock(&pm->lock);
	pw_slot_wake(pm, slot);
}

/* As pw_record_release(). Caller holds pm->lock. Drops pm->lock. */
static __always_inline void end_own(struct pw_mm *pm, struct pw_record *rec, unsigned int slot)
	__releases(&pm->lock)
{
	bool waited = pw_slot_close(pm, slot);

	rec->slot = PW_SLOT_NONE;
	/* Pairs like the release of ->key in pw_record_release() (litmus record-reused). */
	smp_store_release(&rec->key, 0UL);
	spin_unlock(&pm->lock);
	if (unlikely(waited))
		pw_slot_wake(pm, slot);
}

/* The record has a slot, or is not the first record of this CPU, which has the key @found. */
static noinline void end_slow(struct pw_mm *pm, struct pw_record *rec, unsigned long key,
			      unsigned long found)
{
	if (unlikely(found != (key | PW_KEY_SLOW))) {
		end_other(pm, key);
		return;
	}
	spin_lock(&pm->lock);
	if (likely(rec->slot < PW_NR_OWN_SLOTS))
		end_own(pm, rec, rec->slot);
	else
		end_shared(pm, rec);
}

static void mn_invalidate_range_end(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *range)
{
	struct pw_mm *pm = mn_pm(mn);
	unsigned long key = range_key(range), old = key;
	struct pw_record *rec = cpu_records(pm);

	/*
	 * Try the first record of this CPU. Fails if the task has moved to another CPU,
	 * or if insert or the walk has given the record a slot. Full barrier on success.
	 * Pairs with the smp_rmb() in pw_record_mark_insert(): an insert that sees the
	 * record free must see the page tables as they are now (litmus insert-after-end).
	 */
	if (unlikely(!try_cmpxchg(&rec->key, &old, 0UL)))
		end_slow(pm, rec, key, old);
}

/* Wake all readers after ->dead was set. */
static void release_wake(struct pw_mm *pm)
{
	unsigned int slot;

	/* Pairs like the smp_mb() in pw_slot_wake(), for ->dead (litmus slot-wake). */
	smp_mb();
	for (slot = 0; slot < PW_NR_SLOTS; slot++)
		wake_up_var(&pm->seqs[slot]);
}

/* Call all subscriptions with @event over the whole mm. */
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
	pw_walk(pm, &range, pw_tree_first(&pm->classes[0].tree, 0, ULONG_MAX), seq);
}

/*
 * The mm is about to lose its pages. The kernel calls no classic notifier after release,
 * not even for the ends of invalidations that other tasks have started. So no reader
 * may wait from now on (->dead). The walk sets PW_SUB_MULTI in every subscription, which
 * makes read_begin look at ->dead (litmus release-multi, release-late-callback).
 *
 * The kernel calls its interval notifiers with RELEASE, and then with UNMAP for the
 * unmapping. Some drivers act on one of the two only, so both are delivered here.
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
	pm->plain = false;
	seq = pw_seq_next(pm, PW_SLOT_IDLE);
	spin_unlock(&pm->lock);
	release_wake(pm);

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
