// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: inserting and removing subscriptions
 *
 * Neither waits for an invalidation. insert marks the new subscription under all
 * invalidations in flight (record.c). remove makes the walks drop the subscription
 * (walk_cancel.c), and sleeps only while a callback of the same subscription runs, or its
 * second pass is pending.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/oom.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/wait.h>
#include "core.h"
#include "slot.h"
#include "walk.h"

/*
 * The first value of a subscription is new and contains the idle slot. So no two
 * subscriptions begin with the same value, and no invalidation has that value.
 */
static __always_inline void sub_link(struct pw_mm *pm,
				     struct pinwatch_interval_notifier *sub,
				     unsigned int flags)
{
	unsigned int class = 0;
	u64 stamp = pm->gen + 1;

	if (unlikely(flags & (PW_SUB_FILTERED | PW_SUB_SLEEPS)))
		class = pw_class_of(pm, sub->ops, flags);
	if (unlikely(flags))
		pm->plain = false;
	sub->pm = pm;
	sub->state = stamp << PW_SUB_STAMP_SHIFT | class << PW_SUB_CLASS_SHIFT | flags;
	sub->invalidate_seq = pw_seq_next(pm, PW_SLOT_IDLE);
	pw_tree_insert(&pm->classes[class].tree, &sub->interval_tree);
	pm->nr_subs++;
	if (unlikely(pw_filter_wanted(&pm->filter, pm->nr_subs)))
		pw_filter_insert(pm, sub);
	WRITE_ONCE(pm->gen, stamp);
	/*
	 * Pairs with the xchg in mn_invalidate_range_start(): it cannot happen that start
	 * misses the new gen, or the count of @sub, and insert misses the key. See record.c
	 * (litmus start-insert, filter-start-insert).
	 */
	smp_mb();
	/* Otherwise an earlier insert saw each ended record (litmus insert-after-insert). */
	if (unlikely(pm->nr_maybe))
		pw_record_mark_insert(pm, sub);
	pw_stat_inc(nr_subscriptions);
}

/*
 * Link a subscription that may sleep. The reaper sets MMF_UNSTABLE before its first range:
 *
 *   reaper				insert
 *
 *   MMF_UNSTABLE = 1			lock
 *   veto: lock				  MMF_UNSTABLE? fail
 *     search for a sleeper		  link the subscription
 *   unlock				unlock
 *
 *   [Required: the veto finds the subscription, or insert fails. Litmus reaper-insert.]
 *
 * Return: 0; -ENOENT if no veto covers @sub; -ESRCH. Caller holds pm->lock.
 */
static noinline int sub_link_sleeper(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
				     unsigned int flags)
{
	struct pw_veto *veto = pw_veto_find(pm, sub->interval_tree.start,
					    sub->interval_tree.last);

	if (!veto)
		return -ENOENT;
	if (check_stable_address_space(sub->mm))
		return -ESRCH;
	sub_link(pm, sub, flags);
	pw_veto_mark(veto, sub);
	return 0;
}

/* Return: as sub_link_sleeper(). Caller holds pm->lock. */
static __always_inline int sub_link_any(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
					unsigned int flags)
{
	if (unlikely(flags & PW_SUB_SLEEPS))
		return sub_link_sleeper(pm, sub, flags);
	sub_link(pm, sub, flags);
	return 0;
}

/*
 * Return: 0; -ENOENT if the mm is not registered, or no veto covers a @sub that may sleep;
 * -ESRCH if the mm is dead, or is being reaped and @sub may sleep.
 */
static __always_inline int sub_insert(struct pinwatch_interval_notifier *sub,
				      unsigned int flags)
{
	struct pw_mm *pm;
	int ret = 0;

	/* Pairs with kvfree_rcu() in pw_mm_free() (litmus mm-lookup). */
	pw_lookup_begin();
	pm = pw_mm_lookup(sub->mm);
	if (unlikely(!pm)) {
		pw_lookup_end();
		return -ENOENT;
	}
	spin_lock(&pm->lock);
	if (likely(pm->open))
		ret = sub_link_any(pm, sub, flags);
	else
		ret = pm->dead ? -ESRCH : -ENOENT;
	spin_unlock(&pm->lock);
	pw_lookup_end();
	return ret;
}

/* Drop a subscription or reservation from the count. Releases pm->lock. */
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

/* Drop a reservation. */
void pw_sub_unreserve(struct pw_mm *pm)
{
	spin_lock(&pm->lock);
	sub_uncount_unlock(pm);
}

/*
 * Insert with the steps that sleep: registration and the veto. @pm stays reserved
 * (counted in nr_subs). Do not use @sub after it is linked: a callback may have put it.
 */
