/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: wait queues with the kernel's order: a waiter queues itself, full
 * barrier, looks at the condition, sleeps; wake_up_all() reaches all queued.
 */
#ifndef _SHIM_WAIT_H
#define _SHIM_WAIT_H
#include <linux/jiffies.h>
#include <linux/spinlock.h>

typedef struct shim_wq wait_queue_head_t;
#define DECLARE_WAIT_QUEUE_HEAD(name)	wait_queue_head_t name = SHIM_WQ_INIT
#define init_waitqueue_head(wq)		shim_wq_init(wq)

/* 0 when @cond is true; -EINTR, -ETIME: see struct shim_sleep. */
#define shim_wait(wq, cond, hook, how)					\
	({								\
		const struct shim_sleep *_how = (how);			\
		int _ret = 0;						\
									\
		while (!(cond)) {					\
			unsigned int _seq = shim_wq_prepare(wq);	\
									\
			smp_mb();					\
			if ((cond) || (_ret = shim_wait_broken(_how))) { \
				shim_wq_finish(wq);			\
				break;					\
			}						\
			if (hook)					\
				shim_sleep_hook(wq);			\
			shim_wq_sleep(wq, _seq, _how);			\
		}							\
		_ret;							\
	})
#define shim_wait_event(wq, cond, hook)	((void)shim_wait(wq, cond, hook, NULL))

#define wait_event(wq, cond)						\
	do { might_sleep(); shim_wait_event(&(wq), cond, true); } while (0)
#define wait_event_killable(wq, cond)					\
	({								\
		struct shim_sleep _killable = { .killable = true };	\
									\
		might_sleep();						\
		shim_wait(&(wq), cond, true, &_killable);		\
	})
#define wait_event_timeout(wq, cond, t)					\
	({								\
		struct shim_sleep _timed = {				\
			.timed = true, .until = shim_jiffies() + (t) };	\
									\
		might_sleep();						\
		shim_wait(&(wq), cond, true, &_timed) ? 0L :		\
			max(1L, (long)(_timed.until - shim_jiffies()));	\
	})
/*
 * Waits on the address of a variable. The kernel hashes the address to one of its wait
 * queues, wakes waiters for this address only, and needs a full barrier before the wake.
 */
#define wait_var_event(var, cond)					\
	do { might_sleep(); shim_wait_event(shim_var_wq(var), cond, true); } while (0)
#define wait_var_event_killable(var, cond)				\
	wait_event_killable(*shim_var_wq(var), cond)
#define wait_var_event_timeout(var, cond, t)				\
	wait_event_timeout(*shim_var_wq(var), cond, t)
#define wake_up_var(var)						\
	do {								\
		if (waitqueue_active(shim_var_wq(var)))			\
			shim_wq_wake(shim_var_wq(var));			\
	} while (0)

#define wake_up_all(wq)		shim_wq_wake(wq)
#define waitqueue_active(wq)	({ shim_point(); shim_wq_nr(wq) != 0; })
#define wq_has_sleeper(wq)	({ smp_mb(); shim_wq_nr(wq) != 0; })
#endif
