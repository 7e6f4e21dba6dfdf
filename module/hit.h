/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hits: what one invalidation did to one watch, as all surfaces tell it
 */
#ifndef _PW_HIT_H
#define _PW_HIT_H

#include <linux/types.h>

struct interval_tree_node;
struct mmu_notifier_range;

/**
 * struct pw_hit - one invalidation of one watch
 * @event: A PINWATCH_EVENT_* bit.
 * @cause: A PINWATCH_CAUSE_* bit.
 * @time_ns: CLOCK_MONOTONIC.
 * @start: First byte of what was invalidated inside the watch.
 * @last: Its last byte.
 * @touched: As in struct pinwatch_event.
 * @atomic: The task must not sleep.
 *
 * The actor is current, for as long as the callback runs.
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
 * pw_hit_touched_shift() - the unit of the bits of pw_hit.touched
 * @length: Of a watch's range, bytes, not 0.
 *
 * Context: any. Does not sleep.
 * Return: the binary logarithm of a number of bytes, whole pages, of which 64 cover
 * @length.
 */
unsigned int pw_hit_touched_shift(unsigned long length);

#endif /* _PW_HIT_H */
