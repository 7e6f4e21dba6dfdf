// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch: hmm_range_fault() in a loop, with our subscriptions
 *
 * hmm_range_fault() only compares range->notifier_seq with the sequence of the handle,
 * so it works with a handle of pinwatch. hmm_range_fault_unlocked_timeout() also calls
 * the kernel's mmu_interval_read_begin(), which reads the sequence of the handle and
 * never waits for an invalidation that pinwatch tracks. So it can return pages that an
 * invalidation in flight is about to unmap. The function below begins each section with
 * pinwatch_interval_read_begin(), and uses the result only if the value did not change.
 */
#include <linux/export.h>
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "../compat/hmm.h"
#include "dropin.h"

static int section_begin(struct hmm_range *range, unsigned long *seq)
{
	struct mmu_interval_notifier *mni = range->notifier;

	if (pw_dropin_is_ours(mni))
		return pinwatch_interval_read_begin_killable(pw_dropin_sub(mni), seq);
	*seq = mmu_interval_read_begin(mni);
	return 0;
}

/* Run one section. Return: -EBUSY if it collided, -ETIME after @deadline. */
static int section(struct hmm_range *range, unsigned long timeout,
		   unsigned long deadline)
{
	unsigned long seq, left = 0;
	int ret = section_begin(range, &seq);

	if (ret)
		return ret;
	if (timeout) {
		left = deadline - jiffies;
		if ((long)left <= 0)
			return -ETIME;
	}
	range->notifier_seq = seq;
	if (mmu_interval_check_retry(range->notifier, seq))
		return -EBUSY;
	ret = pw_hmm_range_fault_unlocked(range, left);
	return !ret && range->notifier_seq != seq ? -EBUSY : ret;
}

/**
 * pinwatch_hmm_range_fault_unlocked_timeout() - fault in a range, without the lock
 * @range: As for hmm_range_fault(); ->notifier is &sub->mni of an inserted
 *	subscription that covers the range.
 * @timeout: How long to retry after collisions, in jiffies; 0: no limit.
 *
 * Takes the mmap lock for reading, and repeats until a read section did not collide. On
 * success, range->notifier_seq is the value with which that section began. Establish the
 * SPTEs under the lock of the callback, if
 * pinwatch_interval_read_retry(sub, range->notifier_seq) returns false there.
 *
 * Context: process context, may sleep; without the mmap lock, and where
 * pinwatch_interval_read_begin() is allowed.
 * Return: 0; -EBUSY if the sections still collide after @timeout; -EINTR if a fatal
 * signal is pending; -EFAULT if the mm is dead or being reaped; otherwise an error of
 * hmm_range_fault().
 */
int pinwatch_hmm_range_fault_unlocked_timeout(struct hmm_range *range,
					      unsigned long timeout)
{
	struct mm_struct *mm = range->notifier->mm;
	unsigned long deadline = jiffies + timeout;
	int ret;

	/* An mm without users has no pages, and every section would collide. */
	if (!mmget_not_zero(mm))
		return -EFAULT;
	do {
		ret = fatal_signal_pending(current) ? -EINTR :
		      section(range, timeout, deadline);
	} while (ret == -EBUSY);
	/* Async: release calls callbacks, which may take locks that the caller holds. */
	mmput_async(mm);
	return ret == -ETIME ? -EBUSY : ret;
}
EXPORT_SYMBOL_GPL(pinwatch_hmm_range_fault_unlocked_timeout);