static int sub_insert_first(struct pinwatch_interval_notifier *sub,
			    unsigned int flags, bool locked)
{
	struct mm_struct *mm = sub->mm;
	struct pw_mm *pm;
	int ret = 0;

	/* Registration needs mm_users. Release does not run while mm_users is held. */
	if (!mmget_not_zero(mm))
		return -ESRCH;
	pm = pw_mm_register(mm, locked);
	if (IS_ERR(pm)) {
		ret = PTR_ERR(pm);
		goto out;
	}
	if (flags & PW_SUB_SLEEPS)
		ret = pw_veto_ensure(pm, sub->interval_tree.start, sub->interval_tree.last,
				     locked);
	if (!ret) {
		spin_lock(&pm->lock);
		ret = sub_link_any(pm, sub, flags);
		spin_unlock(&pm->lock);
	}
	spin_lock(&pm->lock);
	sub_uncount_unlock(pm);
out:
	/* Async: the last mmput() must not run under the mmap lock. */
	mmput_async(mm);
	return ret;
}

/* The common case: one pass, never sleeps, no filter. */
static __always_inline bool
ops_are_plain(const struct pinwatch_interval_notifier_ops *ops)
{
	return ops->invalidate && !ops->invalidate_start && !ops->owner &&
	       !ops->ignore_events && ops->flags == PINWATCH_OPS_NEVER_SLEEPS;
}

/* Return: the PW_SUB_* flags for @ops, or -EINVAL. */
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
	/* If the mm dies later, release calls the subscription. */
	return likely(atomic_read(&mm->mm_users)) ? 0 : -ESRCH;
}

static noinline int sub_insert_slow(struct pinwatch_interval_notifier *sub,
				    unsigned int flags, bool locked)
{
	int ret = sub_insert(sub, flags);

	return ret == -ENOENT ? sub_insert_first(sub, flags, locked) : ret;
}

/**
 * pinwatch_interval_notifier_insert() - subscribe to the changes of a range
 * @sub: The subscription, embedded in an object of the driver.
 * @mm: The mm. The caller keeps the pointer valid during the call: @mm is current->mm,
 *	or the caller holds mm_count or mm_users.
 * @start: First byte; any alignment.
 * @length: Length in bytes, not 0; @start + @length - 1 must not wrap.
 * @ops: The callbacks. Must stay valid and unchanged until the subscription ends.
 *
 * Callbacks may run before this function returns. Callbacks need not be called for
 * invalidations that are in flight over the range already. The first
 * pinwatch_interval_read_begin() waits for the ends of these, so the caller must call
 * it before it relies on a page table entry.
 *
 * The engine holds mm_count, not mm_users: a subscription does not keep the memory of
 * the process. When the mm is torn down, the callback is called with RELEASE and then
 * with UNMAP over [0, ULONG_MAX]. The driver still has to remove the subscription, at
 * any time.
 *
 * Context: process context, without the mmap lock. May sleep for the first subscription
 * in an mm, and for the first one after the mm was without subscriptions for idle_ms: both
 * take the mmap lock for writing and wait for the invalidations in flight in @mm. A driver
 * that inserts and removes all the time, and must not wait, keeps one subscription.
 * Without %PINWATCH_OPS_NEVER_SLEEPS, the first such subscription in a block of 64 MiB (or
 * in the larger block that the interval needs) takes the mmap lock for writing, too. If
 * invalidations are in flight in @mm, then the first pinwatch_interval_read_begin() waits
 * until none is.
 * Return: 0; -EOVERFLOW if @length is 0 or the range wraps; -EINVAL if @ops is invalid;
 * -ESRCH if @mm is being torn down or, without %PINWATCH_OPS_NEVER_SLEEPS, is being
 * reaped. Calls that have to register with @mm, or to insert a veto, can also return
 * -ENOMEM, and -EINTR if a fatal signal is pending.
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
 * pinwatch_interval_notifier_insert_locked() - subscribe while holding the mmap lock
 * @sub: As for pinwatch_interval_notifier_insert().
 * @mm: As for pinwatch_interval_notifier_insert().
 * @start: As for pinwatch_interval_notifier_insert().
 * @length: As for pinwatch_interval_notifier_insert().
 * @ops: As for pinwatch_interval_notifier_insert().
 *
 * For callers that hold the mmap lock of @mm for writing, such as a driver's mmap(). Without
 * %PINWATCH_OPS_NEVER_SLEEPS, the first such subscription in a block needs memory, but does
 * not wait for memory reclaim: so the caller may hold a lock that callbacks take, except for
 * the first subscription, and the first without %PINWATCH_OPS_NEVER_SLEEPS, in an mm, and the
 * first one after the mm was without subscriptions for idle_ms.
 *
 * Context: process context, mmap lock of @mm held for writing. May sleep.
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
 * pw_sub_insert_flags() - subscribe with the ops of the kernel
 * @sub: As for pinwatch_interval_notifier_insert(). Must not be put.
 * @mm: As for pinwatch_interval_notifier_insert().
 * @start: As for pinwatch_interval_notifier_insert().
 * @length: As for pinwatch_interval_notifier_insert().
 * @ops: Has ->invalidate at the same offset as struct pinwatch_interval_notifier_ops
 *	and, with PW_SUB_TWO_PASS, ->invalidate_start and ->invalidate_finish.
 * @flags: PW_SUB_SLEEPS, PW_SUB_TWO_PASS.
 * @locked: The caller holds the mmap lock of @mm for writing.
 *
 * Context: as pinwatch_interval_notifier_insert() or, with @locked, as
 * pinwatch_interval_notifier_insert_locked().
 * Return: as pinwatch_interval_notifier_insert().
 */
