// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch: the kernel's mmu_interval_notifier functions, for unmodified drivers
 *
 * The handle is the kernel's, of which ours has the layout; and the kernel's ops
 * are the head of ours, which is all that the engine looks at in a subscription
 * without PW_SUB_FILTERED that is never put. So there is nothing to translate and
 * no state beside the handle.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include "dropin.h"

/* Callbacks are called through our ops' types. */
static_assert(!IS_ENABLED(CONFIG_CFI) && !IS_ENABLED(CONFIG_CFI_CLANG));
static_assert(offsetof(struct pinwatch_interval_notifier_ops, invalidate) ==
	      offsetof(struct mmu_interval_notifier_ops, invalidate));
static_assert(PW_OPS_TWO_PASS_LAYOUT);

static int dropin_insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
			 unsigned long start, unsigned long length,
			 const struct mmu_interval_notifier_ops *ops, bool locked)
{
	/* It has declared nothing. */
	unsigned int flags = PW_SUB_SLEEPS;
	int ret;

	if (pw_ops_two_pass(ops))
		flags |= PW_SUB_TWO_PASS;
	ret = pw_sub_insert_flags(pw_dropin_sub(mni), mm, start, length, ops, flags, locked);
	/* Drivers look at ->mm, or at the interval, to see whether to remove it. */
	if (ret) {
		mni->mm = NULL;
		mni->interval_tree.start = 0;
		mni->interval_tree.last = 0;
		mni->invalidate_seq = 0;	/* not ours any more */
	}
	return ret;
}

/**
 * pinwatch_dropin_insert() - mmu_interval_notifier_insert() for a drop-in driver
 * @mni: The driver's handle.
 * @mm: As for pinwatch_interval_notifier_insert().
 * @start: Likewise.
 * @length: Likewise.
 * @ops: The kernel's ops. Taken for one that may sleep.
 *
 * Context: as pinwatch_interval_notifier_insert() without
 * %PINWATCH_OPS_NEVER_SLEEPS.
 * Return: as pinwatch_interval_notifier_insert(), but for -EINVAL; on failure
 * @mni->mm is NULL.
 */
int pinwatch_dropin_insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
			   unsigned long start, unsigned long length,
			   const struct mmu_interval_notifier_ops *ops)
{
	return dropin_insert(mni, mm, start, length, ops, false);
}
EXPORT_SYMBOL_GPL(pinwatch_dropin_insert);

/**
 * pinwatch_dropin_insert_locked() - the same, under the mmap lock
 * @mni: As for pinwatch_dropin_insert().
 * @mm: Likewise.
 * @start: Likewise.
 * @length: Likewise.
 * @ops: Likewise.
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
 * @mni: An inserted handle; the kernel's, if another module has inserted it there.
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
