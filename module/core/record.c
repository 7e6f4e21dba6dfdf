// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: invalidations in flight
 *
 * Every start is recorded, also when it overlaps nothing: a subscription that
 * is inserted before its end has to know of it. Most records never need more
 * than their CPU's own entry of pm->recs, taken without the lock:
 *
 *   start, on the record's CPU,		insert, under pm->lock
 *   preemption off
 *
 *   ->start, ->last = the range		link the subscription
 *   xchg(->key, range)	(full barrier)		pm->gen++
 *   preemption on				smp_mb()
 *   pm->gen == ->hole_gen and		for each bit in pm->used:
 *   in the hole?				  ->key set, overlaps?
 *     no: take the lock, walk			  cmpxchg(->key, key, key | SLOW)
 *
 *   [Required: start sees the new gen, or insert sees the key. So the walk finds
 *    the subscription or insert marks it; and the walk skips what insert has
 *    marked: see slot_newest.]
 *
 * A record belongs to its CPU only while it is being taken; its task may sleep
 * and move before the end. Its end gives it back with cmpxchg(->key, range, 0),
 * which fails iff insert, or its own walk, has given it a slot: then it takes
 * the lock. Nobody but its own end ever clears a key (but see reclaim).
 *
 * The key is the address of the mmu_notifier_range, which lives on the stack of
 * the task that invalidates: no two that are in flight share it. The task is
 * deliberately no part of it. If an end were lost, the next start at the same
 * address proves it, whichever task the stack belongs to by then.
 */
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/sched.h>
#include "core.h"

static struct pw_extra_record *extra_record(struct pw_record *rec)
{
	return container_of(rec, struct pw_extra_record, rec);
}

static bool record_is_extra(struct pw_mm *pm, struct pw_record *rec)
{
	return (void *)rec < (void *)pm->recs || (void *)rec >= (void *)pm->used;
}

static void record_init(struct pw_record *rec, const struct mmu_notifier_range *range)
{
	rec->start = range->start;
	rec->last = range->end - 1;
	rec->event = range->event;
	rec->owner = pw_range_owner(range);
	rec->slot = PW_SLOT_NONE;
	WRITE_ONCE(rec->key, (unsigned long)range | PW_KEY_SLOW);
}

/* The next sequence value of @slot. */
unsigned long pw_seq_next(struct pw_mm *pm, unsigned int slot)
{
	if (unlikely(!(pm->seq_next % PW_SEQ_BLOCK)))
		pm->seq_next = pw_mm_seq_block();
	return PW_SEQ_BIT | pm->seq_next++ << PW_SEQ_SLOT_BITS | slot;
}

static void slot_open(struct pw_mm *pm, unsigned int slot, struct pw_record *rec,
		      u64 newest)
{
	pm->slot_newest[slot] = newest;
	pm->slot_rec[slot] = rec;
	pm->slots_used |= BIT(slot);
	/* After the end of whatever was in this slot before. */
	smp_store_release(&pm->seqs[slot], pw_seq_next(pm, slot));
}

static void slot_close(struct pw_mm *pm, unsigned int slot)
{
	pm->slots_used &= ~BIT(slot);
	/*
	 * Pairs with the acquire in pinwatch_interval_read_begin(): whoever sees
	 * the slot empty sees the page tables as the invalidation left them.
	 */
	smp_store_release(&pm->seqs[slot], 0UL);
}

/* pm->coarse.event is one that no filter rejects. */
static void coarse_get(struct pw_mm *pm, unsigned long start, unsigned long last)
{
	pw_stat_inc(overflows);
	if (pm->nr_coarse++) {
		pm->coarse.start = min(pm->coarse.start, start);
		pm->coarse.last = max(pm->coarse.last, last);
		return;
	}
	pm->coarse.start = start;
	pm->coarse.last = last;
	/* Its value is stored again and again: read_begin knows. */
	slot_open(pm, PW_SLOT_COARSE, &pm->coarse, U64_MAX >> PW_SUB_STAMP_SHIFT);
}

