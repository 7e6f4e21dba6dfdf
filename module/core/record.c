// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: invalidations in flight
 *
 * Every start is recorded, even if it overlaps no subscription: a subscription that is
 * inserted before the end has to wait for the end. Most starts use a record of their CPU
 * in pm->recs, without the lock:
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
 *   [Required: start sees the new gen, or insert sees the key and then the bounds,
 *    which insert reads after the key. So the walk finds
 *    the subscription or insert marks it; and the walk skips what insert has
 *    marked, but not in a shared slot: see slot_newest. Litmus start-insert.]
 *
 * So insert reads a word of each record that was used since the last insert: the bit of each
 * of them in pm->used was set by a start that took the lock. insert cannot read less. A start
 * without the lock writes its own record only, because a word that the starts of several CPUs
 * write would move between these CPUs at each start and end. So only the record itself tells
 * whether its start is in flight.
 *
 * A record belongs to its CPU only while start takes it. The task may sleep and move to
 * another CPU before the end. The end releases the record with cmpxchg(->key, range, 0).
 * The cmpxchg fails iff insert or the walk has given the record a slot: then the end
 * takes the lock. Only the end clears the key of a record.
 *
 * The key is the address of the mmu_notifier_range on the stack of the task that
 * invalidates: no two ranges in flight have the same address. No kernel that the module
 * builds for loses the end of a registered notifier of a living mm. After release, ends do
 * not come, and ->dead ends all waits.
 */
#include <linux/bitops.h>
#include <linux/mmu_notifier.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/sched.h>
#include "core.h"
#include "slot.h"

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

static void slot_open(struct pw_mm *pm, unsigned int slot, struct pw_record *rec,
		      u64 newest)
{
	pm->slot_newest[slot] = newest;
	if (slot < PW_NR_CALLS)
		pm->calls[slot].entry = 0;
	pw_slot_open(pm, slot, rec);
}

/*
 * A slot is left and joined in turn with the other one: when the other slot is empty, new
 * invalidations join the other slot. So no invalidation joins a slot any more from the end
 * of the last invalidation in the other slot on, and a reader waits for two such periods at
 * most. Otherwise invalidations that overlap each other in time could keep one slot in use
 * for ever.
 */
static unsigned int shared_choose(struct pw_mm *pm)
{
	if (pm->shared[pm->join].nr && !pm->shared[!pm->join].nr)
		pm->join = !pm->join;
	return PW_SLOT_SHARED + pm->join;
}

/* ->rec.event is PW_EVENT_ANY. */
static void shared_get(struct pw_mm *pm, unsigned int slot, unsigned long start,
		       unsigned long last)
{
	struct pw_shared *shared = &pm->shared[slot - PW_SLOT_SHARED];

	pw_stat_inc(overflows);
	if (shared->nr++) {
		shared->rec.start = min(shared->rec.start, start);
		shared->rec.last = max(shared->rec.last, last);
		return;
	}
	shared->rec.start = start;
	shared->rec.last = last;
	/* Callbacks may store the value again: see wait_multi(). */
	slot_open(pm, slot, &shared->rec, U64_MAX >> PW_SUB_STAMP_SHIFT);
}

/* Return: the slot that was closed and has readers to wake, or PW_SLOT_NONE. */
static unsigned int slot_put(struct pw_mm *pm, unsigned int slot)
{
	if (slot == PW_SLOT_NONE ||
	    (slot >= PW_SLOT_SHARED && --pm->shared[slot - PW_SLOT_SHARED].nr))
		return PW_SLOT_NONE;
	return pw_slot_close(pm, slot) ? slot : PW_SLOT_NONE;
}

static struct pw_extra_record *extra_get(struct pw_mm *pm)
{
	struct pw_extra_record *extra;

	extra = list_first_entry_or_null(&pm->spare, struct pw_extra_record, node);
	if (extra) {
		list_del(&extra->node);
		return extra;
	}
	/* The caller may be in memory reclaim: do not use the reserves. */
	extra = kmalloc(sizeof(*extra), GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN);
	if (extra)
		extra->allocated = true;
	return extra;
}

static struct pw_extra_record *extra_of(struct rb_node *rb)
{
	return rb_entry(rb, struct pw_extra_record, by_key);
}

static void extra_link(struct pw_mm *pm, struct pw_extra_record *extra)
{
	struct rb_node **link = &pm->extra_keys.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = extra->rec.key < extra_of(parent)->rec.key ? &parent->rb_left :
								    &parent->rb_right;
	}
	rb_link_node(&extra->by_key, parent, link);
	rb_insert_color(&extra->by_key, &pm->extra_keys);
	list_add(&extra->node, &pm->extra);
}

