/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: the records that read() returns
 *
 * Each watch has room for one pending record. The first hit fills the record and puts
 * the watch on the file's dirty list. Further hits merge into the record. So a callback
 * never allocates memory, and no hit is lost.
 */
#ifndef _PW_EVENT_H
#define _PW_EVENT_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct pid;
struct pw_hit;

/**
 * struct pw_event_queue - the dirty watches of a file
 * @lock: Taken inside pw_watch.lock, also in callbacks.
 * @dirty: Under @lock. pw_watch.dirty of watches with a pending record, oldest first.
 * @wait: read() and poll() wait here for @dirty to become non-empty.
 */
struct pw_event_queue {
	spinlock_t lock;	/* dirty */
	struct list_head dirty;
	wait_queue_head_t wait;
};

/**
 * struct pw_event - the pending record of a watch; under pw_watch.lock
 * @events: PINWATCH_EVENT_* of the merged hits.
 * @flags: PINWATCH_EVENT_F_ACTORS and _ATOMIC.
 * @start: First byte of the hull of the hits.
 * @last: Last byte of the hull.
 * @count: Number of merged hits; 0: nothing is pending.
 * @generation: Generation of the watch after the last hit.
 * @time_ns: Time of the first hit: CLOCK_MONOTONIC, in nanoseconds.
 * @touched: As in struct pinwatch_event.
 * @causes: PINWATCH_CAUSE_* of the merged hits.
 * @tid: Thread of the first hit, with a reference; NULL iff nothing is pending.
 * @tgid: Process of that thread, with a reference; NULL iff nothing is pending.
 * @comm: Name of that thread.
 */
struct pw_event {
	u32 events;
	u32 flags;
	unsigned long start;
	unsigned long last;
	u64 count;
	u64 generation;
	u64 time_ns;
	u64 touched;
	u64 causes;
	struct pid *tid;
	struct pid *tgid;
	char comm[TASK_COMM_LEN];
};

/**
 * pw_event_init_queue() - initialise an empty queue
 * @queue: The queue.
 *
 * Context: any. Does not sleep.
 */
void pw_event_init_queue(struct pw_event_queue *queue);

/**
 * pw_event_merge() - merge a hit into the pending record of a watch
 * @pending: The record.
 * @hit: The hit, caused by current.
 * @generation: The generation of the watch after @hit.
 *
 * Context: under pw_watch.lock, in an invalidation callback. Does not sleep.
 * Return: true if @hit is the first in @pending: the caller has to call
 * pw_event_enqueue(), and pw_event_wake() after it has released pw_watch.lock.
 */
bool pw_event_merge(struct pw_event *pending, const struct pw_hit *hit, u64 generation);

/**
 * pw_event_take() - move the pending record of a watch
 * @pending: The record; nothing is pending afterwards.
 * @event: Filled in. Takes over the references of @pending, for pw_event_put().
 *
 * Context: under pw_watch.lock. Does not sleep.
 * Return: true if something was pending.
 */
bool pw_event_take(struct pw_event *pending, struct pw_event *event);

/**
 * pw_event_restore() - undo pw_event_take()
 * @pending: The record, into which hits may have merged since.
 * @taken: From pw_event_take(). The actor of @taken was first, so @pending names that
 *	actor; the references of the other actor are in @taken, for pw_event_put().
 *
 * Context: under pw_watch.lock. Does not sleep.
 */
void pw_event_restore(struct pw_event *pending, struct pw_event *taken);

/**
 * pw_event_enqueue() - put a watch at the end of the dirty list
 * @queue: The queue of the file.
 * @dirty: pw_watch.dirty. It may be on the list already.
 *
 * Context: under pw_watch.lock. Does not sleep.
 */
void pw_event_enqueue(struct pw_event_queue *queue, struct list_head *dirty);

/**
 * pw_event_enqueue_first() - put a watch at the head of the dirty list
 * @queue: The queue of the file.
 * @dirty: pw_watch.dirty. It may be on the list already.
 *
 * Context: under pw_watch.lock. Does not sleep.
 */
void pw_event_enqueue_first(struct pw_event_queue *queue, struct list_head *dirty);

/**
 * pw_event_dequeue() - remove a watch from the dirty list
 * @queue: The queue of the file.
 * @dirty: pw_watch.dirty. It need not be on the list.
 *
 * Context: under pw_watch.lock. Does not sleep.
 */
void pw_event_dequeue(struct pw_event_queue *queue, struct list_head *dirty);

/**
 * pw_event_put() - drop the references of a record
 * @event: From pw_event_take().
 *
 * Context: process context, no lock held.
 */
void pw_event_put(const struct pw_event *event);

/**
 * pw_event_wake() - wake the readers of a queue
 * @queue: The queue.
 *
 * Context: any, callbacks included; preferably without pw_watch.lock. Does not sleep.
 */
void pw_event_wake(struct pw_event_queue *queue);

/**
 * pw_event_hang_up() - wake the tasks that wait for the end of the events
 * @queue: The queue.
 *
 * Context: any. Does not sleep.
 */
void pw_event_hang_up(struct pw_event_queue *queue);

/**
 * pw_event_pending() - is a record pending?
 * @queue: The queue.
 *
 * Context: process context. Does not sleep.
 * Return: true if the dirty list is not empty. Another reader may empty it at any time.
 */
bool pw_event_pending(struct pw_event_queue *queue);

#endif /* _PW_EVENT_H */
