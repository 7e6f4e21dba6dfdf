// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: a copy of the engine, with delays and faults
 *
 * The sources of module/core are compiled into this file once more, unchanged. Macros replace
 * what orders the steps of the engine (locks, barriers, acquire and release) by the same with a
 * random delay beside it, and replace some functions by ones that can have a fault. So pinwatch.ko
 * needs no hook for the torture, and a fault is one of the engine, not of a driver.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/interval_tree.h>
#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/moduleparam.h>
#include <linux/oom.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/rbtree_augmented.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/tracepoint.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include "torture.h"
#include "engine.h"
#include "core/core.h"

/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/mm.c"
#include "core/read.c"
#include "core/record.c"
#include "core/veto.c"
#include "core/walk.c"
#include "core/walk_cancel.c"

/* remove of PT_FAULT_REMOVE does not wait for a running callback. */
static bool faulty_cancel(struct pw_mm *pm, struct pinwatch_interval_notifier *sub, bool put)
{
	return pw_walk_cancel(pm, sub, put) && pt_flavour->fault != PT_FAULT_REMOVE;
}

/* insert of PT_FAULT_MARK ignores the invalidations in flight. */
static void faulty_mark_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	if (pt_flavour->fault != PT_FAULT_MARK)
		pw_record_mark_insert(pm, sub);
}

#define pw_walk_cancel		faulty_cancel
#define pw_record_mark_insert	faulty_mark_insert
#include "core/subscription.c"

/* pw_mn_ops is defined below. */
extern const struct mmu_notifier_ops pt_engine_core_mn_ops;
#define pw_mn_ops	pt_engine_core_mn_ops
#include "core/invalidate.c"
#undef pw_mn_ops
/* NOLINTEND(bugprone-suspicious-include) */

static int faulty_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	if (pt_flavour->fault == PT_FAULT_LATE)
		return 0;
	mn_invalidate_range_start(mn, range);
	if (pt_flavour->fault == PT_FAULT_EARLY)
		mn_invalidate_range_end(mn, range);
	pt_step();
	return 0;
}

static void faulty_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	pt_step();
	if (pt_flavour->fault == PT_FAULT_EARLY)
		return;
	if (pt_flavour->fault == PT_FAULT_LATE)
		mn_invalidate_range_start(mn, range);
	mn_invalidate_range_end(mn, range);
}

const struct mmu_notifier_ops pw_mn_ops = {
	.release = mn_release,
	.invalidate_range_start = faulty_start,
	.invalidate_range_end = faulty_end,
	.free_notifier = pw_mm_free,
};

static void faulty_put(struct pinwatch_interval_notifier *sub)
{
	if (pt_flavour->fault != PT_FAULT_PUT) {
		pinwatch_interval_notifier_put(sub);
	} else {
		sub->ops->free(sub);
		pinwatch_interval_notifier_remove(sub);
	}
}

const struct pt_api pt_engine_api = {
	.insert = pinwatch_interval_notifier_insert,
	.remove = pinwatch_interval_notifier_remove,
	.put = faulty_put,
	.wait_for_puts = pinwatch_interval_notifier_barrier,
	.begin = pinwatch_interval_read_begin,
	.begin_killable = pinwatch_interval_read_begin_killable,
	.begin_timeout = pinwatch_interval_read_begin_timeout,
};

int pt_engine_init(void)
{
	/* Two inserters at most keep the number of subscriptions around the second value. */
	pw_filter_from = pt_random(2) ? 1 : 15;
	return pw_core_init();
}

void pt_engine_exit(void)
{
	pw_core_exit();
}
