// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: calling the subscriptions that an invalidation overlaps
 *
 * A walk calls in batches, because a callback may sleep and takes locks of its driver,
 * and pm->lock is a leaf. The struct pw_walk is on the stack of its task and on
 * pm->walks. A walk holds no references to subscriptions. Instead remove and put, which
 * take the lock, make each walk drop the subscription:
 *
 *   the subscription is		remove and put
 *   the cursor of the walk		move the cursor to the next overlap
 *   in the batch, not called yet	clear the entry
 *   being called, or its second	remove: sleep until that callback returns
 *   pass is pending			put: leave the freeing to the walk
 *
 * So remove never waits for the callback of another subscription. The walk does not
 * look at a subscription after its entry was cleared.
 *
 * A walk skips subscriptions that were inserted after the walk began: insert saw the
 * record of the walk and marked them. So a walk ends even if inserts never do.
 */
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include "core.h"
#include "trace.h"

#ifdef CONFIG_LOCKDEP
static struct lock_class_key invalidate_key;
struct lockdep_map pw_invalidate_map =
	STATIC_LOCKDEP_MAP_INIT("pinwatch_invalidate", &invalidate_key);
#endif

/* Return: the first subscription of class @class that the walk overlaps, or NULL. */
static struct pinwatch_interval_notifier *
walk_first(struct pw_mm *pm, const struct pw_walk *walk, unsigned int class)
{
	struct pw_class *c = &pm->classes[class];

	if (class && pw_filter_rejects(c->owner, c->ignore_events,
				       walk->range->event, pw_range_owner(walk->range)))
		return NULL;
	return pw_sub(pw_tree_first(&c->tree, walk->start, walk->last));
}

static struct pinwatch_interval_notifier *
walk_next(const struct pw_walk *walk, struct pinwatch_interval_notifier *sub)
{
	return pw_sub(pw_tree_next(&sub->interval_tree, walk->start, walk->last));
}

/*
 * Return: the number of leading classes that the walk visits. A subscription that may sleep is
 * not called for a non-blockable range: its readers still wait for the veto, see veto.c.
 */
static unsigned int walk_nr_classes(const struct pw_mm *pm, const struct pw_walk *walk)
{
	if (mmu_notifier_range_blockable(walk->range))
		return pm->nr_classes;
	return min_t(unsigned int, pm->nr_classes, PW_CLASS_SLEEPS);
}

static bool walk_done(const struct pw_mm *pm, const struct pw_walk *walk)
{
	return !walk->cursor && walk->class + 1 >= walk_nr_classes(pm, walk);
}

/* A subscription whose filter found no free class is in the class without a filter. */
static noinline bool sub_declines(const struct pinwatch_interval_notifier *sub,
				  const struct mmu_notifier_range *range)
{
	return pw_sub_rejects(sub, range->event, pw_range_owner(range));
}

/*
 * If another invalidation is in flight over @sub, set PW_SUB_MULTI: @sub can hold the
 * value of only one of them. The flag is set before the callback can store the second
 * value, and is cleared only when no invalidation is in flight over @sub.
 */
static noinline void sub_note_multi(struct pw_mm *pm,
				    struct pinwatch_interval_notifier *sub,
				    unsigned long others)
{
	if (pm->dead || pw_slots_overlap(pm, sub, others, ULONG_MAX) != PW_SLOT_NONE)
		WRITE_ONCE(sub->state, sub->state | PW_SUB_MULTI);
}

/*
 * Fill the next batch. Caller holds pm->lock, and drops the lock afterwards even if the batch
 * is empty: any number of subscriptions can be newer than the walk, or decline.
 */
static void walk_fill(struct pw_mm *pm, struct pw_walk *walk)
{
	unsigned long others = pm->slots_used & ~BIT(pw_seq_slot(walk->seq));
	bool alone = !others && !pm->dead;
	struct pinwatch_interval_notifier *sub = walk->cursor;
	unsigned int nr_classes = walk_nr_classes(pm, walk);
	unsigned int nr = 0, left = PW_WALK_SKIPS;

	for (;;) {
		while (unlikely(!sub) && walk->class + 1 < nr_classes)
			sub = walk_first(pm, walk, ++walk->class);
		if (!sub || nr == PW_WALK_BATCH || unlikely(!left))
			break;
		if (likely(sub->state <= walk->newest) &&
		    (likely(!(sub->state & PW_SUB_FILTERED)) ||
		     !sub_declines(sub, walk->range))) {
			if (unlikely(!alone))
				sub_note_multi(pm, sub, others);
			walk->batch[nr++] = (unsigned long)sub;
		} else {
			left--;
		}
		sub = walk_next(walk, sub);
	}
	walk->cursor = sub;
	walk->nr = nr;
	WRITE_ONCE(walk->pos, 0);
}

