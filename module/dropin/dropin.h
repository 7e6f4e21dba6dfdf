/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch: handles of drop-in drivers
 */
#ifndef _PW_DROPIN_H
#define _PW_DROPIN_H

#include <linux/mmu_notifier.h>
#include "../core/core.h"

#define PINWATCH_DROPIN_DECLARE_ONLY
#include "../pinwatch_dropin.h"

/* Return: false if the kernel's insert made the handle: its sequence counts from 2. */
static inline bool pw_dropin_is_ours(const struct mmu_interval_notifier *mni)
{
	return likely(READ_ONCE(mni->invalidate_seq) & PW_SEQ_BIT);
}

static inline struct pinwatch_interval_notifier *
pw_dropin_sub(struct mmu_interval_notifier *mni)
{
	return container_of(mni, struct pinwatch_interval_notifier, mni);
}

#endif /* _PW_DROPIN_H */
