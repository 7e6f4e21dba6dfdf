// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: calling the subscriptions that an invalidation overlaps
 *
 * An invalidation that overlaps one subscription has a pw_call in its slot, and no walk: see
 * start_one() in invalidate.c.
 *
 * A walk calls in batches, because a callback may sleep and takes locks of its driver,
 * and pm->lock is a leaf. The struct pw_walk is on the stack of its task and on
 * pm->walks. A walk holds no references to subscriptions: walk_cancel.c.
 *
 * A walk skips subscriptions that were inserted after the walk began: insert saw the
 * record of the walk and marked them. So a walk ends even if inserts never do. If the
 * invalidation shares its slot, the walk may also call what insert has marked before it began.
 */
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include "core.h"
#include "slot.h"
#include "trace.h"
#include "walk.h"

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
void pw_walk_note_multi(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			unsigned long others)
{
	if (pm->dead || pw_slots_overlap(pm, sub, others, ULONG_MAX) != PW_SLOT_NONE)
		WRITE_ONCE(sub->state, sub->state | PW_SUB_MULTI);
}

/*
 * Fill the next batch. Caller holds pm->lock, and drops the lock afterwards even if the batch
 * is empty: any number of subscriptions can be newer than the walk, or decline.
 */
static noinline void walk_fill_any(struct pw_mm *pm, struct pw_walk *walk, unsigned long others)
{
	u64 newest = ((walk->newest + 1) << PW_SUB_STAMP_SHIFT) - 1;
	bool alone = !others && !pm->dead;
	struct pinwatch_interval_notifier *sub = walk->cursor;
	unsigned int nr_classes = walk_nr_classes(pm, walk);
	unsigned int nr = 0, left = PW_WALK_SKIPS;

	for (;;) {
		while (unlikely(!sub) && walk->class + 1 < nr_classes)
			sub = walk_first(pm, walk, ++walk->class);
		if (!sub || nr == PW_WALK_BATCH || unlikely(!left))
			break;
		if (likely(sub->state <= newest) &&
		    (likely(!(sub->state & PW_SUB_FILTERED)) ||
		     !sub_declines(sub, walk->range))) {
			if (unlikely(!alone))
				pw_walk_note_multi(pm, sub, others);
			walk->batch[nr++] = (unsigned long)sub;
		} else {
			left--;
		}
		sub = pw_walk_next(walk, sub);
	}
	walk->cursor = sub;
	walk->nr = nr;
}

/*
 * As walk_fill_any(), if no subscription can decline, be newer or be invalidated by others.
 * @node: The cursor, which begins in the range.
 */
static __always_inline void walk_fill_plain(struct pw_walk *walk, struct interval_tree_node *node)
{
	unsigned long *entry = walk->batch, *end = entry + PW_WALK_BATCH;
	unsigned long last = walk->last;

	do {
		*entry++ = (unsigned long)pw_sub(node);
		if (!pw_tree_step(&node, last)) {
			node = NULL;
			break;
		}
	} while (entry != end);
	walk->cursor = pw_sub(node);
	walk->nr = entry - walk->batch;
}

/* Fill the next batch. Return: true if the walk may have more batches. Caller holds pm->lock. */
static __always_inline bool walk_fill(struct pw_mm *pm, struct pw_walk *walk)
{
	unsigned long others = pm->slots_used & ~BIT(pw_seq_slot(walk->seq));
	struct interval_tree_node *node = walk->cursor ? &walk->cursor->interval_tree : NULL;

	WRITE_ONCE(walk->pos, 0);
	walk->cancelled = false;
	walk->plain = pm->plain;
	if (likely(walk->plain && node && !others && walk->newest == pm->gen) &&
	    likely(node->start >= walk->start)) {
		walk_fill_plain(walk, node);
		return walk->cursor;
	}
	walk_fill_any(pm, walk, others);
	return !walk_done(pm, walk);
}

/*
 * Count a second pass of @sub. A subscription that reaches the maximum stays there, and
 * finish_pending() in walk_cancel.c searches the lists for it. Caller holds pm->lock.
 */
static void sub_count_finish(struct pinwatch_interval_notifier *sub, u64 one)
{
	if ((sub->state & PW_SUB_FINISHES) != PW_SUB_FINISHES)
		WRITE_ONCE(sub->state, sub->state + one);
}

