// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: hits merged into the pending record of a watch, and the list of watches that
 * have a record pending
 */
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/pinwatch.h>
#include "event.h"
#include "hit.h"

void pw_event_init_queue(struct pw_event_queue *queue)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->dirty);
	init_waitqueue_head(&queue->wait);
}

static void event_begin(struct pw_event *event, const struct pw_hit *hit)
{
	event->events = 0;
	event->flags = 0;
	event->start = hit->start;
	event->last = hit->last;
	event->time_ns = hit->time_ns;
	event->touched = 0;
	event->causes = 0;
	event->tid = get_pid(task_pid(current));
	event->tgid = get_pid(task_tgid(current));
	memcpy(event->comm, current->comm, sizeof(event->comm));
	event->comm[sizeof(event->comm) - 1] = '\0';
}

bool pw_event_merge(struct pw_event *pending, const struct pw_hit *hit, u64 generation)
{
	bool first = !pending->count;

	if (first)
		event_begin(pending, hit);
	else if (pending->tid != task_pid(current))
		pending->flags |= PINWATCH_EVENT_F_ACTORS;
	if (hit->atomic)
		pending->flags |= PINWATCH_EVENT_F_ATOMIC;
	pending->events |= hit->event;
	pending->causes |= hit->cause;
	pending->touched |= hit->touched;
	pending->start = min(pending->start, hit->start);
	pending->last = max(pending->last, hit->last);
	pending->count++;
	pending->generation = generation;
	return first;
}

bool pw_event_take(struct pw_event *pending, struct pw_event *event)
{
	*event = *pending;
	pending->count = 0;
	pending->tid = NULL;
	pending->tgid = NULL;
	return event->count;
}

void pw_event_restore(struct pw_event *pending, struct pw_event *taken)
{
	if (pending->count && pending->tid != taken->tid)
		taken->flags |= PINWATCH_EVENT_F_ACTORS;
	swap(pending->tid, taken->tid);
	swap(pending->tgid, taken->tgid);
	memcpy(pending->comm, taken->comm, sizeof(pending->comm));
	pending->time_ns = taken->time_ns;
	if (!pending->count) {
		pending->events = 0;
		pending->flags = 0;
		pending->touched = 0;
		pending->causes = 0;
		pending->start = taken->start;
		pending->last = taken->last;
		pending->generation = taken->generation;
	}
	pending->events |= taken->events;
	pending->flags |= taken->flags;
	pending->touched |= taken->touched;
	pending->causes |= taken->causes;
	pending->start = min(pending->start, taken->start);
	pending->last = max(pending->last, taken->last);
	pending->count += taken->count;
}

void pw_event_put(const struct pw_event *event)
{
	put_pid(event->tid);
	put_pid(event->tgid);
}

void pw_event_enqueue(struct pw_event_queue *queue, struct list_head *dirty)
{
	spin_lock(&queue->lock);
	list_move_tail(dirty, &queue->dirty);
	spin_unlock(&queue->lock);
}

void pw_event_enqueue_first(struct pw_event_queue *queue, struct list_head *dirty)
{
	spin_lock(&queue->lock);
	list_move(dirty, &queue->dirty);
	spin_unlock(&queue->lock);
}

void pw_event_dequeue(struct pw_event_queue *queue, struct list_head *dirty)
{
	spin_lock(&queue->lock);
	list_del_init(dirty);
	spin_unlock(&queue->lock);
}

void pw_event_wake(struct pw_event_queue *queue)
{
	wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
}

void pw_event_hang_up(struct pw_event_queue *queue)
{
	wake_up_interruptible_poll(&queue->wait, EPOLLHUP);
}

bool pw_event_pending(struct pw_event_queue *queue)
{
	bool pending;

	spin_lock(&queue->lock);
	pending = !list_empty(&queue->dirty);
	spin_unlock(&queue->lock);
	return pending;
}
