/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: completions share one wait queue, because a completion may be on a stack, which
 * ends as soon as ->done is set.
 */
#ifndef _SHIM_COMPLETION_H
#define _SHIM_COMPLETION_H
#include <linux/wait.h>

struct completion {
	bool done;
};

extern struct shim_wq shim_completion_wq;
#define init_completion(c)	((c)->done = false)
/* No hook: the wait is for locks of the mm, and not for an invalidation. */
#define wait_for_completion(c)						\
	do {								\
		might_sleep();						\
		shim_wait_event(&shim_completion_wq,			\
				__atomic_load_n(&(c)->done, __ATOMIC_ACQUIRE), false); \
	} while (0)
#define complete(c)							\
	do {								\
		__atomic_store_n(&(c)->done, true, __ATOMIC_RELEASE);	\
		wake_up_all(&shim_completion_wq);			\
	} while (0)
#endif