/* Queue a second pass. From now on, remove waits for @finish. */
static noinline void walk_add_finish(struct pw_mm *pm, struct pw_walk *walk,
				     struct pinwatch_interval_notifier *sub,
				     struct pinwatch_interval_notifier_finish *finish)
{
	finish->notifier = sub;
	finish->link.next = NULL;
	spin_lock(&pm->lock);
	*(walk->finish ? walk->finish_tail : &walk->finish) = &finish->link;
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

void pw_walk_complain(const struct pinwatch_interval_notifier *sub,
		      const struct mmu_notifier_range *range)
{
	pr_warn_once("pinwatch: %ps: invalidation of a %sblockable range returned false\n",
		     sub->ops->invalidate ? (void *)sub->ops->invalidate :
					    (void *)sub->ops->invalidate_start,
		     mmu_notifier_range_blockable(range) ? "" : "non-");
}

/*
 * A user can make the walk of another user's invalidation as long as the limits of watches
 * allow. Called without pm->lock, after the callbacks of a batch, when ->pos is ->nr, and
 * between second passes: for a walk that is preempted here, remove and put wait only if a
 * second pass of their subscription is pending.
 */
static void walk_resched(const struct pw_walk *walk)
{
	if (mmu_notifier_range_blockable(walk->range))
		cond_resched();
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
 *    remove waits for its return; and the walk wakes remove, or remove does not wait.
 *    Litmus cancel-entry and remove-wake.]
 *
 * pos = 0 and batch[0] are stored under the lock, so remove finds the first callback running,
 * and the walk need not look at batch[0] before the callback.
 */
static void walk_call_entry(struct pw_mm *pm, struct pw_walk *walk, unsigned int i)
{
	unsigned long entry = READ_ONCE(walk->batch[i]);
	struct pinwatch_interval_notifier *sub = (void *)entry;
	bool ret;

	if (likely(!(entry & PW_BATCH_FLAGS))) {
		if (unlikely(READ_ONCE(sub->state) & PW_SUB_TWO_PASS))
			ret = sub_invalidate_start(pm, walk, sub);
		else
			ret = sub->ops->invalidate(sub, walk->range, walk->seq);
		if (unlikely(!ret))
			pw_walk_complain(sub, walk->range);
	}
	/*
	 * From here on, remove or put may free @sub, unless PW_BATCH_PUT is set. Pairs with the
	 * acquires of ->pos in batch_holds() and batch_cancel(): @sub must not be freed before
	 * the stores of its callback (litmus callback-freed).
	 */
	smp_store_release(&walk->pos, i + 1);
}

/* Call the entries from @i on, after the entry before @i was called. */
static noinline void walk_call_any(struct pw_mm *pm, struct pw_walk *walk, unsigned int i)
{
	if (i)
		pw_walk_look(pm, &walk->batch[i - 1]);
	for (; i < walk->nr; i++) {
		walk_call_entry(pm, walk, i);
		pw_walk_look(pm, &walk->batch[i]);
	}
}

/*
 * As walk_call_any(), for entries with one pass, until remove or put cancels an entry. ->cancelled
 * stands for the flags of all entries:
 *
 *   xchg(pos, i)  (full barrier)	->cancelled = true, batch[j] |= CANCELLED
 *   ->cancelled?			smp_mb()
 *					pos == j?
 *
 *   [Required: as above. If the walk does not see ->cancelled, then remove sees pos >= i. So
 *    an entry j >= i is not cancelled, or is cancelled later by a remove that sees pos == j,
 *    waits, and leaves the address in the entry. And of an entry j < i no remove waits.
 *    Litmus cancel-plain.]
 *
 * Return: the number of entries that were called. The caller has to look at the last of them.
 */
static __always_inline unsigned int walk_call_plain(struct pw_walk *walk)
{
	unsigned long *entry = walk->batch, *end = entry + walk->nr;
	unsigned int i = 0;

	for (;;) {
		struct pinwatch_interval_notifier *sub;

		sub = (void *)(READ_ONCE(*entry) & ~PW_BATCH_FLAGS);
		if (unlikely(!sub->ops->invalidate(sub, walk->range, walk->seq)))
			pw_walk_complain((void *)(READ_ONCE(*entry) & ~PW_BATCH_FLAGS),
					 walk->range);
		i++;
		if (++entry == end) {
			/* As in walk_call_entry() (litmus callback-freed). */
			smp_store_release(&walk->pos, i);
			return i;
		}
		/*
		 * The release of walk_call_entry() (litmus plain-callback-freed), and the barrier
		 * of pw_walk_look() (litmus cancel-plain). On x86, one operation is cheaper than a
		 * store and a barrier.
		 */
		xchg(&walk->pos, i);
		if (unlikely(READ_ONCE(walk->cancelled)))
			return i;
	}
}

/*
 * Call the batch, and take pm->lock. A walk without more batches needs no barrier after its
 * last entry, because it looks at the entry under the lock instead:
 *
 *   remove cancels the entry before the walk takes the lock: the walk sees the flag. If that
 *     remove has found the callback running, it has queued its wait already, or looks at
 *     ->pos again, under the lock.
 *   after the walk has dropped the lock: remove sees the new ->pos.
 *
 * See litmus last-entry.
 */
static __always_inline void walk_call(struct pw_mm *pm, struct pw_walk *walk, bool more)
	__acquires(&pm->lock)
{
	unsigned int i = 0;
	unsigned long *last;

	lock_map_acquire(&pw_invalidate_map);
	if (likely(walk->plain && walk->nr))
		i = walk_call_plain(walk);
	if (unlikely(i < walk->nr || more))
		walk_call_any(pm, walk, i);
	lock_map_release(&pw_invalidate_map);
	if (unlikely(more))
		walk_resched(walk);
	spin_lock(&pm->lock);
	last = more ? NULL : &walk->batch[walk->nr - 1];
	if (last && unlikely(*last & PW_BATCH_FLAGS)) {
		spin_unlock(&pm->lock);
		pw_walk_attend(pm, last, *last);
		spin_lock(&pm->lock);
	}
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
		put = sub->state & PW_SUB_PUT && !pw_walks_hold(pm, sub);
		spin_unlock(&pm->lock);
		if (put)
			pw_sub_free(pm, sub);
		/*
		 * Pairs with the barrier in wait_var_event() of remove_wait(): it cannot happen
		 * that remove finds @sub held and wake_up_var() sees no waiter. remove looks
		 * under pm->lock, which forbids that without this barrier, too (litmus
		 * finish-wake). @sub may be freed: its address only names the wait.
		 */
		smp_mb();
		wake_up_var(sub);
		walk_resched(walk);
		spin_lock(&pm->lock);
	}
}

