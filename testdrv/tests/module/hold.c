// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: places where tasks are held until a test lets them go
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include "lab.h"

void lab_hold_init(struct lab_hold *hold, bool closed)
{
	init_waitqueue_head(&hold->wq);
	hold->closed = closed;
}

void lab_hold_enter(struct lab_hold *hold)
{
	atomic_inc(&hold->inside);
	wake_up_all(&hold->wq);
}

void lab_hold_leave(struct lab_hold *hold)
{
	atomic_dec(&hold->inside);
	wake_up_all(&hold->wq);
}

/**
 * lab_hold_pass() - go through, when it is open
 * @hold: The place.
 * @ms: Wait so long at most; not longer than PINWATCH_TEST_MAX_HOLD_MS.
 *
 * Context: sleeps, uninterruptibly: the task may be one that is being killed.
 */
void lab_hold_pass(struct lab_hold *hold, unsigned int ms)
{
	ms = min_t(unsigned int, ms, PINWATCH_TEST_MAX_HOLD_MS);
	/* Ends with RELEASE, with close, or after the time. */
	if (!wait_event_timeout(hold->wq, !READ_ONCE(hold->closed),
				msecs_to_jiffies(ms)))
		atomic_inc(&hold->timeouts);
}

void lab_hold_release(struct lab_hold *hold)
{
	WRITE_ONCE(hold->closed, false);
	wake_up_all(&hold->wq);
}

int lab_hold_wait(struct lab_hold *hold, unsigned int inside, unsigned int ms)
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
