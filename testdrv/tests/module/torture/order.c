// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: two classic mmu_notifiers around the engine
 *
 * The kernel calls a notifier that was registered later first. So the outer notifier delays
 * before the engine's start, and between the change of the page tables and the engine's end; the
 * inner notifier delays between the engine's start and the change. The kernel's own interval
 * notifiers are called before both.
 */
#include <linux/mmu_notifier.h>
#include "torture.h"

static int order_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	if (mmu_notifier_range_blockable(range))
		pt_delay();
	else
		pt_spin();
	return 0;
}

static void order_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	pt_memory_range_end(range);
	pt_spin();
}

static const struct mmu_notifier_ops inner_ops = {
	.invalidate_range_start = order_start,
};

static const struct mmu_notifier_ops outer_ops = {
	.invalidate_range_start = order_start,
	.invalidate_range_end = order_end,
};

static struct mmu_notifier inner = { .ops = &inner_ops }, outer = { .ops = &outer_ops };
static bool inner_registered, outer_registered;

/* Before the first subscription is inserted */
int pt_order_register_inner(void)
{
	int ret = mmu_notifier_register(&inner, pt_mm);

	inner_registered = !ret;
	return ret;
}

/* After the first subscription is inserted */
int pt_order_register_outer(void)
{
	int ret = mmu_notifier_register(&outer, pt_mm);

	outer_registered = !ret;
	return ret;
}

void pt_order_unregister(void)
{
	if (outer_registered)
		mmu_notifier_unregister(&outer, pt_mm);
	if (inner_registered)
		mmu_notifier_unregister(&inner, pt_mm);
}
