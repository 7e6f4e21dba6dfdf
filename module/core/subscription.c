// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: inserting and removing subscriptions
 *
 * Neither ever waits for an invalidation: insert puts the new subscription under
 * what is in flight (record.c), remove makes the walks let go of it (walk.c) and
 * sleeps only while a callback of that very subscription runs.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include "core.h"

/* Under pm->lock, with the mm alive. */
static void sub_link(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	u64 stamp = pm->gen + 1;

	sub->pm = pm;
	sub->stamp_lo = stamp;
	sub->stamp_hi = stamp >> 32;
	pw_tree_insert(&pm->tree, &sub->interval_tree);
	pm->nr_subs++;
	WRITE_ONCE(pm->gen, stamp);
	/* Pairs with the xchg in start: see record.c. */
	smp_mb();
	pw_record_mark_insert(pm, sub);
	pw_stat_inc(nr_subscriptions);
}

/* -ENOENT: the mm is not registered. */
static int sub_insert(struct pinwatch_interval_notifier *sub)
{
	struct pw_mm *pm;
	int ret = 0;

	rcu_read_lock();
	pm = pw_mm_lookup(sub->mm);
	if (unlikely(!pm)) {
		rcu_read_unlock();
		return -ENOENT;
	}
	spin_lock(&pm->lock);
	if (likely(!pm->dead && pm->registered))
		sub_link(pm, sub);
	else
		ret = pm->dead ? -ESRCH : -ENOENT;
	spin_unlock(&pm->lock);
	rcu_read_unlock();
	return ret;
}

static int sub_insert_first(struct pinwatch_interval_notifier *sub, bool locked)
{
	int ret;

	/* Registration needs a live mm; and while we hold it, no release runs. */
	if (!mmget_not_zero(sub->mm))
		return -ESRCH;
	ret = pw_mm_register(sub->mm, locked);
	if (!ret)
		ret = sub_insert(sub);
	/* With the mmap lock held, the last reference must not be dropped here. */
	mmput_async(sub->mm);
	return ret;
}

static int sub_init(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
		    unsigned long start, unsigned long length,
		    const struct pinwatch_interval_notifier_ops *ops)
{
	if (unlikely(!length ||
		     check_add_overflow(start, length - 1,
					&sub->interval_tree.last)))
		return -EOVERFLOW;
	if (unlikely(!ops->invalidate || ops->flags & ~PINWATCH_OPS_NEVER_SLEEPS))
		return -EINVAL;
	if (unlikely(!(ops->flags & PINWATCH_OPS_NEVER_SLEEPS)))
		return -EOPNOTSUPP;
	sub->interval_tree.start = start;
	sub->mm = mm;
	sub->ops = ops;
	/* A dying mm; one that dies just after this still tells us by release. */
	return likely(atomic_read(&mm->mm_users)) ? 0 : -ESRCH;
}

/**
 * pinwatch_interval_notifier_insert() - subscribe to the changes of a range
 * @sub: The subscription, embedded in the driver's object.
 * @mm: The mm. The caller makes sure that the pointer is valid during the call
 *	(it is current->mm, or mm_count or mm_users are held).
 * @start: First byte; any alignment.
 * @length: Bytes, not 0; start + length - 1 must not wrap.
 * @ops: The callbacks; must outlive the subscription.
 *
 * Callbacks may run before this returns. Invalidations that are in flight over
 * the range now are not called back: the first pinwatch_interval_read_begin()
 * waits for their ends. The caller must use it before it relies on any page
 * table entry.
 *
 * The engine holds mm_count, not mm_users: a subscription does not keep the
 * process's memory. When the mm is torn down the callback is given RELEASE and
 * then UNMAP over [0, ULONG_MAX]; the driver removes the subscription all the
 * same, at any time.
 *
 * Context: process context, without the mmap lock. Sleeps only for the first
 * subscription in an mm, which takes the mmap lock for writing.
 * Return: 0; -EOVERFLOW for a bad @length; -EINVAL for bad @ops; -EOPNOTSUPP
 * without %PINWATCH_OPS_NEVER_SLEEPS; -ESRCH when @mm is being torn down. In an
 * mm that has none yet also -ENOMEM, and -EINTR when a signal is pending.
 */
int pinwatch_interval_notifier_insert(struct pinwatch_interval_notifier *sub,
				      struct mm_struct *mm, unsigned long start,
				      unsigned long length,
				      const struct pinwatch_interval_notifier_ops *ops)
{
	int ret = sub_init(sub, mm, start, length, ops);

	if (unlikely(ret))
		return ret;
	ret = sub_insert(sub);
	if (unlikely(ret == -ENOENT))
		ret = sub_insert_first(sub, false);
	return ret;
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_insert);

/**
 * pinwatch_interval_notifier_insert_locked() - the same, under the mmap lock
 * @sub: As for pinwatch_interval_notifier_insert().
 * @mm: Likewise.
 * @start: Likewise.
 * @length: Likewise.
 * @ops: Likewise.
 *
 * For callers such as a driver's mmap() that hold the mmap lock of @mm for
 * writing.
 *
 * Context: process context, mmap lock held for writing. May sleep.
 * Return: as pinwatch_interval_notifier_insert().
 */
int pinwatch_interval_notifier_insert_locked(struct pinwatch_interval_notifier *sub,
					     struct mm_struct *mm,
					     unsigned long start,
					     unsigned long length,
					     const struct pinwatch_interval_notifier_ops *ops)
{
	int ret = sub_init(sub, mm, start, length, ops);

	mmap_assert_write_locked(mm);
	if (unlikely(ret))
		return ret;
	ret = sub_insert(sub);
	if (unlikely(ret == -ENOENT))
		ret = sub_insert_first(sub, true);
	return ret;
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_insert_locked);

static noinline void remove_wait(struct pw_mm *pm,
				 struct pinwatch_interval_notifier *sub)
{
	pw_stat_inc(remove_waits);
	/* Ends when that callback returns; no new one can start. */
	wait_event(pm->remove_wq, !pw_walk_running(pm, sub));
}

/**
 * pinwatch_interval_notifier_remove() - end a subscription
 * @sub: An inserted subscription.
 *
 * When it returns no callback of @sub runs or will run, and @sub may be freed.
 * Readers of @sub must have left pinwatch_interval_read_begin() before. Waits
 * for a callback of @sub that runs now, and for nothing else.
 *
 * Context: process context, may sleep. Not inside ops->invalidate() of any
 * subscription in that mm, nor under a lock that @sub's takes. The mmap lock may
 * be held.
 */
void pinwatch_interval_notifier_remove(struct pinwatch_interval_notifier *sub)
{
	struct pw_mm *pm = sub->pm;
	bool running = false, put;

	pw_might_sleep();
	lock_map_acquire(&pw_invalidate_map);
	lock_map_release(&pw_invalidate_map);

	spin_lock(&pm->lock);
	if (unlikely(!list_empty(&pm->walks)))
		running = pw_walk_cancel(pm, sub);
	pw_tree_erase(&pm->tree, &sub->interval_tree);
	if (unlikely(running)) {
		spin_unlock(&pm->lock);
		remove_wait(pm, sub);
		spin_lock(&pm->lock);
	}
	pm->nr_subs--;
	put = unlikely(!pm->registered) && pw_mm_unused(pm);
	spin_unlock(&pm->lock);

	pw_stat_dec(nr_subscriptions);
	if (unlikely(put))
		pw_mm_put(pm);
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_remove);