/* Out of line: without a tracer, a walk executes one untaken jump. */
void pw_walk_trace(const struct mmu_notifier_range *range, u64 callbacks)
{
	trace_pinwatch_invalidate(range, callbacks);
}

/**
 * pw_walk() - call every subscription that overlaps an invalidation
 * @pm: The mm.
 * @range: Passed to the callbacks. Whole pages.
 * @first: The first subscription of class 0 that overlaps @range, or %NULL.
 * @seq: The sequence value of the invalidation.
 *
 * Context: under pm->lock, which is released. Sleeps if @range is blockable and a
 * callback sleeps.
 */
void pw_walk(struct pw_mm *pm, const struct mmu_notifier_range *range,
	     struct interval_tree_node *first, unsigned long seq)
	__releases(&pm->lock)
{
	struct pw_walk walk PW_UNINITIALIZED;
	u64 callbacks = 0;
	bool more;

	lockdep_assert_held(&pm->lock);
	walk.start = range->start;
	walk.last = (range->end - 1) | ~PAGE_MASK;
	walk.range = range;
	walk.seq = seq;
	walk.newest = min(pm->gen, pm->slot_newest[pw_seq_slot(seq)]);
	walk.finish = NULL;
	walk.finishing = NULL;
	walk.class = 0;
	walk.cursor = pw_sub(first);
	hlist_add_head(&walk.node, &pm->walks);
	pw_stat_inc(walks);

	do {
		more = walk_fill(pm, &walk);
		if (unlikely(!walk.nr) && !more)
			break;
		callbacks += walk.nr;
		spin_unlock(&pm->lock);
		/*
		 * Pairs with the acquire of ->invalidate_seq in read_fast(): a reader
		 * that sees the value that a callback stores must not see the slot as it
		 * was before the value, nor PW_SUB_MULTI clear after release (litmus
		 * read-begin, release-multi).
		 */
		smp_wmb();
		walk_call(pm, &walk, more);
	} while (unlikely(more));
	walk.nr = 0;
	if (unlikely(walk.finish))
		walk_finish(pm, &walk);
	hlist_del(&walk.node);
	spin_unlock(&pm->lock);
	pw_stat_add(callbacks, callbacks);
	if (trace_pinwatch_invalidate_enabled())
		pw_walk_trace(range, callbacks);
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
		for (sub = walk_first(pm, &walk, class); sub; sub = pw_walk_next(&walk, sub))
			if (!left-- ||
			    !pw_sub_rejects(sub, range->event, pw_range_owner(range)))
				return true;
	return false;
}
