// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: inserting and removing subscriptions
 *
 * Neither ever waits for an invalidation: insert puts the new subscription under
 * what is in flight (record.c), remove makes the walks let go of it (walk.c) and
 * sleeps only while a callback of that very subscription runs.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include "core.h"

/*
 * The sources of gen and of sequence values are apart, but a value of the idle
 * slot is made of a gen: no two subscriptions ever begin with the same.
 */
static __always_inline void sub_link(struct pw_mm *pm,
				     struct pinwatch_interval_notifier *sub,
				     unsigned int flags)
{
	unsigned int class = 0;
	u64 stamp = pm->gen + 1;

	if (unlikely(!(stamp % PW_SEQ_BLOCK)))
		stamp = pw_mm_seq_block();
	if (unlikely(flags & PW_SUB_FILTERED))
		class = pw_class_of(pm, sub->ops);
	sub->pm = pm;
	sub->state = stamp << PW_SUB_STAMP_SHIFT | class << PW_SUB_CLASS_SHIFT | flags;
	sub->invalidate_seq = PW_SEQ_BIT | stamp << PW_SEQ_SLOT_BITS | PW_SLOT_IDLE;
	pw_tree_insert(&pm->classes[class].tree, &sub->interval_tree);
	pm->nr_subs++;
	WRITE_ONCE(pm->gen, stamp);
	/* Pairs with the xchg in start: see record.c. */
	smp_mb();
	if (unlikely(pm->nr_maybe))
		pw_record_mark_insert(pm, sub);
	pw_stat_inc(nr_subscriptions);
}

/* -ENOENT: the mm is not registered. */
static __always_inline int sub_insert(struct pinwatch_interval_notifier *sub,
				      unsigned int flags)
{
	struct pw_mm *pm;
	int ret = 0;

	pw_lookup_begin();
	pm = pw_mm_lookup(sub->mm);
	if (unlikely(!pm)) {
		pw_lookup_end();
		return -ENOENT;
	}
	spin_lock(&pm->lock);
	if (likely(pm->open))
		sub_link(pm, sub, flags);
	else
		ret = pm->dead ? -ESRCH : -ENOENT;
	spin_unlock(&pm->lock);
	pw_lookup_end();
	return ret;
}

/* One subscription, or reservation, less; drops pm->lock. */
static __always_inline void sub_uncount_unlock(struct pw_mm *pm)
	__releases(&pm->lock)
{
	bool none = !--pm->nr_subs, put = none && !pm->registered;

	if (unlikely(none))
		pm->idle_since = jiffies;
	spin_unlock(&pm->lock);
	if (unlikely(put))
		pw_mm_put(pm);
	else if (unlikely(none))
		pw_mm_idle();
}

/*
 * With what sleeps: registration, and the veto. @pm is reserved (counted in
 * nr_subs) all the time. @sub is anybody's once it is linked: a callback may have
 * put it.
 */
static int sub_insert_first(struct pinwatch_interval_notifier *sub,
			    unsigned int flags, bool locked)
{
	struct mm_struct *mm = sub->mm;
	struct pw_mm *pm;
	int ret = 0;

	/* Registration needs a live mm; and while we hold it, no release runs. */
	if (!mmget_not_zero(mm))
		return -ESRCH;
	pm = pw_mm_register(mm, locked);
	if (IS_ERR(pm)) {
		ret = PTR_ERR(pm);
		goto out;
	}
	if (flags & PW_SUB_SLEEPS)
		ret = pw_veto_ensure(pm, locked);
	if (!ret) {
		spin_lock(&pm->lock);
		sub_link(pm, sub, flags);
		spin_unlock(&pm->lock);
		/* With SPTEs only after the return: see veto.c. */
		if (flags & PW_SUB_SLEEPS)
			pw_veto_settle(pm);
	}
	spin_lock(&pm->lock);
	sub_uncount_unlock(pm);
out:
	/* With the mmap lock held, the last reference must not be dropped here. */
	mmput_async(mm);
	return ret;
}

/* The common kind: one pass, never sleeps, no filter. */
static __always_inline bool
ops_are_plain(const struct pinwatch_interval_notifier_ops *ops)
{
	return ops->invalidate && !ops->invalidate_start && !ops->owner &&
	       !ops->ignore_events && ops->flags == PINWATCH_OPS_NEVER_SLEEPS;
}

