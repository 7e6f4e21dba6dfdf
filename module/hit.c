// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hits: invalidations translated into the terms of the ABI
 */
#include <linux/bits.h>
#include <linux/interval_tree.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pinwatch.h>
#include "cause.h"
#include "hit.h"

static u32 event_of(const struct mmu_notifier_range *range)
{
	static const u32 events[] = {
		[MMU_NOTIFY_UNMAP] = PINWATCH_EVENT_UNMAP,
		[MMU_NOTIFY_CLEAR] = PINWATCH_EVENT_CLEAR,
		[MMU_NOTIFY_PROTECTION_VMA] = PINWATCH_EVENT_PROTECT,
		[MMU_NOTIFY_PROTECTION_PAGE] = PINWATCH_EVENT_PROTECT_PAGE,
		[MMU_NOTIFY_SOFT_DIRTY] = PINWATCH_EVENT_SOFT_DIRTY,
		[MMU_NOTIFY_RELEASE] = PINWATCH_EVENT_RELEASE,
		[MMU_NOTIFY_MIGRATE] = PINWATCH_EVENT_MIGRATE,
		[PW_MMU_NOTIFY_EXCLUSIVE] = PINWATCH_EVENT_EXCLUSIVE,
	};
	unsigned int event = range->event;

	return event < ARRAY_SIZE(events) ? events[event] : PINWATCH_EVENT_OTHER;
}

unsigned int pw_hit_touched_shift(unsigned long length)
{
	return max_t(unsigned int, PAGE_SHIFT, order_base_2(DIV_ROUND_UP(length, 64)));
}

void pw_hit_init(struct pw_hit *hit, const struct interval_tree_node *node,
		 unsigned int touched_shift, const struct mmu_notifier_range *range,
		 unsigned long seq)
{
	hit->event = event_of(range);
	hit->atomic = !mmu_notifier_range_blockable(range);
	hit->cause = pw_cause_of(range, seq);
	hit->time_ns = ktime_get_ns();
	hit->start = max(range->start & PAGE_MASK, node->start);
	hit->last = min((range->end - 1) | ~PAGE_MASK, node->last);
	hit->touched = GENMASK_ULL((hit->last - node->start) >> touched_shift,
				   (hit->start - node->start) >> touched_shift);
}
