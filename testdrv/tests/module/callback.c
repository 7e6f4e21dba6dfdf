// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: the callbacks, which behave as a test asked in ADD
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include "sub.h"

/* The number of passes so far, of all subscriptions */
static atomic64_t pass_count = ATOMIC64_INIT(0);

static struct pt_sub *handle_sub(union pt_handle *handle)
{
	return container_of(handle, struct pt_sub, handle);
}

static u64 range_hash(const struct mmu_notifier_range *range)
{
	const u64 prime = 0x9e3779b97f4a7c15ULL;
	u64 hash = (range->start & PAGE_MASK) + range->event + 1;

	hash = (hash ^ hash >> 29) * prime;
	hash += (range->end - 1) | ~PAGE_MASK;
	hash = (hash ^ hash >> 32) * prime;
	return hash ^ hash >> 29;
}

/* Caller holds sub->lock. */
static void sub_note(struct pt_sub *sub, const struct mmu_notifier_range *range)
{
	sub->callbacks++;
	sub->non_blockable += !mmu_notifier_range_blockable(range);
	sub->last_start = range->start;
	sub->last_end = range->end;
	sub->events |= BIT(range->event);
	sub->unaligned += ((range->start | range->end) & ~PAGE_MASK) != 0;
	sub->digest += range_hash(range);
	sub->first_order = atomic64_inc_return(&pass_count);
}

static void sub_linger(struct pt_sub *sub, const struct mmu_notifier_range *range)
{
	pt_hold_enter(&sub->hold);
	if (mmu_notifier_range_blockable(range)) {
		if (sub->behaviour == PINWATCH_TEST_SLOW)
			fsleep(sub->sleep_us);
		else if (sub->behaviour == PINWATCH_TEST_HELD)
			pt_hold_pass(&sub->hold, sub->hold_ms);
	}
	pt_hold_leave(&sub->hold);
}

static void sub_accept_pw(struct pt_sub *sub, const struct mmu_notifier_range *range,
			  unsigned long cur_seq)
{
	spin_lock(&sub->lock);
	if (sub->behaviour != PINWATCH_TEST_REJECTING)
		pinwatch_interval_set_seq(&sub->handle.pw, cur_seq);
	sub_note(sub, range);
	spin_unlock(&sub->lock);
}

static bool sub_invalidate_pw(struct pinwatch_interval_notifier *pw,
			      const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct pt_sub *sub = handle_sub(container_of(pw, union pt_handle, pw));

	sub_accept_pw(sub, range, cur_seq);
	sub_linger(sub, range);
	/* The engine frees @sub after this callback has returned. */
	if (sub->behaviour == PINWATCH_TEST_PUTTING && pt_sub_claim_put(sub))
		pinwatch_interval_notifier_put(pw);
	return true;
}

static bool sub_invalidate_mni(struct mmu_interval_notifier *mni,
			       const struct mmu_notifier_range *range,
			       unsigned long cur_seq)
{
	struct pt_sub *sub = handle_sub(container_of(mni, union pt_handle, mni));

	spin_lock(&sub->lock);
	if (sub->behaviour != PINWATCH_TEST_REJECTING)
		mmu_interval_set_seq(mni, cur_seq);
	sub_note(sub, range);
	spin_unlock(&sub->lock);
	sub_linger(sub, range);
	return true;
}

const struct mmu_interval_notifier_ops pt_mni_ops = {
	.invalidate = sub_invalidate_mni,
};

static struct pt_finish *finish_get(struct pt_sub *sub)
{
	unsigned int i;

	for (i = 0; i < PT_NR_FINISHES; i++)
		if (!test_and_set_bit_lock(0, &sub->finishes[i].busy))
			return &sub->finishes[i];
	return NULL;
}

/*
 * Starts work that takes sleep_us, like a flush of a device's TLB. The second pass
 * waits until the work is complete. If no struct pt_finish is free, the first pass
 * waits.
 */
static bool sub_invalidate_start(struct pinwatch_interval_notifier *pw,
				 const struct mmu_notifier_range *range,
				 unsigned long cur_seq,
				 struct pinwatch_interval_notifier_finish **out)
{
	struct pt_sub *sub = handle_sub(container_of(pw, union pt_handle, pw));
	struct pt_finish *finish = finish_get(sub);

	sub_accept_pw(sub, range, cur_seq);
	if (!finish) {
		sub_linger(sub, range);
		return true;
	}
	finish->until = ktime_add_us(ktime_get(), sub->sleep_us);
	finish->blockable = mmu_notifier_range_blockable(range);
	pt_hold_enter(&sub->hold);
	*out = &finish->finish;
	return true;
}

static void sub_invalidate_finish(struct pinwatch_interval_notifier_finish *arg)
{
	struct pt_finish *finish = container_of(arg, struct pt_finish, finish);
	struct pt_sub *sub = handle_sub(container_of(arg->notifier, union pt_handle, pw));
	s64 left;

	if (finish->blockable && sub->behaviour == PINWATCH_TEST_HELD)
		pt_hold_pass(&sub->hold, sub->hold_ms);
	left = ktime_us_delta(finish->until, ktime_get());
	if (finish->blockable && sub->behaviour == PINWATCH_TEST_SLOW && left > 0)
		fsleep(left);
	spin_lock(&sub->lock);
	sub->nr_finishes++;
	sub->second_order = atomic64_inc_return(&pass_count);
	spin_unlock(&sub->lock);
	clear_bit_unlock(0, &finish->busy);
	pt_hold_leave(&sub->hold);
}

void pt_ops_init(struct pt_sub *sub, u32 flags, u32 ignore_events)
{
	struct pinwatch_interval_notifier_ops *ops = &sub->ops;

	if (flags & PINWATCH_TEST_F_TWO_PASS) {
		ops->invalidate_start = sub_invalidate_start;
		ops->invalidate_finish = sub_invalidate_finish;
	} else {
		ops->invalidate = sub_invalidate_pw;
	}
	ops->free = pt_sub_freed;
	if (flags & PINWATCH_TEST_F_OWNER)
		ops->owner = sub;
	ops->ignore_events = ignore_events;
	if (!(flags & PINWATCH_TEST_F_SLEEPS))
		ops->flags = PINWATCH_OPS_NEVER_SLEEPS;
}