/**
 * pw_record_claim() - record a start when both records of the CPU are in use
 * @pm: The mm.
 * @range: The range that starts.
 *
 * Context: under pm->lock.
 * Return: the record, in flight; %NULL if there is no memory for a record: the
 * invalidation is then counted in PW_SLOT_ANON.
 */
struct pw_record *pw_record_claim(struct pw_mm *pm,
				  const struct mmu_notifier_range *range)
{
	struct pw_extra_record *extra = extra_get(pm);

	lockdep_assert_held(&pm->lock);
	pm->nr_maybe++;
	if (!extra) {
		shared_get(pm, PW_SLOT_ANON, range->start, range->end - 1);
		return NULL;
	}
	record_init(&extra->rec, range);
	extra_link(pm, extra);
	return &extra->rec;
}

/**
 * pw_record_find() - find the record of a CPU for an invalidation
 * @pm: The mm.
 * @key: The address of the range. The caller is the end of the range.
 *
 * Reads pm->used without the lock, because the search is as long as the machine has CPUs.
 * The bit of the record was set before start returned, and insert does not clear the bit
 * as long as the key is set: see pw_mm.used (litmus end-finds-record, record-used).
 *
 * Context: any.
 * Return: the record; %NULL if the invalidation has no record of a CPU.
 */
struct pw_record *pw_record_find(struct pw_mm *pm, unsigned long key)
{
	struct pw_record *rec;
	unsigned long bits;
	unsigned int i;

	for (i = 0; i < pm->nr_recs; i += BITS_PER_LONG) {
		bits = READ_ONCE(pm->used[i / BITS_PER_LONG]);
		for (; bits; bits &= bits - 1) {
			rec = pw_record_nr(pm, i + __ffs(bits));
			if ((READ_ONCE(rec->key) & ~PW_KEY_SLOW) == key)
				return rec;
		}
	}
	return NULL;
}

/**
 * pw_record_find_extra() - find the record of no CPU for an invalidation
 * @pm: The mm.
 * @key: The address of the range.
 *
 * Context: under pm->lock.
 * Return: the record, or %NULL.
 */
struct pw_record *pw_record_find_extra(struct pw_mm *pm, unsigned long key)
{
	struct rb_node *rb = pm->extra_keys.rb_node;

	lockdep_assert_held(&pm->lock);
	key |= PW_KEY_SLOW;
	while (rb && extra_of(rb)->rec.key != key)
		rb = key < extra_of(rb)->rec.key ? rb->rb_left : rb->rb_right;
	return rb ? &extra_of(rb)->rec : NULL;
}

/**
 * pw_slot_wake() - wake the readers of a slot whose value has changed
 * @pm: The mm.
 * @slot: The slot, or PW_SLOT_NONE.
 *
 * Context: without pm->lock. Does not sleep.
 */
void pw_slot_wake(struct pw_mm *pm, unsigned int slot)
{
	if (slot == PW_SLOT_NONE)
		return;
	/*
	 * Pairs with the barrier in wait_var_event() of read_begin: it cannot happen that the
	 * reader sees the slot in use and wake_up_var() sees no reader (litmus slot-wake).
	 */
	smp_mb();
	wake_up_var(&pm->seqs[slot]);
}

static void extra_put(struct pw_mm *pm, struct pw_extra_record *extra)
{
	rb_erase(&extra->by_key, &pm->extra_keys);
	list_del(&extra->node);
	pm->nr_maybe--;
	if (extra->allocated)
		kfree(extra);
	else
		list_add(&extra->node, &pm->spare);
}

/**
 * pw_record_release() - end an invalidation
 * @pm: The mm.
 * @rec: The record, with PW_KEY_SLOW set; %NULL: the invalidation has no record and is
 *	counted in PW_SLOT_ANON.
 *
 * Context: under pm->lock.
 * Return: the slot that is free now, whose readers the caller has to wake after dropping
 * the lock; PW_SLOT_NONE: none.
 */
unsigned int pw_record_release(struct pw_mm *pm, struct pw_record *rec)
{
	unsigned int slot;

	lockdep_assert_held(&pm->lock);
	if (!rec) {
		pm->nr_maybe--;
		return slot_put(pm, PW_SLOT_ANON);
	}

	slot = slot_put(pm, rec->slot);
	rec->slot = PW_SLOT_NONE;
	/*
	 * Pairs with the acquire of ->key in mn_invalidate_range_start(): the next owner
	 * must not write the record before the stores and reads above are done, and those
	 * of this owner without the lock (litmus record-reused).
	 */
	smp_store_release(&rec->key, 0UL);
	if (record_is_extra(pm, rec))
		extra_put(pm, extra_record(rec));
	return slot;
}

/**
 * pw_record_slot() - return the sequence value of a record, and assign a slot if needed
 * @pm: The mm.
 * @rec: The record, with PW_KEY_SLOW set; %NULL: the invalidation has no record and is
 *	counted in PW_SLOT_ANON.
 * @newest: If @rec has no slot: the gen of the newest subscription that the walk calls.
 *
 * Context: under pm->lock.
 * Return: the sequence value.
 */