/* What is unusual in @ops, as PW_SUB_* flags; or -EINVAL. */
static noinline int ops_flags(const struct pinwatch_interval_notifier_ops *ops)
{
	int flags = 0;

	if (ops->flags & ~PINWATCH_OPS_NEVER_SLEEPS ||
	    ops->ignore_events & BIT(MMU_NOTIFY_RELEASE) ||
	    (!ops->invalidate && !ops->invalidate_start) ||
	    (ops->invalidate_start && !ops->invalidate_finish))
		return -EINVAL;
	if (!(ops->flags & PINWATCH_OPS_NEVER_SLEEPS))
		flags |= PW_SUB_SLEEPS;
	if (ops->owner || ops->ignore_events)
		flags |= PW_SUB_FILTERED;
	if (ops->invalidate_start)
		flags |= PW_SUB_TWO_PASS;
	return flags;
}

static __always_inline int sub_init(struct pinwatch_interval_notifier *sub,
				    struct mm_struct *mm,
				    unsigned long start, unsigned long length,
				    const void *ops)
{
	if (unlikely(!length ||
		     check_add_overflow(start, length - 1,
					&sub->interval_tree.last)))
		return -EOVERFLOW;
	sub->interval_tree.start = start;
	sub->mm = mm;
	sub->ops = ops;
	/* A dying mm; one that dies just after this still tells us by release. */
	return likely(atomic_read(&mm->mm_users)) ? 0 : -ESRCH;
}

