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
 *   [Required: start sees the new gen, or insert sees the key. So either the
 *    walk finds the subscription or insert marks it, or both.]
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

static void record_init(struct pw_record *rec, unsigned long key,
			unsigned long start, unsigned long last)
{
	rec->start = start;
	rec->last = last;
	rec->slot = PW_SLOT_NONE;
	WRITE_ONCE(rec->key, key | PW_KEY_SLOW);
}

/* The next sequence value of @slot. */
unsigned long pw_seq_next(struct pw_mm *pm, unsigned int slot)
{
	if (unlikely(pm->seq_next == pm->seq_end))
		pm->seq_next = pw_mm_seq_block(&pm->seq_end);
	return PW_SEQ_BIT | pm->seq_next++ << PW_SEQ_SLOT_BITS | slot;
}

static void slot_open(struct pw_mm *pm, unsigned int slot, struct pw_record *rec)
{
	pm->slot_rec[slot] = rec;
	pm->slots_used |= BIT(slot);
	WRITE_ONCE(pm->seqs[slot], pw_seq_next(pm, slot));
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
	slot_open(pm, PW_SLOT_COARSE, &pm->coarse);
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
 * @key: The address of the range.
 * @start: First byte.
 * @last: Last byte.
 *
 * Return: the record, in flight; %NULL when there is no memory for one: then it
 * is counted in the coarse slot.
 */
struct pw_record *pw_record_claim(struct pw_mm *pm, unsigned long key,
				  unsigned long start, unsigned long last)
{
	struct pw_extra_record *extra = extra_get(pm);

	lockdep_assert_held(&pm->lock);
	if (!extra) {
		pm->nr_anon++;
		coarse_get(pm, start, last);
		return NULL;
	}
	record_init(&extra->rec, key, start, last);
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
 * An address that starts again has ended; nothing else can be true of it.
 */
void pw_record_reclaim(struct pw_mm *pm, unsigned long key, struct pw_record *but)
{
	struct pw_extra_record *extra;
	struct pw_record *rec;
	unsigned long bits;
	unsigned int i;

	lockdep_assert_held(&pm->lock);
	for (i = 0; i < pm->nr_recs; i += BITS_PER_LONG) {
		for (bits = pm->used[i / BITS_PER_LONG]; bits; bits &= bits - 1) {
			rec = pw_record_nr(pm, i + __ffs(bits));
			if (unlikely((READ_ONCE(rec->key) & ~PW_KEY_SLOW) == key) &&
			    rec != but)
				return pw_record_release(pm, rec);
		}
	}
	list_for_each_entry(extra, &pm->extra, node)
		if (&extra->rec != but && (extra->rec.key & ~PW_KEY_SLOW) == key)
			return pw_record_release(pm, &extra->rec);
}

/**
 * pw_record_slot() - a record's sequence value, given it now if it has none
 * @pm: The mm.
 * @rec: With PW_KEY_SLOW set; %NULL: one that is counted in the coarse slot only.
 */
unsigned long pw_record_slot(struct pw_mm *pm, struct pw_record *rec)
{
	unsigned long avail = ~pm->slots_used & (BIT(PW_NR_OWN_SLOTS) - 1);

	lockdep_assert_held(&pm->lock);
	if (!rec)
		return pm->seqs[PW_SLOT_COARSE];
	if (rec->slot == PW_SLOT_NONE) {
		if (avail) {
			rec->slot = __ffs(avail);
			slot_open(pm, rec->slot, rec);
		} else {
			rec->slot = PW_SLOT_COARSE;
			coarse_get(pm, rec->start, rec->last);
		}
	}
	return pm->seqs[rec->slot];
}

/* @rec is in flight over @sub, which was linked just now. */
static void mark_record(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			struct pw_record *rec, unsigned int *nr)
{
	unsigned long key = READ_ONCE(rec->key);

	if (!key || !pw_record_overlaps(rec, sub))
		return;
	if (!(key & PW_KEY_SLOW) &&
	    cmpxchg(&rec->key, key, key | PW_KEY_SLOW) != key)
		return;		/* it has ended */
	/* With SLOW set its end needs the lock: the bounds hold still. */
	if (!pw_record_overlaps(rec, sub))
		return;
	sub->invalidate_seq = pw_record_slot(pm, rec);
	++*nr;
}

/**
 * pw_record_mark_insert() - put a new subscription under what is in flight
 * @pm: The mm; its gen was advanced after @sub was linked.
 * @sub: Linked just now; gets its first sequence value.
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
	sub->flags = 0;
	sub->invalidate_seq = pw_seq_next(pm, PW_SLOT_IDLE);

	for (i = 0; i < pm->nr_recs; i += BITS_PER_LONG) {
		unsigned long *word = &pm->used[i / BITS_PER_LONG];

		for (bits = *word; bits; bits &= bits - 1) {
			struct pw_record *rec = pw_record_nr(pm, i + __ffs(bits));

			mark_record(pm, sub, rec, &nr);
			/* Free: every hole is spoilt, so start sets it again. */
			if (!READ_ONCE(rec->key))
				*word &= ~(bits & -bits);
		}
	}
	list_for_each_entry(extra, &pm->extra, node)
		mark_record(pm, sub, &extra->rec, &nr);
	if (pm->nr_anon && pw_record_overlaps(&pm->coarse, sub)) {
		sub->invalidate_seq = pm->seqs[PW_SLOT_COARSE];
		nr++;
	}
	if (nr > 1)
		sub->flags = PW_SUB_MULTI;
}
