/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: work is done by the reaper task, in order */
#ifndef _SHIM_WORKQUEUE_H
#define _SHIM_WORKQUEUE_H
#include <linux/compiler.h>

struct work_struct {
	void (*fn)(struct work_struct *work);
};

struct workqueue_struct;
#define WQ_UNBOUND	0
#define INIT_WORK(w, f)	((w)->fn = (f))
#define alloc_workqueue(name, flags, max) ((struct workqueue_struct *)1)
#define destroy_workqueue(wq)		((void)(wq))
void shim_queue_work(struct work_struct *work);
#define queue_work(wq, w)		((void)(wq), shim_queue_work(w))
#endif
