// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch: hmm_range_fault() in a loop, with our subscriptions
 *
 * hmm_range_fault() itself only compares range->notifier_seq with the handle's,
 * and so takes ours. hmm_range_fault_unlocked_timeout() calls the kernel's own
 * mmu_interval_read_begin() as well, which reads our sequence and never waits for
 * an invalidation of ours: the value may be that of one in flight, the pages those
 * that are about to go, and nothing would tell. So the section begins with our
 * read_begin here, and counts only if the value is still the same in the end.
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

/* One section. -EBUSY: it collided. */
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
 *	subscription that covers it.
 * @timeout: Jiffies for retries after collisions; 0: no limit.
 *
 * Takes the mmap lock for reading, and repeats until it has the pages of one read
 * section. On success range->notifier_seq is what that section began with:
 * establish the SPTEs under the lock of the callback if
 * pinwatch_interval_read_retry(sub, range->notifier_seq) is false there.
 *
 * Context: may sleep; without the mmap lock, and where
 * pinwatch_interval_read_begin() is allowed.
 * Return: 0; -EBUSY when it still collided after @timeout; -EINTR when a fatal
 * signal came; -EFAULT when the mm is dead or being reaped, or as
 * hmm_range_fault(), like its other errors.
 */
int pinwatch_hmm_range_fault_unlocked_timeout(struct hmm_range *range,
					      unsigned long timeout)
{
	struct mm_struct *mm = range->notifier->mm;
	unsigned long deadline = jiffies + timeout;
	int ret;

	/* Without users it has no pages, and our sections never end well. */
	if (!mmget_not_zero(mm))
		return -EFAULT;
	do {
		ret = fatal_signal_pending(current) ? -EINTR :
		      section(range, timeout, deadline);
	} while (ret == -EBUSY);
	/* The callbacks of the mm's end may take what our caller holds. */
	mmput_async(mm);
	return ret == -ETIME ? -EBUSY : ret;
}
EXPORT_SYMBOL_GPL(pinwatch_hmm_range_fault_unlocked_timeout);
