// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: gates at which tasks are held until a test releases them
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include "sub.h"

void pt_hold_init(struct pt_hold *hold, bool closed)
{
	init_waitqueue_head(&hold->wq);
	hold->closed = closed;
}

void pt_hold_enter(struct pt_hold *hold)
{
	atomic_inc(&hold->inside);
	wake_up_all(&hold->wq);
}

void pt_hold_leave(struct pt_hold *hold)
{
	atomic_dec(&hold->inside);
	wake_up_all(&hold->wq);
}

/**
 * pt_hold_pass() - wait until the gate is open
 * @hold: The gate.
 * @ms: The longest wait; at most PINWATCH_TEST_MAX_HOLD_MS.
 *
 * Context: Sleeps uninterruptibly, since the task may have a fatal signal pending.
 */
void pt_hold_pass(struct pt_hold *hold, unsigned int ms)
{
	ms = min_t(unsigned int, ms, PINWATCH_TEST_MAX_HOLD_MS);
	/* The wait ends with RELEASE, with close, or after @ms. */
	if (!wait_event_timeout(hold->wq, !READ_ONCE(hold->closed),
				msecs_to_jiffies(ms)))
		atomic_inc(&hold->timeouts);
}

void pt_hold_release(struct pt_hold *hold)
{
	WRITE_ONCE(hold->closed, false);
	wake_up_all(&hold->wq);
}

int pt_hold_wait(struct pt_hold *hold, unsigned int inside, unsigned int ms)
{
	long left;

	ms = min_t(unsigned int, ms, PINWATCH_TEST_MAX_HOLD_MS);
	left = wait_event_interruptible_timeout(hold->wq,
						atomic_read(&hold->inside) >= inside,
						msecs_to_jiffies(ms));
	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIMEDOUT;
}
