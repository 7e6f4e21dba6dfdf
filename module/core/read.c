// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the reader's side of collision-retry
 *
 * How the two sides meet, A the invalidation, B the reader:
 *
 *   A: start				B: seq = read_begin()
 *      seqs[slot] = S			   get the pages
 *      callback: lock, set_seq(S),	   lock
 *		  drop SPTEs, unlock	   read_retry(seq)? establish SPTEs
 *      ... page tables change ...	   unlock
 *   A: end
 *      seqs[slot] = 0 (release)
 *
 *   B's lock section first: A's callback drops what B established.
 *   A's callback first, before B's read_begin: B reads S, finds it in its slot,
 *   and waits for the end. Its acquire of the empty slot orders the walk of the
 *   page tables after the change.
 *   A's callback in between: the sequence changed, B retries.
 *   A's callback before B's lock section but A started before @sub was inserted:
 *   insert gave @sub the value S itself.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include "core.h"

/*
 * Is an invalidation that @sub accepted still in flight? With PW_SUB_MULTI the
 * one answer that one value gives is not enough: then what counts is whatever is
 * in flight over @sub and started no later than @limit, so that later ones, which
 * change the value or were not accepted, cannot make the reader starve.
 */
static bool read_blocked(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
			 unsigned long seq, unsigned long limit)
{
	bool blocked = false;

	spin_lock(&pm->lock);
	if (pm->dead || READ_ONCE(sub->invalidate_seq) != seq)
		goto out;
	if (pm->seqs[pw_seq_slot(seq)] == seq) {
		blocked = true;
	} else if (sub->flags & PW_SUB_MULTI) {
		blocked = pw_slots_overlap(pm, sub, pm->slots_used, limit);
		if (!blocked && !pw_slots_overlap(pm, sub, pm->slots_used, ULONG_MAX))
			WRITE_ONCE(sub->flags, sub->flags & ~PW_SUB_MULTI);
	}
out:
	spin_unlock(&pm->lock);
	return blocked;
}

static noinline unsigned long read_wait(struct pinwatch_interval_notifier *sub,
					unsigned long seq)
{
	struct pw_mm *pm = sub->pm;
	unsigned long limit;

	spin_lock(&pm->lock);
	limit = pw_seq_next(pm, PW_SLOT_IDLE);
	spin_unlock(&pm->lock);

	lock_map_acquire(&pw_invalidate_map);
	lock_map_release(&pw_invalidate_map);
	if (read_blocked(pm, sub, seq, limit)) {
		pw_stat_inc(waits);
		/* Ends with the last end, or when the value or the mm is gone. */
		wait_event(pm->read_wq, !read_blocked(pm, sub, seq, limit));
	}
	/* When it is set, no callback may ever tell of a change again. */
	return READ_ONCE(pm->dead) ? PW_SEQ_NEVER : seq;
}

/**
 * pinwatch_interval_read_begin() - begin a read section
 * @sub: An inserted subscription.
 *
 * Waits until no invalidation that @sub accepted, or that was in flight over its
 * interval when it was inserted, is in flight any more, or until another one is
 * accepted. Invalidations of other ranges never make it wait, unless so many are
 * in flight at once that records run out (counted as overflows).
 *
 * The wait is not interruptible and as long as the invalidation. When the mm is
 * being torn down it returns at once, with a value for which
 * pinwatch_interval_read_retry() is always true: the caller's loop must look for
 * that (mmget_not_zero() fails, or the callback was given MMU_NOTIFY_RELEASE).
 *
 * Context: may sleep. Not inside ops->invalidate(), nor under a lock that it
 * takes.
 * Return: the value for pinwatch_interval_read_retry().
 */
unsigned long pinwatch_interval_read_begin(struct pinwatch_interval_notifier *sub)
{
	/*
	 * Pairs with pinwatch_interval_set_seq() and the smp_wmb() of the walk:
	 * whoever sees the later of two values sees PW_SUB_MULTI as well.
	 */
	unsigned long seq = smp_load_acquire(&sub->invalidate_seq);

	pw_might_sleep();
	/* Pairs with the release in slot_close(): see there. */
	if (likely(smp_load_acquire(&sub->pm->seqs[pw_seq_slot(seq)]) != seq &&
		   !READ_ONCE(sub->flags)))
		return seq;
	return read_wait(sub, seq);
}
EXPORT_SYMBOL_GPL(pinwatch_interval_read_begin);