static void coarse_put(struct pw_mm *pm)
{
	if (!--pm->nr_coarse)
		slot_close(pm, PW_SLOT_COARSE);
}

static struct pw_extra_record *extra_get(struct pw_mm *pm)
{
	struct pw_extra_record *extra;

	extra = list_first_entry_or_null(&pm->spare, struct pw_extra_record, node);
	if (extra) {
		list_del(&extra->node);
		return extra;
	}
	/* Under memory reclaim itself, perhaps: take nothing that it needs. */
	extra = kmalloc(sizeof(*extra), GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN);
	if (extra)
		extra->allocated = true;
	return extra;
}

/**
 * pw_record_claim() - record a start for which its CPU's own records were taken
 * @pm: The mm.
 * @range: What it starts.
 *
 * Return: the record, in flight; %NULL when there is no memory for one: then it
 * is counted in the coarse slot.
 */
struct pw_record *pw_record_claim(struct pw_mm *pm,
				  const struct mmu_notifier_range *range)
{
	struct pw_extra_record *extra = extra_get(pm);

	lockdep_assert_held(&pm->lock);
	pm->nr_maybe++;
	if (!extra) {
		pm->nr_anon++;
		coarse_get(pm, range->start, range->end - 1);
		return NULL;
	}
	record_init(&extra->rec, range);
	list_add(&extra->node, &pm->extra);
	return &extra->rec;
}

/**
 * pw_record_find() - the record of a start
 * @pm: The mm.
 * @key: The address of its range.
 */
struct pw_record *pw_record_find(struct pw_mm *pm, unsigned long key)
{
	struct pw_extra_record *extra;
	unsigned int i;

	lockdep_assert_held(&pm->lock);
	for (i = 0; i < pm->nr_recs; i++)
		if ((READ_ONCE(pw_record_nr(pm, i)->key) & ~PW_KEY_SLOW) == key)
			return pw_record_nr(pm, i);
	list_for_each_entry(extra, &pm->extra, node)
		if ((extra->rec.key & ~PW_KEY_SLOW) == key)
			return &extra->rec;
	return NULL;
}

/**
 * pw_record_release() - end what a record stands for
 * @pm: The mm.
 * @rec: With PW_KEY_SLOW set; %NULL: one that is counted in the coarse slot only.
 *
 * The caller wakes read_begin after it has dropped the lock.
 */
void pw_record_release(struct pw_mm *pm, struct pw_record *rec)
{
	struct pw_extra_record *extra;

	lockdep_assert_held(&pm->lock);
	if (!rec) {
		pm->nr_anon--;
		pm->nr_maybe--;
		coarse_put(pm);
		return;
	}

	if (rec->slot == PW_SLOT_COARSE)
		coarse_put(pm);
	else if (rec->slot != PW_SLOT_NONE)
		slot_close(pm, rec->slot);
	rec->slot = PW_SLOT_NONE;
	/* Pairs with start, which takes the record when it sees no key. */
	smp_store_release(&rec->key, 0UL);

	if (!record_is_extra(pm, rec))
		return;
	extra = extra_record(rec);
	list_del(&extra->node);
	pm->nr_maybe--;
	if (extra->allocated)
		kfree(extra);
	else
		list_add(&extra->node, &pm->spare);
}

/**
 * pw_record_reclaim() - end a start whose end was lost
 * @pm: The mm.
 * @key: The address of a range that has just been started.
 * @but: The record of that start, or %NULL.
 *
 * Return: true when there was one. The caller wakes read_begin.
 */
bool pw_record_reclaim(struct pw_mm *pm, unsigned long key, struct pw_record *but)
{
	struct pw_extra_record *extra;
	struct pw_record *rec;
	unsigned long bits;
	unsigned int i;

	lockdep_assert_held(&pm->lock);
	for (i = 0; i < pm->nr_recs; i += BITS_PER_LONG) {
		for (bits = pm->used[i / BITS_PER_LONG]; bits; bits &= bits - 1) {
			rec = pw_record_nr(pm, i + __ffs(bits));
			if (rec == but || (READ_ONCE(rec->key) & ~PW_KEY_SLOW) != key)
				continue;
			pw_record_release(pm, rec);
			return true;
		}
	}
	list_for_each_entry(extra, &pm->extra, node) {
		if (&extra->rec == but || (extra->rec.key & ~PW_KEY_SLOW) != key)
			continue;
		pw_record_release(pm, &extra->rec);
		return true;
	}
	return false;
}

