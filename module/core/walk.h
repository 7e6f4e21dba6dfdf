/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: the walk of an invalidation, and how remove and put take a subscription away
 */
#ifndef _PW_WALK_H
#define _PW_WALK_H

#include "core.h"

/* Do not let INIT_STACK_ALL_ZERO clear the batch in each walk. */
#if defined(__has_attribute) && __has_attribute(__uninitialized__)
#define PW_UNINITIALIZED __attribute__((__uninitialized__))
#else
#define PW_UNINITIALIZED
#endif

/**
 * struct pw_walk - a task that calls the subscriptions that an invalidation overlaps
 * @node: Under pm->lock. On pm->walks.
 * @start: First byte.
 * @last: Last byte.
 * @newest: Subscriptions with a higher gen in their state are skipped: they were inserted
 *	after the walk began, and their insert saw the record of the walk.
 * @class: Index of the class that the walk is in.
 * @cursor: Under pm->lock. The next subscription of @class to visit. remove and put
 *	advance the cursor if it is their subscription. NULL: go on with the next class.
 * @finish: Under pm->lock. The pending second passes, in order.
 * @finish_tail: Under pm->lock. The end of @finish, if @finish is not empty.
 * @finishing: Under pm->lock. The subscription whose second pass runs.
 * @nr: Entries of @batch in use; constant while the batch is called.
 * @cancelled: Under pm->lock, read by the walker without. An entry of @batch has a flag.
 * @plain: No entry of @batch has two passes. Private to the walker.
 * @pos: Index of the entry whose callback runs, unless the entry was cancelled before;
 *	@nr or more: no callback runs. Written by the walker; see walk_call_entry().
 * @batch: Subscriptions to call, | PW_BATCH_* flags. The walker fills the entries;
 *	remove and put set flags. All under pm->lock.
 * @range: What the callbacks are given.
 * @seq: The sequence value that they are given.
 */
struct pw_walk {
	struct hlist_node node;
	unsigned long start;
	unsigned long last;
	u64 newest;
	unsigned long seq;
	const struct mmu_notifier_range *range;
	struct pinwatch_interval_notifier *cursor;
	struct llist_node *finish;
	struct llist_node **finish_tail;
	struct pinwatch_interval_notifier *finishing;
	unsigned int class;
	unsigned int nr;
	unsigned int pos;
	bool cancelled;
	bool plain;
	unsigned long batch[PW_WALK_BATCH];
};

/* walk.c */
void pw_walk(struct pw_mm *pm, const struct mmu_notifier_range *range,
	     struct interval_tree_node *first, unsigned long seq)
	__releases(&pm->lock);
void pw_walk_note_multi(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			unsigned long others);
void pw_walk_complain(const struct pinwatch_interval_notifier *sub,
		      const struct mmu_notifier_range *range);
void pw_walk_trace(const struct mmu_notifier_range *range, u64 callbacks);
bool pw_walk_has_sleeper(struct pw_mm *pm, const struct mmu_notifier_range *range);

/* walk_cancel.c */
void pw_walk_attend(struct pw_mm *pm, unsigned long *slot, unsigned long entry);
bool pw_walks_hold(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
bool pw_walk_cancel(struct pw_mm *pm, struct pinwatch_interval_notifier *sub, bool put);
bool pw_walk_running(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);

/* Return: the next subscription of the class that the walk overlaps, or NULL. */
static __always_inline struct pinwatch_interval_notifier *
pw_walk_next(const struct pw_walk *walk, struct pinwatch_interval_notifier *sub)
{
	return pw_sub(pw_tree_following(&sub->interval_tree, walk->start, walk->last));
}

/*
 * The callback of a batch entry has returned, and its position is stored. If remove or put has
 * found the callback running, wake or free.
 */
static inline void pw_walk_look(struct pw_mm *pm, unsigned long *slot)
{
	unsigned long entry;

	/*
	 * Pairs with the smp_mb() in batch_cancel(): it cannot happen that remove
	 * or put sees the old ->pos and this walk sees the old entry. Also pairs with
	 * the barrier in wait_var_event() of remove_wait(): it cannot happen that
	 * remove sees the old ->pos and wake_up_var() sees no waiter (litmus cancel-entry,
	 * remove-wake).
	 */
	smp_mb();
	entry = READ_ONCE(*slot);
	if (unlikely(entry & PW_BATCH_FLAGS))
		pw_walk_attend(pm, slot, entry);
}

#ifdef CONFIG_LOCKDEP
extern struct lockdep_map pw_invalidate_map;
#endif

#endif /* _PW_WALK_H */
