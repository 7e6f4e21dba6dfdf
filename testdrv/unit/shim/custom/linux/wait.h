/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: wait queues with the kernel's order: a waiter queues itself, full
 * barrier, looks at the condition, sleeps; wake_up_all() reaches all queued.
 */
#ifndef _SHIM_WAIT_H
#define _SHIM_WAIT_H
#include <linux/spinlock.h>

typedef struct shim_wq wait_queue_head_t;
#define DECLARE_WAIT_QUEUE_HEAD(name)	wait_queue_head_t name = SHIM_WQ_INIT
#define init_waitqueue_head(wq)		shim_wq_init(wq)

#define shim_wait_event(wq, cond, hook)					\
	do {								\
		while (!(cond)) {					\
			unsigned int _seq = shim_wq_prepare(wq);	\
									\
			smp_mb();					\
			if (cond) {					\
				shim_wq_finish(wq);			\
				break;					\
			}						\
			if (hook)					\
				shim_sleep_hook(wq);			\
			shim_wq_sleep(wq, _seq);			\
		}							\
	} while (0)

#define wait_event(wq, cond)						\
	do { might_sleep(); shim_wait_event(&(wq), cond, true); } while (0)
/* No signal and no clock here: these wait as long as it takes. */
#define wait_event_killable(wq, cond)	({ wait_event(wq, cond); 0; })
#define wait_event_timeout(wq, cond, t)	({ wait_event(wq, cond); (void)(t); 1L; })
#define wake_up_all(wq)		shim_wq_wake(wq)
#define waitqueue_active(wq)	({ shim_point(); shim_wq_nr(wq) != 0; })
#define wq_has_sleeper(wq)	({ smp_mb(); shim_wq_nr(wq) != 0; })
#endif