static noinline int sub_insert_slow(struct pinwatch_interval_notifier *sub,
				    unsigned int flags, bool locked)
{
	int ret = -ENOENT;

	if (!(flags & PW_SUB_SLEEPS))
		ret = sub_insert(sub, flags);
	return ret == -ENOENT ? sub_insert_first(sub, flags, locked) : ret;
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
 * Context: process context, without the mmap lock. Sleeps for the first
 * subscription in an mm, which takes the mmap lock for writing; and without
 * %PINWATCH_OPS_NEVER_SLEEPS, for the first of those as long as anything is in
 * flight in @mm, and later ones while the mm is being reaped: so it must not hold a
 * lock that callbacks take.
 * Return: 0; -EOVERFLOW for a bad @length; -EINVAL for bad @ops; -ESRCH when @mm
 * is being torn down. In an mm that has none yet also -ENOMEM, and -EINTR when a
 * signal is pending.
 */
int pinwatch_interval_notifier_insert(struct pinwatch_interval_notifier *sub,
				      struct mm_struct *mm, unsigned long start,
				      unsigned long length,
				      const struct pinwatch_interval_notifier_ops *ops)
{
	int flags, ret = sub_init(sub, mm, start, length, ops);

	if (unlikely(ret))
		return ret;
	if (likely(ops_are_plain(ops))) {
		ret = sub_insert(sub, 0);
		if (likely(ret != -ENOENT))
			return ret;
	}
	flags = ops_flags(ops);
	return flags < 0 ? flags : sub_insert_slow(sub, flags, false);
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
 * Context: process context, mmap lock held for writing. May sleep; without
 * %PINWATCH_OPS_NEVER_SLEEPS for as long as invalidations that do not take the mmap
 * lock (truncation, reclaim) keep coming.
 * Return: as pinwatch_interval_notifier_insert().
 */
int pinwatch_interval_notifier_insert_locked(struct pinwatch_interval_notifier *sub,
					     struct mm_struct *mm,
					     unsigned long start,
					     unsigned long length,
					     const struct pinwatch_interval_notifier_ops *ops)
{
	int flags = ops_flags(ops), ret = sub_init(sub, mm, start, length, ops);

	mmap_assert_write_locked(mm);
	if (unlikely(ret))
		return ret;
	return flags < 0 ? flags : sub_insert_slow(sub, flags, true);
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_insert_locked);

/**
 * pw_sub_insert_flags() - subscribe with ops that are not ours
 * @sub: As for pinwatch_interval_notifier_insert().
 * @mm: Likewise.
 * @start: Likewise.
 * @length: Likewise.
 * @ops: Begins like struct pinwatch_interval_notifier_ops, as far as @flags says;
 *	not to be put.
 * @flags: PW_SUB_SLEEPS, PW_SUB_TWO_PASS.
 * @locked: The mmap lock is held for writing.
 *
 * Return: as pinwatch_interval_notifier_insert().
 */
int pw_sub_insert_flags(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
			unsigned long start, unsigned long length, const void *ops,
			unsigned int flags, bool locked)
{
	int ret = sub_init(sub, mm, start, length, ops);

	return unlikely(ret) ? ret : sub_insert_slow(sub, flags, locked);
}

/* The callbacks are gone: drop what @sub held. */
static void sub_drop(struct pw_mm *pm)
{
	pw_stat_dec(nr_subscriptions);
	spin_lock(&pm->lock);
	sub_uncount_unlock(pm);
}

static noinline void remove_wait(struct pw_mm *pm,
				 struct pinwatch_interval_notifier *sub)
{
	pw_stat_inc(remove_waits);
	/* Ends when that callback returns; no new one can start. */
	wait_event(pm->remove_wq, !pw_walk_running(pm, sub));
	spin_lock(&pm->lock);
	WRITE_ONCE(pm->nr_waiters, pm->nr_waiters - 1);
	spin_unlock(&pm->lock);
	sub_drop(pm);
}

static __always_inline bool sub_unlink(struct pw_mm *pm,
				       struct pinwatch_interval_notifier *sub, bool put)
{
	bool running = false;

	if (unlikely(!list_empty(&pm->walks)))
		running = pw_walk_cancel(pm, sub, put);
	pw_tree_erase(&pm->classes[pw_sub_class(sub)].tree, &sub->interval_tree);
	return running;
}

/**
 * pinwatch_interval_notifier_remove() - end a subscription
 * @sub: An inserted subscription.
 *
 * When it returns no callback of @sub runs or will run, and @sub may be freed.
 * Readers of @sub must have left pinwatch_interval_read_begin() before. Waits
 * for a callback of @sub that runs now or whose second pass is to come, and for
 * nothing else; but a second pass comes after the first passes of all that the same
 * invalidation overlaps.
 *
 * Context: process context, may sleep. Not inside a callback of any subscription
 * in that mm, nor under a lock that @sub's takes; with ops->invalidate_start, under
 * none that any callback in that mm takes. The mmap lock may be held.
 */
void pinwatch_interval_notifier_remove(struct pinwatch_interval_notifier *sub)
{
	struct pw_mm *pm = sub->pm;

	pw_might_sleep();
	lock_map_acquire(&pw_invalidate_map);
	lock_map_release(&pw_invalidate_map);

	spin_lock(&pm->lock);
	if (unlikely(sub_unlink(pm, sub, false))) {
		WRITE_ONCE(pm->nr_waiters, pm->nr_waiters + 1);
		spin_unlock(&pm->lock);
		remove_wait(pm, sub);
		return;
	}
	sub_uncount_unlock(pm);
	pw_stat_dec(nr_subscriptions);
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_remove);

static atomic_long_t puts_pending = ATOMIC_LONG_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(puts_wq);

/* Unlinked by put, and no walk holds it any more. */
void pw_sub_free(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	const struct pinwatch_interval_notifier_ops *ops = sub->ops;

	sub_drop(pm);
	if (ops->free)
		ops->free(sub);
	if (atomic_long_dec_and_test(&puts_pending))
		wake_up_all(&puts_wq);
}

/**
 * pinwatch_interval_notifier_put() - end a subscription without waiting
 * @sub: An inserted subscription.
 *
 * When it returns no further callback of @sub begins. When none runs any more
 * either, ops->free() is called, perhaps before this returns, and @sub may be
 * freed there and not before.
 *
 * Context: process context, callbacks (of @sub too) included. Does not sleep.
 */
void pinwatch_interval_notifier_put(struct pinwatch_interval_notifier *sub)
{
	struct pw_mm *pm = sub->pm;
	bool running;

	atomic_long_inc(&puts_pending);
	spin_lock(&pm->lock);
	running = sub_unlink(pm, sub, true);
	if (running)
		WRITE_ONCE(sub->state, sub->state | PW_SUB_PUT);
	spin_unlock(&pm->lock);
	if (!running)
		pw_sub_free(pm, sub);
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_put);

/**
 * pinwatch_interval_notifier_barrier() - wait for every ops->free()
 *
 * For a module that uses pinwatch_interval_notifier_put(): call it on exit, when
 * no more puts can come, before its text goes. It waits for those of other modules as
 * well, and for as long as they come without a pause.
 *
 * Context: process context, sleeps; not inside a callback.
 */
void pinwatch_interval_notifier_barrier(void)
{
	wait_event(puts_wq, !atomic_long_read(&puts_pending));
	/* The last free() may still be returning, inside a notifier call. */
	mmu_notifier_synchronize();
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_barrier);