/*
 * Count a second pass of @sub. A subscription that reaches the maximum stays there, and
 * finish_pending() searches the lists for it. Caller holds pm->lock.
 */
static void sub_count_finish(struct pinwatch_interval_notifier *sub, u64 one)
{
	if ((sub->state & PW_SUB_FINISHES) != PW_SUB_FINISHES)
		WRITE_ONCE(sub->state, sub->state + one);
}

/* More second passes than the state of @sub can count were pending at a time. */
static noinline bool finish_search(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	struct llist_node *link;
	struct pw_walk *walk;

	list_for_each_entry(walk, &pm->walks, node) {
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

/*
 * Does a callback of @sub run, or is a second pass pending? Caller holds pm->lock, and
 * has called pw_walk_cancel(), which clears the address of entries that are not running.
 */
static bool walks_hold(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	struct pw_walk *walk;
	unsigned long entry;
	unsigned int i;

	if (finish_pending(pm, sub))
		return true;
	list_for_each_entry(walk, &pm->walks, node) {
		for (i = 0; i < walk->nr; i++) {
			entry = READ_ONCE(walk->batch[i]);
			if ((entry & ~PW_BATCH_FLAGS) != (unsigned long)sub)
				continue;
			/*
			 * Pairs with the release in walk_call(): if the walk has gone
			 * on, @sub must not be freed before the stores of its callback.
			 */
			if (smp_load_acquire(&walk->pos) == i || entry & PW_BATCH_PUT)
				return true;
		}
	}
	return false;
}

/*
 * The callback of entry @i has returned, and put came while the callback ran. Drop the
 * entry, and free the subscription if no other walk holds it.
 */
static void walk_let_go(struct pw_mm *pm, struct pw_walk *walk, unsigned int i)
{
	struct pinwatch_interval_notifier *sub;
	bool last = false;

	spin_lock(&pm->lock);
	/* If PUT is not set, put has seen ->pos move, and frees. */
	if (walk->batch[i] & PW_BATCH_PUT) {
		sub = (void *)(walk->batch[i] & ~PW_BATCH_FLAGS);
		walk->batch[i] = PW_BATCH_CANCELLED;
		pm->nr_waiters--;
		last = !walks_hold(pm, sub);
	}
	spin_unlock(&pm->lock);
	if (last)
		pw_sub_free(pm, sub);
}

/*
 * The entry @i, with the value @entry, was cancelled. If the entry contains the address of
 * the subscription, remove or put may have found the callback running. The subscription
 * may be freed: its address only names the wait.
 */
static noinline void walk_attend(struct pw_mm *pm, struct pw_walk *walk, unsigned int i,
				 unsigned long entry)
{
	if (entry & PW_BATCH_PUT)
		walk_let_go(pm, walk, i);
	else if (entry & ~PW_BATCH_FLAGS)
		wake_up_var((void *)(entry & ~PW_BATCH_FLAGS));
}

/* Queue a second pass. From now on, remove waits for @finish. */
static noinline void walk_add_finish(struct pw_mm *pm, struct pw_walk *walk,
				     struct pinwatch_interval_notifier *sub,
				     struct pinwatch_interval_notifier_finish *finish)
{
	finish->notifier = sub;
	finish->link.next = NULL;
	spin_lock(&pm->lock);
	*walk->finish_tail = &finish->link;
	walk->finish_tail = &finish->link.next;
	sub_count_finish(sub, PW_SUB_ONE_FINISH);
	spin_unlock(&pm->lock);
}

static noinline bool sub_invalidate_start(struct pw_mm *pm, struct pw_walk *walk,
					  struct pinwatch_interval_notifier *sub)
{
	struct pinwatch_interval_notifier_finish *finish = NULL;
	bool ret;

	ret = sub->ops->invalidate_start(sub, walk->range, walk->seq, &finish);
	if (ret && finish)
		walk_add_finish(pm, walk, sub, finish);
	return ret;
}

static noinline void complain(const struct pinwatch_interval_notifier *sub,
			      const struct mmu_notifier_range *range)
{
	pr_warn_once("pinwatch: %ps: invalidation of a %sblockable range returned false\n",
		     sub->ops->invalidate ? (void *)sub->ops->invalidate :
					    (void *)sub->ops->invalidate_start,
		     mmu_notifier_range_blockable(range) ? "" : "non-");
}

/*
 *   walker, without the lock		remove, under pm->lock
 *
 *   pos = i				batch[i] |= CANCELLED
 *   smp_mb()				smp_mb()
 *   batch[i] cancelled?		pos == i?
 *     no: call back			  yes: wait until it is not
 *   pos = i + 1
 *   smp_mb()
 *   batch[i] cancelled?
 *     yes: wake the waiter
 *
 *   [Required: one of them sees the other, both times. So the callback does not begin, or
 *    remove waits for its return; and the walk wakes remove, or remove does not wait.]
 */
static void walk_call(struct pw_mm *pm, struct pw_walk *walk)
{
	unsigned int i = 0;

	lock_map_acquire(&pw_invalidate_map);
	while (i < walk->nr) {
		unsigned long entry = READ_ONCE(walk->batch[i]);
		struct pinwatch_interval_notifier *sub = (void *)entry;

		if (likely(!(entry & PW_BATCH_FLAGS))) {
			bool ret;

			if (unlikely(READ_ONCE(sub->state) & PW_SUB_TWO_PASS))
				ret = sub_invalidate_start(pm, walk, sub);
			else
				ret = sub->ops->invalidate(sub, walk->range, walk->seq);
			if (unlikely(!ret))
				complain(sub, walk->range);
		}
		/*
		 * From here on, remove or put may free @sub, unless PW_BATCH_PUT is set.
		 * Pairs with the acquires of ->pos in walks_hold() and pw_walk_cancel():
		 * @sub must not be freed before the stores of its
		 * callback.
		 */
		smp_store_release(&walk->pos, ++i);
		/*
		 * Pairs with the smp_mb() in pw_walk_cancel(): it cannot happen that remove
		 * or put sees the old ->pos and this walk sees the old entry. Also pairs with
		 * the barrier in wait_var_event() of remove_wait(): it cannot happen that
		 * remove sees the old ->pos and wake_up_var() sees no waiter.
		 */
		smp_mb();
		entry = READ_ONCE(walk->batch[i - 1]);
		if (unlikely(entry & PW_BATCH_FLAGS))
			walk_attend(pm, walk, i - 1, entry);
	}
	lock_map_release(&pw_invalidate_map);
}

/*
 * A user can make the walk of another user's invalidation as long as the limits of watches
 * allow. Called without pm->lock, after the callbacks of a batch, when ->pos is ->nr: remove
 * and put do not wait for a walk that is preempted here.
 */
static void walk_resched(const struct pw_walk *walk)
{
	if (mmu_notifier_range_blockable(walk->range))
		cond_resched();
}

/* Run the second passes in the order of the first. Drops and retakes pm->lock. */
static noinline void walk_finish(struct pw_mm *pm, struct pw_walk *walk)
	__must_hold(&pm->lock)
{
	struct pinwatch_interval_notifier_finish *finish;
	struct pinwatch_interval_notifier *sub;
	bool put;

	while (walk->finish) {
		finish = llist_entry(walk->finish,
				     struct pinwatch_interval_notifier_finish, link);
		walk->finish = finish->link.next;
		sub = finish->notifier;
		walk->finishing = sub;
		spin_unlock(&pm->lock);

		lock_map_acquire(&pw_invalidate_map);
		sub->ops->invalidate_finish(finish);
		lock_map_release(&pw_invalidate_map);

		spin_lock(&pm->lock);
		walk->finishing = NULL;
		sub_count_finish(sub, -PW_SUB_ONE_FINISH);
		put = sub->state & PW_SUB_PUT && !walks_hold(pm, sub);
		spin_unlock(&pm->lock);
		if (put)
			pw_sub_free(pm, sub);
		/*
		 * Pairs with the barrier in wait_var_event() of remove_wait(): it cannot happen
		 * that remove finds @sub held and wake_up_var() sees no waiter. @sub may be
		 * freed: its address only names the wait.
		 */
		smp_mb();
		wake_up_var(sub);
		walk_resched(walk);
		spin_lock(&pm->lock);
	}
}

/* Out of line: without a tracer, a walk executes one untaken jump. */
static noinline void walk_trace(const struct mmu_notifier_range *range, u64 callbacks)
{
	trace_pinwatch_invalidate(range, callbacks);
}

/**
 * pw_walk() - call every subscription that overlaps an invalidation
 * @pm: The mm.
 * @range: Passed to the callbacks.
 * @start: First byte, rounded down to a page.
 * @last: Last byte, rounded up to a page.
 * @seq: The sequence value of the invalidation.
 *
 * Context: under pm->lock, which is released. Sleeps if @range is blockable and a
 * callback sleeps.
 */
void pw_walk(struct pw_mm *pm, const struct mmu_notifier_range *range,
	     unsigned long start, unsigned long last, unsigned long seq)
	__releases(&pm->lock)
{
	u64 newest = min(pm->gen, pm->slot_newest[pw_seq_slot(seq)]);
	struct pw_walk walk PW_UNINITIALIZED;
	u64 callbacks = 0;
	bool more;

	lockdep_assert_held(&pm->lock);
	walk.start = start;
	walk.last = last;
	walk.range = range;
	walk.seq = seq;
	walk.newest = ((newest + 1) << PW_SUB_STAMP_SHIFT) - 1;
	walk.finish = NULL;
	walk.finish_tail = &walk.finish;
	walk.finishing = NULL;
	walk.class = 0;
	walk.nr = 0;
	walk.pos = 0;
	walk.cursor = walk_first(pm, &walk, 0);
	list_add(&walk.node, &pm->walks);
	pw_stat_inc(walks);

	for (;;) {
		walk_fill(pm, &walk);
		more = !walk_done(pm, &walk);
		if (!walk.nr && !more)
			break;
		callbacks += walk.nr;
		spin_unlock(&pm->lock);
		/*
		 * Pairs with the acquire of ->invalidate_seq in read_fast(): a reader
		 * that sees the value that a callback stores must not see PW_SUB_MULTI
		 * clear.
		 */
		smp_wmb();
		walk_call(pm, &walk);
		if (unlikely(more))
			walk_resched(&walk);
		spin_lock(&pm->lock);
		if (walk_done(pm, &walk))
			break;
	}
	walk.nr = 0;
	if (unlikely(walk.finish))
		walk_finish(pm, &walk);
	list_del(&walk.node);
	spin_unlock(&pm->lock);
	pw_stat_add(callbacks, callbacks);
	if (trace_pinwatch_invalidate_enabled())
		walk_trace(range, callbacks);
}

/**
 * pw_walk_has_sleeper() - does a range overlap a subscription that may sleep?
 * @pm: The mm.
 * @range: The range.
 *
 * Context: under pm->lock.
 * Return: true if such a subscription wants the event of @range, or if more of them than
 * can be tested under the lock overlap @range: to refuse @range is always right.
 */
bool pw_walk_has_sleeper(struct pw_mm *pm, const struct mmu_notifier_range *range)
{
	struct pinwatch_interval_notifier *sub;
	struct pw_walk walk = {
		.start = range->start & PAGE_MASK,
		.last = (range->end - 1) | ~PAGE_MASK,
		.range = range,
	};
	unsigned int class, left = PW_WALK_SKIPS;

	lockdep_assert_held(&pm->lock);
	for (class = PW_CLASS_SLEEPS; class < pm->nr_classes; class++)
		for (sub = walk_first(pm, &walk, class); sub; sub = walk_next(&walk, sub))
			if (!left-- ||
			    !pw_sub_rejects(sub, range->event, pw_range_owner(range)))
				return true;
	return false;
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
	unsigned long cancelled = (unsigned long)sub | PW_BATCH_CANCELLED;
	struct pw_walk *walk;
	unsigned int i, pos;

	lockdep_assert_held(&pm->lock);
	if (put)
		cancelled |= PW_BATCH_PUT;
	list_for_each_entry(walk, &pm->walks, node) {
		if (walk->cursor == sub)
			walk->cursor = walk_next(walk, sub);
		for (i = 0; i < walk->nr; i++) {
			if (walk->batch[i] != (unsigned long)sub)
				continue;
			WRITE_ONCE(walk->batch[i], cancelled);
			/*
			 * Pairs with the smp_mb() in walk_call(): it cannot happen that
			 * the walk calls the entry and this task sees the old ->pos.
			 */
			smp_mb();
			/* Pairs with the release of ->pos in walk_call(). Read once. */
			pos = smp_load_acquire(&walk->pos);
			/* Clear the address: a new subscription may reuse the memory. */
			if (pos != i)
				WRITE_ONCE(walk->batch[i], PW_BATCH_CANCELLED);
			else
				pm->nr_waiters += put;
		}
	}
	return walks_hold(pm, sub);
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
	running = walks_hold(pm, sub);
	spin_unlock(&pm->lock);
	return running;
}