/**
 * pw_record_slot() - a record's sequence value, given it now if it has none
 * @pm: The mm.
 * @rec: With PW_KEY_SLOW set; %NULL: one that is counted in the coarse slot only.
 * @newest: If it has none: the newest subscription that its walk is to call.
 */
unsigned long pw_record_slot(struct pw_mm *pm, struct pw_record *rec, u64 newest)
{
	unsigned long avail = ~pm->slots_used & (BIT(PW_NR_OWN_SLOTS) - 1);

	lockdep_assert_held(&pm->lock);
	if (!rec)
		return pm->seqs[PW_SLOT_COARSE];
	if (rec->slot == PW_SLOT_NONE) {
		if (avail) {
			rec->slot = __ffs(avail);
			slot_open(pm, rec->slot, rec, newest);
		} else {
			rec->slot = PW_SLOT_COARSE;
			coarse_get(pm, rec->start, rec->last);
		}
	}
	return pm->seqs[rec->slot];
}

/**
 * pw_record_use() - make sure that insert looks at a CPU's record
 * @pm: The mm.
 * @rec: Of pm->recs, with its key set.
 */
void pw_record_use(struct pw_mm *pm, struct pw_record *rec)
{
	lockdep_assert_held(&pm->lock);
	if (!__test_and_set_bit(rec - pw_record_nr(pm, 0), pm->used))
		pm->nr_maybe++;
}

/* Is @rec in flight over @sub, which was linked just now? */
static void mark_record(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			struct pw_record *rec, unsigned int *nr)
{
	unsigned long key = READ_ONCE(rec->key);

	if (!key || !pw_record_overlaps(rec, sub))
		return;
	if (!(key & PW_KEY_SLOW) &&
	    cmpxchg(&rec->key, key, key | PW_KEY_SLOW) != key)
		return;		/* it has ended */
	/* With SLOW set its end needs the lock: the record holds still. */
	if (!pw_record_overlaps(rec, sub) ||
	    pw_sub_rejects(sub, rec->event, rec->owner))
		return;
	sub->invalidate_seq = pw_record_slot(pm, rec, pm->gen - 1);
	++*nr;
}

/**
 * pw_record_mark_insert() - put a new subscription under what is in flight
 * @pm: The mm; its gen was advanced after @sub was linked.
 * @sub: Linked just now, with a value that is in flight nowhere.
 *
 * As if its callback had accepted each invalidation in flight over it: it has
 * no SPTEs to tear down yet, and its readers wait for those ends alone.
 */
void pw_record_mark_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	struct pw_extra_record *extra;
	unsigned int i, nr = 0;
	unsigned long bits;

	lockdep_assert_held(&pm->lock);
	for (i = 0; i < pm->nr_recs; i += BITS_PER_LONG) {
		unsigned long *word = &pm->used[i / BITS_PER_LONG];

		for (bits = *word; bits; bits &= bits - 1) {
			struct pw_record *rec = pw_record_nr(pm, i + __ffs(bits));

			mark_record(pm, sub, rec, &nr);
			/* Free: every hole is spoilt, so start sets it again. */
			if (!READ_ONCE(rec->key)) {
				*word &= ~(bits & -bits);
				pm->nr_maybe--;
			}
		}
	}
	list_for_each_entry(extra, &pm->extra, node)
		mark_record(pm, sub, &extra->rec, &nr);
	if (pm->nr_anon && pw_record_overlaps(&pm->coarse, sub)) {
		sub->invalidate_seq = pm->seqs[PW_SLOT_COARSE];
		nr++;
	}
	if (nr > 1)
		sub->state |= PW_SUB_MULTI;
	/* What was found to have ended: its page table changes before our reads. */
	smp_rmb();
}