unsigned long pw_record_slot(struct pw_mm *pm, struct pw_record *rec, u64 newest)
{
	unsigned long avail = ~pm->slots_used & (BIT(PW_NR_OWN_SLOTS) - 1);

	lockdep_assert_held(&pm->lock);
	if (!rec)
		return pm->seqs[PW_SLOT_ANON];
	if (rec->slot == PW_SLOT_NONE) {
		if (avail) {
			rec->slot = __ffs(avail);
			slot_open(pm, rec->slot, rec, newest);
		} else {
			rec->slot = shared_choose(pm);
			shared_get(pm, rec->slot, rec->start, rec->last);
		}
	}
	return pm->seqs[rec->slot];
}

/**
 * pw_record_use() - make insert look at a record of a CPU
 * @pm: The mm.
 * @rec: A record in pm->recs, with its key set.
 *
 * Context: under pm->lock.
 */
void pw_record_use(struct pw_mm *pm, struct pw_record *rec)
{
	unsigned int i = rec - pw_record_nr(pm, 0);
	unsigned long *word = &pm->used[i / BITS_PER_LONG];

	lockdep_assert_held(&pm->lock);
	if (*word & BIT(i % BITS_PER_LONG))
		return;
	WRITE_ONCE(*word, *word | BIT(i % BITS_PER_LONG));
	pm->nr_maybe++;
}

/* If @rec is in flight over the new @sub, store the value of @rec in @sub. */
static void mark_record(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			struct pw_record *rec, unsigned int *nr)
{
	unsigned long key = READ_ONCE(rec->key);

	if (!key || !pw_record_overlaps(rec, sub))
		return;
	/*
	 * Full barrier on success. Pairs with the xchg in mn_invalidate_range_start(): the
	 * bounds below are those of the owner of the key (litmus mark-bounds).
	 */
	if (!(key & PW_KEY_SLOW) &&
	    cmpxchg(&rec->key, key, key | PW_KEY_SLOW) != key)
		return;		/* @rec has ended */
	/* With SLOW set, the end needs the lock: the record cannot change now. */
	if (!pw_record_overlaps(rec, sub) ||
	    pw_sub_rejects(sub, rec->event, rec->owner))
		return;
	sub->invalidate_seq = pw_record_slot(pm, rec, pm->gen - 1);
	++*nr;
}

/*
 * As mark_record(), for the records of the word of pm->used that begins with bit @first. The
 * first loop is the cost of insert on a machine with many CPUs. Most records are free, so the
 * loop only reads: the CPU asks for many cache lines at a time.
 */
static void mark_records(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			 unsigned int first, unsigned int *nr)
{
	unsigned long *word = &pm->used[first / BITS_PER_LONG], bits, free = 0;
	struct pw_record *recs = pw_record_nr(pm, first);

	for (bits = *word; bits; bits &= bits - 1)
		if (likely(!READ_ONCE(recs[__ffs(bits)].key)))
			free |= bits & -bits;
	/* All holes are stale: the next start of a free record sets its bit again. */
	WRITE_ONCE(*word, *word & ~free);
	pm->nr_maybe -= hweight_long(free);
	for (bits = *word; bits; bits &= bits - 1)
		mark_record(pm, sub, &recs[__ffs(bits)], nr);
}

/**
 * pw_record_mark_insert() - mark a new subscription under all invalidations in flight
 * @pm: The mm. gen was advanced after @sub was linked.
 * @sub: The new subscription. Its value is not in flight.
 *
 * Has the effect of a callback that accepts each invalidation in flight over @sub. The
 * callback itself is not needed: @sub has no SPTEs yet.
 *
 * Context: under pm->lock.
 */
void pw_record_mark_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	struct pw_extra_record *extra;
	unsigned int i, nr = 0;

	lockdep_assert_held(&pm->lock);
	for (i = 0; i < pm->nr_recs; i += BITS_PER_LONG)
		if (pm->used[i / BITS_PER_LONG])
			mark_records(pm, sub, i, &nr);
	list_for_each_entry(extra, &pm->extra, node)
		mark_record(pm, sub, &extra->rec, &nr);
	if (pw_nr_anon(pm) && pw_record_overlaps(&pm->shared[PW_SHARED_ANON].rec, sub)) {
		sub->invalidate_seq = pm->seqs[PW_SLOT_ANON];
		nr++;
	}
	if (nr > 1)
		sub->state |= PW_SUB_MULTI;
	/*
	 * Pairs with the release or cmpxchg that ended a record which this function saw free,
	 * or saw with the bounds of its next owner: a later read section must not see the
	 * page tables as they were before (litmus insert-after-end, record-retaken).
	 */
	smp_rmb();
}
