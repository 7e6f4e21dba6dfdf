/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Causes: the operation that made the kernel invalidate
 */
#ifndef _PW_CAUSE_H
#define _PW_CAUSE_H

#include <linux/types.h>

struct mmu_notifier_range;

/**
 * pw_cause_of() - find the cause of an invalidation
 * @range: The invalidation.
 * @seq: The sequence value of the invalidation: its other callbacks reuse the result.
 *
 * Context: in a callback of @range. Does not sleep and does not allocate memory.
 * Return: one PINWATCH_CAUSE_* bit.
 */
u64 pw_cause_of(const struct mmu_notifier_range *range, unsigned long seq);

#endif /* _PW_CAUSE_H */
