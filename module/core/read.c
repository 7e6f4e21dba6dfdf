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
 * A read that found an invalidation in flight, and waits for it. All of them have
 * to end that @sub accepted; one value names only the last of them, so with
 * PW_SUB_MULTI everything counts that is in flight over @sub and started no later
 * than @limit. No later: others change the value, which ends the wait as well, or
 * were not accepted; a stream of them must not make the reader starve.
 */
struct read_wait {
	struct pw_mm *pm;
	struct pinwatch_interval_notifier *sub;
	unsigned long seq;
	unsigned long limit;
};

/* Is the wait over? If so, ->seq is what read_begin returns. */
static bool wait_over(struct read_wait *wait)
{
	struct pinwatch_interval_notifier *sub = wait->sub;
	struct pw_mm *pm = wait->pm;
	bool over = true;

	spin_lock(&pm->lock);
	if (pm->dead || READ_ONCE(sub->invalidate_seq) != wait->seq) {
		/*
		 * Dead: no callback may ever tell of a change again. Changed: the
		 * section is doomed. Say so, since the coarse slot's value may be
		 * stored again.
		 */
		wait->seq = PW_SEQ_NEVER;
	} else if (pm->seqs[pw_seq_slot(wait->seq)] == wait->seq) {
		over = false;
	} else if (sub->state & PW_SUB_MULTI) {
		over = !pw_slots_overlap(pm, sub, pm->slots_used, wait->limit);
		if (over && !pw_slots_overlap(pm, sub, pm->slots_used, ULONG_MAX)) {
			/* Pairs with the last acquire in read_fast(). */
			smp_store_release(&sub->state, sub->state & ~PW_SUB_MULTI);
		}
	}
	spin_unlock(&pm->lock);
	return over;
}

/* Return: true when there is something to wait for. */
static bool wait_init(struct read_wait *wait, struct pinwatch_interval_notifier *sub,
		      unsigned long seq)
{
	wait->pm = sub->pm;
	wait->sub = sub;
	wait->seq = seq;
	spin_lock(&wait->pm->lock);
	/*
	 * Many invalidations share the coarse slot's value: the one that stored it
	 * last may be younger than one that another value named in between.
	 */
	wait->limit = pw_seq_slot(seq) == PW_SLOT_COARSE ? ULONG_MAX :
		      pw_seq_next(wait->pm, PW_SLOT_IDLE);
	spin_unlock(&wait->pm->lock);

	lock_map_acquire(&pw_invalidate_map);
	lock_map_release(&pw_invalidate_map);
	if (wait_over(wait))
		return false;
	pw_stat_inc(waits);
	return true;
}

static noinline unsigned long read_wait(struct pinwatch_interval_notifier *sub,
					unsigned long seq)
{
	struct read_wait wait;

	/* Ends with the last end, or when the value or the mm is gone. */
	if (wait_init(&wait, sub, seq))
		wait_event(wait.pm->read_wq, wait_over(&wait));
	return wait.seq;
}

/* Return: true, with *seq the value to look out for, when there is no need to wait. */
static __always_inline bool read_fast(struct pinwatch_interval_notifier *sub,
				      unsigned long *seq)
{
	/*
	 * Pairs with pinwatch_interval_set_seq() and the smp_wmb() of the walk:
	 * whoever sees the later of two values sees PW_SUB_MULTI as well.
	 */
	*seq = smp_load_acquire(&sub->invalidate_seq);
	pw_might_sleep();
	/* Pairs with the release in slot_close(): see there. */
	if (unlikely(smp_load_acquire(&sub->pm->seqs[pw_seq_slot(*seq)]) == *seq))
		return false;
	/*
	 * Pairs with the release in wait_over(): that it is clear may be all that says
	 * that the earlier of two invalidations has ended.
	 */
	return likely(!(smp_load_acquire(&sub->state) & PW_SUB_MULTI));
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
 * The wait is not interruptible and as long as the invalidation. It also ends when
 * another one was accepted meanwhile, and when the mm is being torn down: with a
 * value for which pinwatch_interval_read_retry() is always true. On a dead mm that
 * is so for ever: the caller's loop must look for it (mmget_not_zero() fails, or
 * the callback was given MMU_NOTIFY_RELEASE).
 *
 * Context: may sleep. Not inside ops->invalidate(), nor under a lock that it
 * takes.
 * Return: the value for pinwatch_interval_read_retry().
 */
unsigned long pinwatch_interval_read_begin(struct pinwatch_interval_notifier *sub)
{
	unsigned long seq;

	if (read_fast(sub, &seq))
		return seq;
	return read_wait(sub, seq);
}
EXPORT_SYMBOL_GPL(pinwatch_interval_read_begin);

/**
 * pinwatch_interval_read_begin_killable() - begin a read section, or die
 * @sub: As for pinwatch_interval_read_begin().
 * @seq: Set to the value for pinwatch_interval_read_retry() on success; untouched
 *	otherwise.
 *
 * Context: as pinwatch_interval_read_begin().
 * Return: 0; -EINTR when a fatal signal came first.
 */
int pinwatch_interval_read_begin_killable(struct pinwatch_interval_notifier *sub,
					  unsigned long *seq)
{
	struct read_wait wait;
	unsigned long cur;

	if (read_fast(sub, &cur)) {
		*seq = cur;
		return 0;
	}
	if (wait_init(&wait, sub, cur) &&
	    wait_event_killable(wait.pm->read_wq, wait_over(&wait)))
		return -EINTR;
	*seq = wait.seq;
	return 0;
}
EXPORT_SYMBOL_GPL(pinwatch_interval_read_begin_killable);

/**
 * pinwatch_interval_read_begin_timeout() - begin a read section, in bounded time
 * @sub: As for pinwatch_interval_read_begin().
 * @seq: Set to the value for pinwatch_interval_read_retry() on success; untouched
 *	otherwise.
 * @timeout: Jiffies; 0 only looks.
 *
 * Context: as pinwatch_interval_read_begin(). Not interruptible.
 * Return: 0; -EBUSY when an invalidation was still in flight after @timeout.
 */
int pinwatch_interval_read_begin_timeout(struct pinwatch_interval_notifier *sub,
					 unsigned long *seq, unsigned long timeout)
{
	struct read_wait wait;
	unsigned long cur;

	if (read_fast(sub, &cur)) {
		*seq = cur;
		return 0;
	}
	if (wait_init(&wait, sub, cur) &&
	    !wait_event_timeout(wait.pm->read_wq, wait_over(&wait), timeout))
		return -EBUSY;
	*seq = wait.seq;
	return 0;
}
EXPORT_SYMBOL_GPL(pinwatch_interval_read_begin_timeout);
