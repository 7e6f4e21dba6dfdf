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
 * A callback can store its value over the value of another callback. If both invalidations are in
 * flight at a time, the later of the two walks has set PW_SUB_MULTI under pm->lock before either
 * of the two ended, which is under pm->lock, too. So a reader that sees either value, and sees that
 * its invalidation has ended, also sees PW_SUB_MULTI, whatever lock the driver uses (litmus
 * multi-visible).
 *
 *   B's lock section first: A's callback drops what B established.
 *   A's callback first, before B's read_begin: B reads S, finds it in its slot,
 *   and waits for the end. Its acquire of the empty slot orders the walk of the
 *   page tables after the change.
 *   A's callback in between: the sequence changed, B retries.
 *   A's callback before B's lock section but A started before @sub was inserted:
 *   insert gave @sub the value S itself.
 *
 * The second of these cases is litmus read-begin, the last one litmus insert-marks and
 * slot-opened-by-insert.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/wait_bit.h>
#include "core.h"
#include "slot.h"
#include "walk.h"

/*
 * A reader that found an invalidation in flight. It waits for the ends of all
 * invalidations that @sub accepted. ->seq names only the last of these, so with
 * PW_SUB_MULTI the reader also waits for every invalidation over @sub that is in flight
 * when the slot of ->seq has ended, with a value of at most ->limit. If @sub accepts a
 * later invalidation, its value changes, and the reader does not wait for that
 * invalidation. An invalidation that @sub does not accept, and that starts after the slot
 * of ->seq has ended, must not prolong the wait either, or a stream of invalidations could
 * starve the reader.
 *
 * The reader waits for one slot after the other, on the address of the slot: the end of an
 * invalidation wakes only the readers that wait for this invalidation.
 *
 * With PW_SUB_MULTI, the reader of a subscription that may sleep also waits for its veto, in
 * PW_SLOT_VETO: see veto.c.
 */
struct read_wait {
	struct pw_mm *pm;
	struct pinwatch_interval_notifier *sub;
	unsigned long seq;
	unsigned long limit;
	unsigned int slot;	/* to wait for, */
	unsigned long value;	/* as long as the slot has this value */
};

/*
 * The slot of ->seq has ended. Return: a slot of an earlier invalidation that @sub may have
 * accepted, PW_SLOT_VETO, or PW_SLOT_NONE. Caller holds pm->lock.
 */
static unsigned int wait_multi(struct read_wait *wait)
{
	struct pinwatch_interval_notifier *sub = wait->sub;
	struct pw_mm *pm = wait->pm;
	unsigned int slot;

	if (!(sub->state & PW_SUB_MULTI))
		return PW_SLOT_NONE;
	/*
	 * Only now: as long as the slot of ->seq is shared and in use, its value can be stored
	 * again after the value of another invalidation, which the reader then cannot see.
	 */
	if (!wait->limit)
		wait->limit = pw_seq_next(pm, PW_SLOT_IDLE);
	slot = pw_slots_overlap(pm, sub, pm->slots_used, wait->limit);
	if (slot == PW_SLOT_NONE && pw_veto_deferred(pm, sub))
		slot = PW_SLOT_VETO;
	if (slot == PW_SLOT_NONE &&
	    pw_slots_overlap(pm, sub, pm->slots_used, ULONG_MAX) == PW_SLOT_NONE) {
		/*
		 * Not while a later invalidation is in flight over @sub: its walk has set the
		 * flag, and its callback may be yet to run.
		 *
		 * Pairs with the acquire of ->state in read_fast(): a reader that sees
		 * MULTI clear must not see the page tables as they were before the
		 * invalidations ended. pm->lock, under which they ended, orders that
		 * without the release, too (litmus multi-cleared).
		 */
		smp_store_release(&sub->state, sub->state & ~PW_SUB_MULTI);
	}
	return slot;
}

/*
 * Return: true if the wait is over; read_begin then returns ->seq. The reader sees the page tables
 * after the invalidations that ended under pm->lock before (litmus wait-over).
 */
static bool wait_over(struct read_wait *wait)
{
	struct pw_mm *pm = wait->pm;

	spin_lock(&pm->lock);
	wait->slot = PW_SLOT_NONE;
	if (pm->dead || READ_ONCE(wait->sub->invalidate_seq) != wait->seq) {
		/*
		 * Dead: no callback will report a change any more. Changed: the read
		 * section has collided. Return a value that never matches, because the
		 * value of a shared slot may be stored again.
		 */
		wait->seq = PW_SEQ_NEVER;
	} else {
		wait->slot = pw_seq_slot(wait->seq);
		if (pm->seqs[wait->slot] != wait->seq)
			wait->slot = wait_multi(wait);
	}
	if (wait->slot != PW_SLOT_NONE) {
		wait->value = pm->seqs[wait->slot];
		pm->slots_waited |= BIT(wait->slot);
	}
	spin_unlock(&pm->lock);
	return wait->slot == PW_SLOT_NONE;
}

/* Does the invalidation that the reader waits for no longer keep the reader? */
static bool slot_ended(const struct read_wait *wait)
{
	return READ_ONCE(wait->pm->dead) ||
	       READ_ONCE(wait->pm->seqs[wait->slot]) != wait->value;
}

/* Return: true if the reader has to wait. */
static bool wait_init(struct read_wait *wait, struct pinwatch_interval_notifier *sub,
		      unsigned long seq)
{
	wait->pm = sub->pm;
	wait->sub = sub;
	wait->seq = seq;
	wait->limit = 0;
	if (wait_over(wait))
		return false;
	pw_stat_inc(waits);
	return true;
}

