// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: how remove and put take a subscription away from the walks
 *
 * A walk holds no references to subscriptions. Instead remove and put, which take the lock,
 * make each walk drop the subscription. The pw_call of an invalidation that has no walk counts
 * as a batch of one entry.
 *
 *   the subscription is		remove and put
 *   the cursor of the walk		move the cursor to the next overlap
 *   in the batch, not called yet	clear the entry
 *   being called, or its second	remove: sleep until that callback returns
 *   pass is pending			put: leave the freeing to the walk
 *
 * So remove never waits for the callback of another subscription, unless a second pass of
 * its own is pending, which comes after those. The walk does not look at a subscription
 * after its entry was cleared.
 */
#include <linux/llist.h>
#include <linux/wait_bit.h>
#include "core.h"
#include "slot.h"
#include "walk.h"

/* More second passes than the state of @sub can count were pending at a time. */
static noinline bool finish_search(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	struct llist_node *link;
	struct pw_walk *walk;

	hlist_for_each_entry(walk, &pm->walks, node) {
		if (walk->finishing == sub)
			return true;
		for (link = walk->finish; link; link = link->next)
			if (llist_entry(link, struct pinwatch_interval_notifier_finish,
					link)->notifier == sub)
				return true;
	}
	return false;
}

/* Does a second pass of @sub run, or is one pending? Caller holds pm->lock. */
static bool finish_pending(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	u64 finishes = sub->state & PW_SUB_FINISHES;

	return finishes == PW_SUB_FINISHES ? finish_search(pm, sub) : finishes;
}

/* Does one of @nr callbacks belong to @sub, and does it run? Caller holds pm->lock. */
static bool batch_holds(const unsigned long *batch, unsigned int nr, const unsigned int *pos,
			const struct pinwatch_interval_notifier *sub)
{
	unsigned long entry;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		entry = READ_ONCE(batch[i]);
		if ((entry & ~PW_BATCH_FLAGS) != (unsigned long)sub)
			continue;
		/*
		 * Pairs with the release in walk_call_entry(): if the walk has gone on, @sub
		 * must not be freed before the stores of its callback (litmus callback-freed,
		 * plain-callback-freed).
		 */
		if (smp_load_acquire(pos) == i || entry & PW_BATCH_PUT)
			return true;
	}
	return false;
}

/**
 * pw_walks_hold() - pw_walk_running() for a caller that holds the lock
 * @pm: The mm.
 * @sub: After pw_walk_cancel(), which clears the address of entries that are not running.
 *
 * Context: under pm->lock.
 * Return: true if a callback of @sub runs, or its second pass is pending.
 */
bool pw_walks_hold(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	unsigned long slots = pw_call_slots(pm);
	struct pw_walk *walk;

	if (finish_pending(pm, sub))
		return true;
	for (; slots; slots &= slots - 1) {
		struct pw_call *call = &pm->calls[__ffs(slots)];

		if (batch_holds(&call->entry, 1, &call->pos, sub))
			return true;
	}
	hlist_for_each_entry(walk, &pm->walks, node)
		if (batch_holds(walk->batch, walk->nr, &walk->pos, sub))
			return true;
	return false;
}

/*
 * The callback of an entry has returned, and put came while the callback ran. Drop the
 * entry, and free the subscription if no other walk holds it.
 */
static void walk_let_go(struct pw_mm *pm, unsigned long *entry)
{
	struct pinwatch_interval_notifier *sub;
	bool last = false;

	spin_lock(&pm->lock);
	/* If PUT is not set, put has seen ->pos move, and frees. */
	if (*entry & PW_BATCH_PUT) {
		sub = (void *)(*entry & ~PW_BATCH_FLAGS);
		WRITE_ONCE(*entry, PW_BATCH_CANCELLED);
		pm->nr_waiters--;
		last = !pw_walks_hold(pm, sub);
	}
	spin_unlock(&pm->lock);
	if (last)
		pw_sub_free(pm, sub);
}

/*
 * The entry at @slot, with the value @entry, was cancelled. If the entry contains the address
 * of the subscription, remove or put may have found the callback running. The subscription
 * may be freed: its address only names the wait.
 */
void pw_walk_attend(struct pw_mm *pm, unsigned long *slot, unsigned long entry)
{
	if (entry & PW_BATCH_PUT)
		walk_let_go(pm, slot);
	else if (entry & ~PW_BATCH_FLAGS)
		wake_up_var((void *)(entry & ~PW_BATCH_FLAGS));
}

/* Flag the entries of @sub among @nr callbacks. Caller holds pm->lock. */
static void batch_cancel(struct pw_mm *pm, unsigned long *batch, unsigned int nr,
			 const unsigned int *pos, bool *cancelled,
			 struct pinwatch_interval_notifier *sub, bool put)
{
	unsigned long entry = (unsigned long)sub | PW_BATCH_CANCELLED;
	unsigned int i, running;

	if (put)
		entry |= PW_BATCH_PUT;
	for (i = 0; i < nr; i++) {
		if (batch[i] != (unsigned long)sub)
			continue;
		WRITE_ONCE(batch[i], entry);
		WRITE_ONCE(*cancelled, true);
		/*
		 * Pairs with the smp_mb() in pw_walk_look() and the xchg() in walk_call_plain():
		 * it cannot happen that the walk calls the entry and this task sees the old
		 * ->pos (litmus cancel-entry, cancel-plain).
		 */
		smp_mb();
		/*
		 * Pairs with the release of ->pos in walk_call_entry() (litmus callback-freed,
		 * plain-callback-freed). Read once.
		 */
		running = smp_load_acquire(pos);
		/* Clear the address: a new subscription may reuse the memory. */
		if (running != i)
			WRITE_ONCE(batch[i], PW_BATCH_CANCELLED);
		else
			pm->nr_waiters += put;
	}
}

/**
 * pw_walk_cancel() - make every walk drop a subscription
 * @pm: The mm.
 * @sub: The subscription, still linked.
 * @put: If a callback of @sub runs, let the walk free @sub.
 *
 * Context: under pm->lock.
 * Return: true if a callback of @sub runs, or its second pass is pending.
 */
bool pw_walk_cancel(struct pw_mm *pm, struct pinwatch_interval_notifier *sub, bool put)
{
	unsigned long slots = pw_call_slots(pm);
	struct pw_walk *walk;

	lockdep_assert_held(&pm->lock);
	for (; slots; slots &= slots - 1) {
		struct pw_call *call = &pm->calls[__ffs(slots)];
		bool unused;

		batch_cancel(pm, &call->entry, 1, &call->pos, &unused, sub, put);
	}
	hlist_for_each_entry(walk, &pm->walks, node) {
		if (walk->cursor == sub)
			walk->cursor = pw_walk_next(walk, sub);
		batch_cancel(pm, walk->batch, walk->nr, &walk->pos, &walk->cancelled, sub, put);
	}
	return pw_walks_hold(pm, sub);
}

/**
 * pw_walk_running() - does a callback of a subscription run, or is one pending?
 * @pm: The mm.
 * @sub: No longer linked, after pw_walk_cancel().
 *
 * Context: process context; takes pm->lock.
 * Return: true if a callback of @sub runs, or its second pass is pending.
 */
bool pw_walk_running(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	bool running;

	spin_lock(&pm->lock);
	running = pw_walks_hold(pm, sub);
	spin_unlock(&pm->lock);
	return running;
}
