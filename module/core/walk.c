// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: calling back what an invalidation overlaps
 *
 * In batches, since a callback may sleep and takes locks of its driver, and
 * pm->lock is a leaf. The walk is on its task's stack and on pm->walks. Nothing
 * holds a reference to a subscription; remove, which takes the lock, makes the
 * walks let go of it instead:
 *
 *   it is a walk's cursor	the cursor moves on to the next overlap
 *   it waits in a batch	its entry is cleared
 *   its callback runs		remove sleeps until that one callback returns
 *
 * so remove never waits for the callback of another subscription. After it has
 * cleared an entry the walk does not look at that subscription again.
 *
 * Subscriptions that were inserted after the walk began are skipped: insert saw
 * the walk's record and marked them. So a walk ends, however many are inserted.
 */
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include "core.h"

#ifdef CONFIG_LOCKDEP
static struct lock_class_key invalidate_key;
struct lockdep_map pw_invalidate_map =
	STATIC_LOCKDEP_MAP_INIT("pinwatch_invalidate", &invalidate_key);
#endif

static struct pinwatch_interval_notifier *
walk_next(const struct pw_walk *walk, struct pinwatch_interval_notifier *sub)
{
	return pw_sub(pw_tree_next(&sub->interval_tree, walk->start, walk->last));
}

/*
 * Another invalidation is in flight over @sub, and the value that @sub holds in
 * the end can name one of them only. The flag is set before either callback can
 * store its value, and is cleared only when nothing is in flight over @sub.
 */
static void sub_note_multi(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			   unsigned long others)
{
	if (pm->dead || (others && pw_slots_overlap(pm, sub, others, ULONG_MAX)))
		WRITE_ONCE(sub->flags, sub->flags | PW_SUB_MULTI);
}

/* Under pm->lock. */
static void walk_fill(struct pw_mm *pm, struct pw_walk *walk, unsigned long seq)
{
	unsigned long others = pm->slots_used & ~BIT(pw_seq_slot(seq));
	struct pinwatch_interval_notifier *sub = walk->cursor;
	unsigned int nr = 0;

	for (; sub && nr < PW_WALK_BATCH; sub = walk_next(walk, sub)) {
		if (unlikely(pw_sub_stamp(sub) > walk->stamp))
			continue;
		sub_note_multi(pm, sub, others);
		walk->batch[nr++] = (unsigned long)sub;
	}
	walk->cursor = sub;
	WRITE_ONCE(walk->nr, nr);
}

static void walk_call(struct pw_mm *pm, struct pw_walk *walk,
		      const struct mmu_notifier_range *range, unsigned long seq)
{
	unsigned int i;

	lock_map_acquire(&pw_invalidate_map);
	for (i = 0; i < walk->nr; i++) {
		unsigned long entry = READ_ONCE(walk->batch[i]);
		struct pinwatch_interval_notifier *sub = (void *)entry;

		if (!entry || cmpxchg(&walk->batch[i], entry,
				      entry | PW_BATCH_RUNNING) != entry)
			continue;	/* remove has cancelled it */
		pw_stat_inc(callbacks);
		if (!sub->ops->invalidate(sub, range, seq))
			pr_warn_once("pinwatch: %ps returned false (%sblockable range)\n",
				     sub->ops->invalidate,
				     mmu_notifier_range_blockable(range) ? "" : "non-");
		/*
		 * From here on @sub may be gone. Pairs with the barrier in
		 * wait_event() of remove: it sees the entry empty, or we see it wait.
		 */
		xchg(&walk->batch[i], 0UL);
		if (waitqueue_active(&pm->remove_wq))
			wake_up_all(&pm->remove_wq);
	}
	lock_map_release(&pw_invalidate_map);
}

/**
 * pw_walk() - call back every subscription that overlaps an invalidation
 * @pm: The mm.
 * @range: What the callbacks are given.
 * @start: First byte, rounded.
 * @last: Last byte, rounded.
 * @seq: The sequence value of the invalidation's record.
 *
 * Context: with pm->lock held; drops it to call back, and returns without it.
 * Sleeps if the range is blockable and a callback does.
 */
void pw_walk(struct pw_mm *pm, const struct mmu_notifier_range *range,
	     unsigned long start, unsigned long last, unsigned long seq)
	__releases(&pm->lock)
{
	struct pw_walk walk PW_UNINITIALIZED;

	lockdep_assert_held(&pm->lock);
	walk.start = start;
	walk.last = last;
	walk.stamp = pm->gen;
	walk.cursor = pw_sub(pw_tree_first(&pm->tree, start, last));
	list_add(&walk.node, &pm->walks);
	pw_stat_inc(walks);

	for (;;) {
		walk_fill(pm, &walk, seq);
		if (!walk.nr)
			break;
		spin_unlock(&pm->lock);
		/*
		 * PW_SUB_MULTI before the sequence value that a callback stores.
		 * Pairs with the acquire in pinwatch_interval_read_begin().
		 */
		smp_wmb();
		walk_call(pm, &walk, range, seq);
		spin_lock(&pm->lock);
		if (!walk.cursor)
			break;
	}
	list_del(&walk.node);
	spin_unlock(&pm->lock);
}

/**
 * pw_walk_cancel() - make every walk let go of a subscription
 * @pm: The mm.
 * @sub: Still linked in pm->tree.
 *
 * Context: under pm->lock.
 * Return: true when its callback runs just now.
 */
bool pw_walk_cancel(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	unsigned long entry = (unsigned long)sub;
	struct pw_walk *walk;
	bool running = false;
	unsigned int i;

	lockdep_assert_held(&pm->lock);
	list_for_each_entry(walk, &pm->walks, node) {
		if (walk->cursor == sub)
			walk->cursor = walk_next(walk, sub);
		for (i = 0; i < walk->nr; i++) {
			unsigned long old = cmpxchg(&walk->batch[i], entry, 0UL);

			if (old == (entry | PW_BATCH_RUNNING))
				running = true;
		}
	}
	return running;
}

/**
 * pw_walk_running() - does a callback of a subscription run now?
 * @pm: The mm.
 * @sub: No longer linked, so none starts.
 *
 * Context: takes pm->lock.
 */
bool pw_walk_running(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	unsigned long entry = (unsigned long)sub | PW_BATCH_RUNNING;
	struct pw_walk *walk;
	bool running = false;
	unsigned int i;

	spin_lock(&pm->lock);
	list_for_each_entry(walk, &pm->walks, node)
		for (i = 0; i < walk->nr; i++)
			running |= READ_ONCE(walk->batch[i]) == entry;
	spin_unlock(&pm->lock);
	return running;
}
