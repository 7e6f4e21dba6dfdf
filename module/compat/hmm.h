/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: one pass of hmm_range_fault() without the mmap lock
 */
#ifndef _PW_COMPAT_HMM_H
#define _PW_COMPAT_HMM_H

#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/oom.h>

/*
 * Since 7.3 the kernel can drop the mmap lock during a fault. Then it reads
 * range->notifier_seq again and repeats, for up to @timeout jiffies, without a limit if
 * @timeout is 0. On older kernels: one pass, and @timeout is unused.
 */
static inline int pw_hmm_range_fault_unlocked(struct hmm_range *range,
					      unsigned long timeout)
{
#ifdef PW_HAVE_HMM_UNLOCKED
	return hmm_range_fault_unlocked_timeout(range, timeout);
#else
	struct mm_struct *mm = range->notifier->mm;
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = check_stable_address_space(mm) ? -EFAULT : hmm_range_fault(range);
	mmap_read_unlock(mm);
	return ret;
#endif
}

#endif /* _PW_COMPAT_HMM_H */
