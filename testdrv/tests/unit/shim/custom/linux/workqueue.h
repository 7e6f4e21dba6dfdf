/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: work is done by the reaper task, in order; delayed work, when it is due */
#ifndef _SHIM_WORKQUEUE_H
#define _SHIM_WORKQUEUE_H
#include <linux/jiffies.h>

struct work_struct {
	void (*fn)(struct work_struct *work);
};

struct delayed_work {
	struct work_struct work;
	unsigned long due;
	bool pending;			/* the clock's or the queue's */
	bool queued;			/* the queue's */
	bool running, cancelling, cancelled;
	unsigned int ended;		/* the load of the module that cancelled it at its exit */
	struct delayed_work *next;
};

struct workqueue_struct;
#define WQ_UNBOUND	0
#define INIT_WORK(w, f)	((w)->fn = (f))
#define INIT_WORK_ONSTACK(w, f)	INIT_WORK(w, f)
#define destroy_work_on_stack(w)	((void)(w))
#define DECLARE_DELAYED_WORK(name, f)	struct delayed_work name = { .work.fn = (f) }
extern unsigned int shim_nr_workqueues;
extern unsigned int shim_fail_workqueue;	/* 1: the next one, 2: the one after; 0: none */
struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max);
void destroy_workqueue(struct workqueue_struct *wq);
void flush_workqueue(struct workqueue_struct *wq);	/* of works that wait */
void shim_queue_work(struct workqueue_struct *wq, struct work_struct *work);
#define queue_work(wq, w)		shim_queue_work(wq, w)
bool shim_queue_delayed_work(struct delayed_work *work, unsigned long delay);
#define queue_delayed_work(wq, w, delay) ((void)(wq), shim_queue_delayed_work(w, delay))
bool cancel_delayed_work_sync(struct delayed_work *work);
#endif
