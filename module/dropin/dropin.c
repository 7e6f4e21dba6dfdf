// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch: the kernel's mmu_interval_notifier functions, for unmodified drivers
 *
 * Handle and ops are the kernel's. struct pinwatch_interval_notifier has the layout of
 * the kernel's handle. The kernel's ops have the layout of the first members of struct
 * pinwatch_interval_notifier_ops, and the engine reads no other members for a
 * subscription that has no PW_SUB_FILTERED and is never put. So the functions below
 * translate nothing and need no state of their own.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include "dropin.h"

/* The engine calls the kernel's callbacks through the types of pinwatch.h. */
static_assert(!IS_ENABLED(CONFIG_CFI) && !IS_ENABLED(CONFIG_CFI_CLANG));
static_assert(offsetof(struct pinwatch_interval_notifier_ops, invalidate) ==
	      offsetof(struct mmu_interval_notifier_ops, invalidate));
static_assert(PW_OPS_TWO_PASS_LAYOUT);

static int dropin_insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
			 unsigned long start, unsigned long length,
			 const struct mmu_interval_notifier_ops *ops, bool locked)
{
	/* The driver has not declared %PINWATCH_OPS_NEVER_SLEEPS. */
	unsigned int flags = PW_SUB_SLEEPS;
	int ret;

	if (pw_ops_two_pass(ops))
		flags |= PW_SUB_TWO_PASS;
	ret = pw_sub_insert_flags(pw_dropin_sub(mni), mm, start, length, ops, flags, locked);
	/* Drivers test ->mm or the interval to see whether the handle is inserted. */
	if (ret) {
		mni->mm = NULL;
		mni->interval_tree.start = 0;
		mni->interval_tree.last = 0;
		mni->invalidate_seq = 0;	/* without PW_SEQ_BIT */
	}
	return ret;
}

/**
 * pinwatch_dropin_insert() - mmu_interval_notifier_insert() for a drop-in driver
 * @mni: The driver's handle.
 * @mm: As for pinwatch_interval_notifier_insert().
 * @start: As for pinwatch_interval_notifier_insert().
 * @length: As for pinwatch_interval_notifier_insert().
 * @ops: The kernel's ops. The callbacks are assumed to sleep.
 *
 * Context: as pinwatch_interval_notifier_insert() without
 * %PINWATCH_OPS_NEVER_SLEEPS.
 * Return: 0; -EOVERFLOW if @length is 0 or the range wraps; -ESRCH if @mm is being torn down
 * or reaped; -ENOMEM; -EINTR if a fatal signal is pending. On failure @mni->mm is NULL.
 */
int pinwatch_dropin_insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
			   unsigned long start, unsigned long length,
			   const struct mmu_interval_notifier_ops *ops)
{
	return dropin_insert(mni, mm, start, length, ops, false);
}
EXPORT_SYMBOL_GPL(pinwatch_dropin_insert);

/**
 * pinwatch_dropin_insert_locked() - mmu_interval_notifier_insert_locked(), likewise
 * @mni: As for pinwatch_dropin_insert().
 * @mm: As for pinwatch_dropin_insert().
 * @start: As for pinwatch_dropin_insert().
 * @length: As for pinwatch_dropin_insert().
 * @ops: As for pinwatch_dropin_insert().
 *
 * Context: process context, mmap lock held for writing. May sleep.
 * Return: as pinwatch_dropin_insert().
 */
int pinwatch_dropin_insert_locked(struct mmu_interval_notifier *mni,
				  struct mm_struct *mm,
				  unsigned long start, unsigned long length,
				  const struct mmu_interval_notifier_ops *ops)
{
	mmap_assert_write_locked(mm);
	return dropin_insert(mni, mm, start, length, ops, true);
}
EXPORT_SYMBOL_GPL(pinwatch_dropin_insert_locked);

/**
 * pinwatch_dropin_remove() - mmu_interval_notifier_remove() for a drop-in driver
 * @mni: An inserted handle. A handle that another module has inserted with the kernel's
 *	function is passed to the kernel.
 *
 * Context: as pinwatch_interval_notifier_remove().
 */
void pinwatch_dropin_remove(struct mmu_interval_notifier *mni)
{
	if (pw_dropin_is_ours(mni))
		pinwatch_interval_notifier_remove(pw_dropin_sub(mni));
	else
		mmu_interval_notifier_remove(mni);
}
EXPORT_SYMBOL_GPL(pinwatch_dropin_remove);

/**
 * pinwatch_dropin_read_begin() - mmu_interval_read_begin() for a drop-in driver
 * @mni: As for pinwatch_dropin_remove().
 *
 * Context: as pinwatch_interval_read_begin().
 * Return: the value for mmu_interval_read_retry().
 */
unsigned long pinwatch_dropin_read_begin(struct mmu_interval_notifier *mni)
{
	if (pw_dropin_is_ours(mni))
		return pinwatch_interval_read_begin(pw_dropin_sub(mni));
	return mmu_interval_read_begin(mni);
}
EXPORT_SYMBOL_GPL(pinwatch_dropin_read_begin);
