/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch: an unmodified mmu_interval_notifier driver on pinwatch
 *
 * Force-include this header in front of the sources of a driver. It renames five
 * functions of the kernel to functions of pinwatch. The driver needs no other change:
 * struct mmu_interval_notifier, its ops, mmu_interval_set_seq(), _read_retry(),
 * _check_retry() and hmm_range_fault() stay those of the kernel. For an out-of-tree driver:
 *
 *	make -C $KDIR M=$PWD KBUILD_EXTRA_SYMBOLS=$PINWATCH/module/Module.symvers \
 *		KCFLAGS="-I$PINWATCH/module -include pinwatch_dropin.h" modules
 *
 * For a copy of an in-tree driver, keep the directories of the kernel's tree below one
 * directory $COPY, make an empty directory $COPY/include/trace, and add
 * -I$COPY/include/trace to KCFLAGS: TRACE_INCLUDE_PATH is relative to that directory.
 * Kbuild also needs a host compiler (HOSTCC; on Debian the package gcc).
 *
 * The header includes no other header, so that a #define pr_fmt of the driver still
 * comes before the first include.
 *
 * The header only declares and renames: an object needs the functions of pinwatch that
 * the object calls, and no others. Compile all objects of a module with the header. If
 * that is impossible, define PINWATCH_DROPIN_OTHER_OBJECTS for one object with the header.
 * That object also defines the kernel's names as weak symbols, and the linker binds the
 * other objects of the module to these. The module then needs all five functions.
 *
 * Handles can pass from module to module (ib_uverbs, or ib_core since 7.x, makes the
 * handles of mlx5_ib and rdma_rxe).
 * The functions below recognise a handle that the kernel's insert made, and
 * call the kernel's function. The reverse is impossible: a *module* without this header
 * must not call
 *
 *	mmu_interval_read_begin()		does not wait, and may let stale pages
 *						be established
 *	mmu_interval_notifier_remove()		corrupts the kernel's tree
 *	hmm_range_fault_unlocked_timeout()	like read_begin
 *
 * on a handle that pinwatch made. The module may call the inline functions and
 * hmm_range_fault(). `pinwatch-bind --audit MODULE.ko...` reports which of these functions a
 * module calls.
 *
 * Differences from the kernel's functions:
 *
 * - read_begin waits only for invalidations that overlap the subscription.
 * - insert is never deferred: a callback can run before insert has returned.
 * - remove waits only for a callback of the same subscription that runs, or whose second
 *   pass is pending. The kernel's
 *   remove also waits for callbacks of other subscriptions. A driver that frees an object
 *   that such callbacks use needs mmu_notifier_synchronize() or a reference count.
 * - The first insert in an mm waits until no invalidation is in flight in that mm, even
 *   if the caller holds the mmap lock. The wait is not killable. The kernel defers the
 *   insert instead, and the first read_begin waits.
 * - The first insert in a block of 64 MiB (or in the larger block that an interval needs)
 *   takes the mmap lock for writing, unless the caller holds it. If invalidations are in
 *   flight in that mm, the first read_begin waits until none is, as after a deferred insert
 *   of the kernel.
 * - insert in an mm that is being torn down returns -ESRCH, without a WARN; likewise in an mm
 *   that the OOM reaper or process_mrelease() has begun to reap. If insert
 *   fails, ->mm is NULL and the interval is empty, as in a zeroed handle.
 * - On a dead mm, read_begin returns a value for which read_retry returns true, and
 *   hmm_range_fault() returns -EBUSY where the kernel would finally return -EFAULT. A
 *   loop without a timeout and without mmget_not_zero() does not end.
 *   hmm_range_fault_unlocked_timeout() returns -EFAULT, like the kernel's.
 * - hmm_range_fault_unlocked_timeout() exists on every kernel. Below 7.3 faults cannot
 *   drop the mmap lock (userfaultfd: -EFAULT). The timeout includes the time spent
 *   waiting for an invalidation. The wait is killable.
 * - The first insert after the mm was without subscriptions for idle_ms waits like the first
 *   insert in the mm.
 * - Callbacks run inside the one SRCU domain of all mmu_notifiers; those of the kernel's
 *   interval notifiers do not. A callback that waits for the last mmput() of any process
 *   deadlocks, and with it each process that exits and has a notifier: exit waits for an
 *   SRCU grace period. A callback that sleeps delays these exits. With lockdep, kernels
 *   that annotate synchronize_srcu() report such a wait.
 * - When the process exits, callbacks are called with RELEASE and then with UNMAP over
 *   the whole mm, both before any page is unmapped.
 * - A callback is never called for a non-blockable range. The driver has not declared
 *   %PINWATCH_OPS_NEVER_SLEEPS, so pinwatch makes the kernel refuse such an invalidation:
 *   the OOM reaper gets -EAGAIN and tries again. For this, pinwatch inserts an
 *   mmu_interval_notifier of the kernel over the block, with the first subscription there.
 *   Interval notifiers that other drivers have inserted with the kernel's functions then
 *   also wait for invalidations of that block. After the first 16 in an mm, the blocks are
 *   larger. Until the kernel has inserted this notifier, a driver that establishes SPTEs
 *   without read_begin misses non-blockable invalidations.
 * - pinwatch uses ->deferred_item, which no driver uses.
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
#ifdef PINWATCH_DROPIN_OTHER_OBJECTS

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

#endif /* PINWATCH_DROPIN_OTHER_OBJECTS */

#define mmu_interval_notifier_insert		pinwatch_dropin_insert
#define mmu_interval_notifier_insert_locked	pinwatch_dropin_insert_locked
#define mmu_interval_notifier_remove		pinwatch_dropin_remove
#define mmu_interval_read_begin			pinwatch_dropin_read_begin
#define hmm_range_fault_unlocked_timeout	pinwatch_hmm_range_fault_unlocked_timeout

#endif /* PINWATCH_DROPIN_DECLARE_ONLY */
#endif /* __ASSEMBLER__ */

#endif /* _PINWATCH_DROPIN_H */
