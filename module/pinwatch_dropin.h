/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch: an unmodified mmu_interval_notifier driver on pinwatch
 *
 * Force-included in front of a driver's sources, it renames the kernel's five
 * functions to ours. Nothing else is to be changed; struct mmu_interval_notifier,
 * its ops, mmu_interval_set_seq(), _read_retry(), _check_retry() and
 * hmm_range_fault() stay the kernel's own. For a driver out of tree:
 *
 *	make -C $KDIR M=$PWD KBUILD_EXTRA_SYMBOLS=$PINWATCH/module/Module.symvers \
 *		KCFLAGS="-I$PINWATCH/module -include pinwatch_dropin.h" modules
 *
 * It needs nothing of <linux/...> and includes none, so that the driver's own
 * #define pr_fmt still comes first.
 *
 * Objects of a module that are compiled without this header need not be avoided:
 * the ones with it define the kernel's names too, weakly, and the linker binds the
 * rest of the module to those. -DPINWATCH_DROPIN_THIS_OBJECT_ONLY leaves them out,
 * for a module that means to use both engines.
 *
 * Handles cross modules as well (ib_uverbs makes those of mlx5_ib and rdma_rxe).
 * One that the kernel's own insert has made is recognised, and passed on to the
 * kernel. The other way round nothing can help: a *module* without this header
 * must not call
 *
 *	mmu_interval_read_begin()		does not wait, and may let stale pages
 *						be established
 *	mmu_interval_notifier_remove()		corrupts the kernel's tree
 *	hmm_range_fault_unlocked_timeout()	like read_begin
 *
 * on a handle that pinwatch made; the inline functions and hmm_range_fault() are
 * fine. `scripts/vm/dropin --audit MODULE.ko...` in pinwatch's sources tells which of
 * these a module calls.
 *
 * What is different from the kernel's own:
 *
 * - read_begin waits only for invalidations that overlap this subscription; insert
 *   is never deferred, so a callback can come before insert has returned; remove
 *   waits only for a callback of this subscription that runs. A driver that frees
 *   what callbacks of its other subscriptions use needs mmu_notifier_synchronize()
 *   or a reference count: the kernel's remove happens to outwait them too.
 * - The first insert in an mm waits, not killable, until nothing is in flight in
 *   that mm, under the mmap lock too if the caller holds it. The kernel's defers
 *   instead, and lets the first read_begin wait.
 * - Insert in an mm that is being torn down returns -ESRCH, without a WARN; and
 *   when it fails, ->mm is NULL and the interval empty, as if the handle had never
 *   been touched.
 * - On a dead mm, read_begin returns a value for which read_retry is always true,
 *   and hmm_range_fault() returns -EBUSY where the kernel's would come to -EFAULT.
 *   A loop that has neither a timeout nor mmget_not_zero() in it does not end.
 *   hmm_range_fault_unlocked_timeout() returns -EFAULT, as ever.
 * - hmm_range_fault_unlocked_timeout() is there on every kernel; below 7.3 without
 *   support for faults that drop the mmap lock (userfaultfd: -EFAULT). It counts
 *   the time spent waiting for an invalidation, and can be killed while it waits.
 * - When the process exits a callback is given RELEASE and then UNMAP over
 *   everything, both before any page goes.
 * - A callback is never called for a range that is not blockable. The driver has
 *   declared nothing, so pinwatch has the kernel refuse such an invalidation
 *   (-EAGAIN to the OOM reaper, which comes back) by a real, mm-wide
 *   mmu_interval_notifier, inserted with the first such subscription.
 * - ->deferred_item, which no driver uses, is ours.
 */
#ifndef _PINWATCH_DROPIN_H
#define _PINWATCH_DROPIN_H

#ifndef __ASSEMBLER__

struct hmm_range;
struct mm_struct;
struct mmu_interval_notifier;
struct mmu_interval_notifier_ops;

int pinwatch_dropin_insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
			   unsigned long start, unsigned long length,
			   const struct mmu_interval_notifier_ops *ops);
int pinwatch_dropin_insert_locked(struct mmu_interval_notifier *mni,
				  struct mm_struct *mm,
				  unsigned long start, unsigned long length,
				  const struct mmu_interval_notifier_ops *ops);
void pinwatch_dropin_remove(struct mmu_interval_notifier *mni);
unsigned long pinwatch_dropin_read_begin(struct mmu_interval_notifier *mni);
int pinwatch_hmm_range_fault_unlocked_timeout(struct hmm_range *range,
					      unsigned long timeout);

#ifndef PINWATCH_DROPIN_DECLARE_ONLY
#ifndef PINWATCH_DROPIN_THIS_OBJECT_ONLY

int mmu_interval_notifier_insert(struct mmu_interval_notifier *mni,
				 struct mm_struct *mm, unsigned long start,
				 unsigned long length,
				 const struct mmu_interval_notifier_ops *ops);
int __weak mmu_interval_notifier_insert(struct mmu_interval_notifier *mni,
					struct mm_struct *mm, unsigned long start,
					unsigned long length,
					const struct mmu_interval_notifier_ops *ops)
{
	return pinwatch_dropin_insert(mni, mm, start, length, ops);
}

int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *mni,
					struct mm_struct *mm, unsigned long start,
					unsigned long length,
					const struct mmu_interval_notifier_ops *ops);
int __weak mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *mni,
					       struct mm_struct *mm,
					       unsigned long start,
					       unsigned long length,
					       const struct mmu_interval_notifier_ops *ops)
{
	return pinwatch_dropin_insert_locked(mni, mm, start, length, ops);
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *mni);
void __weak mmu_interval_notifier_remove(struct mmu_interval_notifier *mni)
{
	pinwatch_dropin_remove(mni);
}

unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *mni);
unsigned long __weak mmu_interval_read_begin(struct mmu_interval_notifier *mni)
{
	return pinwatch_dropin_read_begin(mni);
}

int hmm_range_fault_unlocked_timeout(struct hmm_range *range, unsigned long timeout);
int __weak hmm_range_fault_unlocked_timeout(struct hmm_range *range,
					    unsigned long timeout)
{
	return pinwatch_hmm_range_fault_unlocked_timeout(range, timeout);
}

#endif /* PINWATCH_DROPIN_THIS_OBJECT_ONLY */

#define mmu_interval_notifier_insert		pinwatch_dropin_insert
#define mmu_interval_notifier_insert_locked	pinwatch_dropin_insert_locked
#define mmu_interval_notifier_remove		pinwatch_dropin_remove
#define mmu_interval_read_begin			pinwatch_dropin_read_begin
#define hmm_range_fault_unlocked_timeout	pinwatch_hmm_range_fault_unlocked_timeout

#endif /* PINWATCH_DROPIN_DECLARE_ONLY */
#endif /* __ASSEMBLER__ */

#endif /* _PINWATCH_DROPIN_H */
