/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: slots and sequence values
 */
#ifndef _PW_SLOT_H
#define _PW_SLOT_H

#include "core.h"

static inline unsigned int pw_seq_slot(unsigned long seq)
{
	return seq & (PW_NR_SLOTS - 1);
}

/* Return: a new sequence value for @slot. Caller holds pm->lock. */
static inline unsigned long pw_seq_next(struct pw_mm *pm, unsigned int slot)
{
	unsigned long seq = pm->seq_next;

	if (unlikely(!(seq & PW_SEQ_BLOCK_MASK)))
		seq = pw_mm_seq_block();
	pm->seq_next = seq + PW_NR_SLOTS;
	return seq - PW_SLOT_IDLE + slot;
}

/*
 * Find an invalidation in flight over @sub that holds one of @slots and has a sequence
 * value of at most @limit. Caller holds pm->lock. Return: its slot, or PW_SLOT_NONE.
 */
static inline unsigned int pw_slots_overlap(struct pw_mm *pm,
					    const struct pinwatch_interval_notifier *sub,
					    unsigned long slots, unsigned long limit)
{
	struct pw_record *rec;
	unsigned int slot;

	for (; slots; slots &= slots - 1) {
		slot = __ffs(slots);
		rec = pm->slot_rec[slot];
		if (pm->seqs[slot] <= limit && pw_record_overlaps(rec, sub) &&
		    !pw_sub_rejects(sub, rec->event, rec->owner))
			return slot;
	}
	return PW_SLOT_NONE;
}

/* The slots in use that can have a pw_call. Caller holds pm->lock. */
static inline unsigned long pw_call_slots(const struct pw_mm *pm)
{
	return pm->slots_used & (BIT(PW_NR_CALLS) - 1);
}

/* Give a free slot to the invalidation of @rec, without a pw_call. Caller holds pm->lock. */
static inline void pw_slot_open(struct pw_mm *pm, unsigned int slot, struct pw_record *rec)
{
	pm->slot_rec[slot] = rec;
	pm->slots_used |= BIT(slot);
	/*
	 * Pairs with the acquire of the slot in read_fast(): a reader that sees this
	 * value, and so does not see the old one, must see the page tables after the end
	 * of the previous invalidation in the slot. pm->lock, under which that invalidation
	 * ended, orders them without the release, too (litmus slot-reopened).
	 */
	smp_store_release(&pm->seqs[slot], pw_seq_next(pm, slot));
}

/*
 * Caller holds pm->lock. Return: true if readers may sleep until the slot is closed: a reader
 * sets the bit in ->slots_waited under pm->lock when the reader finds the slot in use, before
 * the reader sleeps.
 */
static inline bool pw_slot_close(struct pw_mm *pm, unsigned int slot)
{
	unsigned long bit = BIT(slot);
	bool waited = pm->slots_waited & bit;

	pm->slots_used &= ~bit;
	if (unlikely(waited))
		pm->slots_waited &= ~bit;
	/*
	 * Pairs with the acquire of the slot in read_fast(): a reader that sees the slot
	 * empty must not see the page tables as they were before the invalidation (litmus
	 * read-begin).
	 */
	smp_store_release(&pm->seqs[slot], 0UL);
	return waited;
}

#endif /* _PW_SLOT_H */