static noinline unsigned long read_wait(struct pinwatch_interval_notifier *sub,
					unsigned long seq)
{
	struct read_wait wait;

	if (!wait_init(&wait, sub, seq))
		return wait.seq;
	/* Ends when the invalidations have ended, or when the mm is released. */
	do
		wait_var_event(&wait.pm->seqs[wait.slot], slot_ended(&wait));
	while (!wait_over(&wait));
	return wait.seq;
}

/* Set *seq to the value of @sub. Return: true if the reader need not wait. */
static __always_inline bool read_fast(struct pinwatch_interval_notifier *sub,
				      unsigned long *seq)
{
	/*
	 * Pairs with pinwatch_interval_set_seq() and the smp_wmb() in pw_walk(): a reader
	 * that sees the value of an invalidation must not see its slot as it was before,
	 * and one that sees the value of release must not see PW_SUB_MULTI clear (litmus
	 * read-begin, release-multi).
	 */
	*seq = smp_load_acquire(&sub->invalidate_seq);
	pw_might_sleep();
	/* Also if this call does not wait: another call may. */
	lock_map_acquire(&pw_invalidate_map);
	lock_map_release(&pw_invalidate_map);
	/*
	 * Pairs with the release in pw_slot_close(): a reader that sees the slot empty must
	 * not see the page tables as they were before the invalidation ended, and not see
	 * PW_SUB_MULTI as it was before (litmus read-begin, slot-reopened, multi-visible).
	 */
	if (unlikely(smp_load_acquire(&sub->pm->seqs[pw_seq_slot(*seq)]) == *seq))
		return false;
	/*
	 * Pairs with the release in wait_over(): if that cleared MULTI after the earlier
	 * of two invalidations ended, this reader must see the page tables after its end
	 * (litmus multi-cleared).
	 */
	return likely(!(smp_load_acquire(&sub->state) & PW_SUB_MULTI));
}

/**
 * pinwatch_interval_read_begin() - begin a read section
 * @sub: An inserted subscription.
 *
 * Waits for the end of every invalidation that @sub accepted, and of every invalidation
 * that was in flight over the interval when @sub was inserted. Does not wait for
 * invalidations of other ranges, unless so many are in flight in the mm that they share
 * slots (counted in overflows). Invalidations that start later prolong the wait only if
 * they start before those in flight now have ended, unless there is no memory for their
 * records.
 *
 * The wait is not interruptible, and takes as long as the invalidations. It ends early
 * when the mm is released. Then, and if @sub accepts another invalidation meanwhile, the
 * function returns a value for which pinwatch_interval_read_retry() returns true. On a dead mm
 * every value is such a value: the caller's loop has to test for a dead mm
 * (mmget_not_zero() fails, or the callback was called with MMU_NOTIFY_RELEASE).
 *
 * The first call for a subscription without %PINWATCH_OPS_NEVER_SLEEPS can also wait until
 * no invalidation is in flight in the mm: see pinwatch_interval_notifier_insert().
 *
 * Context: process context, may sleep. Not inside a callback, nor under a lock that the
 * callbacks of @sub take. Without %PINWATCH_OPS_NEVER_SLEEPS, not under a lock that any
 * callback in the same mm takes.
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

static int wait_killable(struct read_wait *wait)
{
	int ret;

	do
		ret = wait_var_event_killable(&wait->pm->seqs[wait->slot], slot_ended(wait));
	while (!ret && !wait_over(wait));
	return ret ? -EINTR : 0;
}

/**
 * pinwatch_interval_read_begin_killable() - begin a read section, unless killed
 * @sub: As for pinwatch_interval_read_begin().
 * @seq: Set to the value for pinwatch_interval_read_retry() on success; untouched
 *	otherwise.
 *
 * Context: as pinwatch_interval_read_begin().
 * Return: 0; -EINTR if a fatal signal is pending before the wait is over.
 */
int pinwatch_interval_read_begin_killable(struct pinwatch_interval_notifier *sub,
					  unsigned long *seq)
{
	struct read_wait wait;
	unsigned long cur;
	int ret = 0;

	if (read_fast(sub, &cur)) {
		*seq = cur;
		return 0;
	}
	if (wait_init(&wait, sub, cur))
		ret = wait_killable(&wait);
	if (!ret)
		*seq = wait.seq;
	return ret;
}
EXPORT_SYMBOL_GPL(pinwatch_interval_read_begin_killable);

static int wait_timeout(struct read_wait *wait, unsigned long timeout)
{
	long left = min_t(unsigned long, timeout, MAX_SCHEDULE_TIMEOUT);

	do
		left = wait_var_event_timeout(&wait->pm->seqs[wait->slot],
					      slot_ended(wait), left);
	while (left && !wait_over(wait));
	return left ? 0 : -EBUSY;
}

/**
 * pinwatch_interval_read_begin_timeout() - begin a read section, with a timeout
 * @sub: As for pinwatch_interval_read_begin().
 * @seq: Set to the value for pinwatch_interval_read_retry() on success; untouched
 *	otherwise.
 * @timeout: How long to wait, in jiffies; 0: do not wait.
 *
 * Context: as pinwatch_interval_read_begin(). Not interruptible.
 * Return: 0; -EBUSY if an invalidation is still in flight after @timeout.
 */
int pinwatch_interval_read_begin_timeout(struct pinwatch_interval_notifier *sub,
					 unsigned long *seq, unsigned long timeout)
{
	struct read_wait wait;
	unsigned long cur;
	int ret = 0;

	if (read_fast(sub, &cur)) {
		*seq = cur;
		return 0;
	}
	if (wait_init(&wait, sub, cur))
		ret = wait_timeout(&wait, timeout);
	if (!ret)
		*seq = wait.seq;
	return ret;
}
EXPORT_SYMBOL_GPL(pinwatch_interval_read_begin_timeout);