int pw_sub_insert_flags(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
			unsigned long start, unsigned long length, const void *ops,
			unsigned int flags, bool locked)
{
	int ret = sub_init(sub, mm, start, length, ops);

	return unlikely(ret) ? ret : sub_insert_slow(sub, flags, locked);
}

/* No callback of @sub runs any more: drop the references of @sub. */
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
	/*
	 * Ends when the callback of @sub, or its pending second pass, returns. No other
	 * callback of @sub can start.
	 */
	wait_var_event(sub, !pw_walk_running(pm, sub));
	spin_lock(&pm->lock);
	pm->nr_waiters--;
	spin_unlock(&pm->lock);
	sub_drop(pm);
}

static __always_inline bool sub_unlink(struct pw_mm *pm,
				       struct pinwatch_interval_notifier *sub, bool put)
{
	bool running = false;

	if (unlikely(pm->slots_used | (unsigned long)pm->walks.first))
		running = pw_walk_cancel(pm, sub, put);
	pw_tree_erase(&pm->classes[pw_sub_class(sub)].tree, &sub->interval_tree);
	if (unlikely(pw_filter_in_use(&pm->filter)))
		pw_filter_remove(pm, sub);
	return running;
}

/**
 * pinwatch_interval_notifier_remove() - end a subscription
 * @sub: An inserted subscription.
 *
 * When this function returns, no callback of @sub runs or will run, and @sub may be
 * freed. No task may be in pinwatch_interval_read_begin() for @sub. Waits only for a
 * callback of @sub that runs now or whose second pass is pending. A second pass comes
 * after the first passes of all subscriptions that the same invalidation overlaps.
 *
 * Context: process context, may sleep. Not inside a callback of any subscription in the
 * same mm, nor under a lock that the callbacks of @sub take. If ops->invalidate_start is
 * set, not under a lock that any callback in the same mm takes. The mmap lock may be
 * held.
 */
void pinwatch_interval_notifier_remove(struct pinwatch_interval_notifier *sub)
{
	struct pw_mm *pm = sub->pm;

	pw_might_sleep();
	lock_map_acquire(&pw_invalidate_map);
	lock_map_release(&pw_invalidate_map);

	spin_lock(&pm->lock);
	if (unlikely(sub_unlink(pm, sub, false))) {
		pm->nr_waiters++;
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

/* Free @sub, which put has unlinked and no walk holds. */
void pw_sub_free(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	const struct pinwatch_interval_notifier_ops *ops = sub->ops;

	sub_drop(pm);
	if (ops->free)
		ops->free(sub);
	/* Pairs with the wait in pinwatch_interval_notifier_barrier() (litmus put-text). */
	if (atomic_long_dec_and_test(&puts_pending))
		wake_up_all(&puts_wq);
}

/**
 * pinwatch_interval_notifier_put() - end a subscription without waiting
 * @sub: An inserted subscription.
 *
 * A callback of @sub that a task is about to call may still begin after this function has
 * returned, because the function does not wait; no callback begins after ops->free(). When
 * no callback of @sub runs any more, ops->free() is called, possibly before this function
 * returns. @sub must not be freed before ops->free(), and neither must anything else that
 * the callbacks of @sub use.
 *
 * Context: process context, callbacks included, also those of @sub. Does not sleep.
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
 * A module that uses pinwatch_interval_notifier_put() has to call this function on exit,
 * after its last put and before its text is freed. The function also waits for the puts
 * of other modules, as long as these follow each other without a pause.
 *
 * Context: process context, sleeps; not inside a callback.
 */
void pinwatch_interval_notifier_barrier(void)
{
	wait_event(puts_wq, !atomic_long_read(&puts_pending));
	/*
	 * Every ops->free() has returned. The last pw_sub_free() of a walk may still be returning,
	 * inside a notifier call (litmus put-text).
	 */
	mmu_notifier_synchronize();
}
EXPORT_SYMBOL_GPL(pinwatch_interval_notifier_barrier);
