/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hits: the effect of one invalidation on one watch, as all surfaces report it
 */
#ifndef _PW_HIT_H
#define _PW_HIT_H

#include <linux/types.h>

struct interval_tree_node;
struct mmu_notifier_range;

/**
 * struct pw_hit - one invalidation of one watch
 * @event: One PINWATCH_EVENT_* bit.
 * @cause: One PINWATCH_CAUSE_* bit.
 * @time_ns: CLOCK_MONOTONIC, in nanoseconds.
 * @start: First byte of the overlap with the watch.
 * @last: Last byte of the overlap.
 * @touched: As in struct pinwatch_event.
 * @atomic: The range is not blockable.
 *
 * The actor is current while the callback runs.
 */
struct pw_hit {
	u32 event;
	bool atomic;
	u64 cause;
	u64 time_ns;
	unsigned long start;
	unsigned long last;
	u64 touched;
};

/**
 * pw_hit_init() - compute what an invalidation does to a watch
 * @hit: Filled in.
 * @node: The range of the watch; whole pages. Overlaps @range.
 * @touched_shift: Of the watch; from pw_hit_touched_shift().
 * @range: The invalidation.
 * @seq: The sequence value of the invalidation.
 *
 * Context: in the callback of the watch, without its lock. Does not sleep.
 */
void pw_hit_init(struct pw_hit *hit, const struct interval_tree_node *node,
		 unsigned int touched_shift, const struct mmu_notifier_range *range,
		 unsigned long seq);

/**
 * pw_hit_touched_shift() - compute the unit of the bits of pw_hit.touched
 * @length: Length of a watch in bytes, not 0.
 *
 * Context: any. Does not sleep.
 * Return: the smallest shift, at least PAGE_SHIFT, for which 64 << shift >= @length.
 */
unsigned int pw_hit_touched_shift(unsigned long length);

#endif /* _PW_HIT_H */
