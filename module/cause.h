/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Causes: which operation made the kernel invalidate
 */
#ifndef _PW_CAUSE_H
#define _PW_CAUSE_H

#include <linux/types.h>

struct mmu_notifier_range;

/**
 * pw_cause_of() - why an invalidation happens
 * @range: The invalidation.
 * @seq: Its sequence value: the callbacks of one invalidation find out once.
 *
 * Context: in a callback of @range. Does not sleep, allocates nothing.
 * Return: a PINWATCH_CAUSE_* bit.
 */
u64 pw_cause_of(const struct mmu_notifier_range *range, unsigned long seq);

#endif /* _PW_CAUSE_H */
