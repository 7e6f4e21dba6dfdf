// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: merged in callbacks, taken by readers
 *
 *	callback			reader
 *	lock watch			lock queue
 *	  count was 0: lock queue	  pop the first watch, get it
 *	    add to the dirty list	unlock
 *	  merge, count++		lock watch
 *	unlock				  take the record, count = 0
 *					unlock
 *
 * A hit between the reader's two sections merges into the record that is about
 * to be taken, one after them puts the watch on the list anew.
 */
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <linux/pinwatch.h>
#include "event.h"
#include "file.h"
#include "hit.h"
#include "watch.h"

static_assert(sizeof_field(struct pinwatch_event, comm) == TASK_COMM_LEN);

void pw_event_init_queue(struct pw_event_queue *queue)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->dirty);
	init_waitqueue_head(&queue->wait);
}

/* Nothing is pending any more: for who took it, or before it is freed. */
static void event_clear(struct pw_event *event)
{
	event->count = 0;
	event->tid = NULL;
	event->tgid = NULL;
}

void pw_event_put(const struct pw_event *event)
{
	put_pid(event->tid);
	put_pid(event->tgid);
}

/* The readers do not know of @watch yet. */
static void event_queue(struct pw_watch *watch)
{
	struct pw_event_queue *queue = &watch->file->events;

	spin_lock(&queue->lock);
	list_move_tail(&watch->dirty, &queue->dirty);
	spin_unlock(&queue->lock);
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

bool pw_event_record(struct pw_watch *watch, const struct pw_hit *hit, u64 generation)
{
	struct pw_event *event = &watch->event;
	bool first = !event->count;

	lockdep_assert_held(&watch->lock);
	if (first) {
		event_begin(event, hit);
		event_queue(watch);
	} else if (event->tid != task_pid(current)) {
		event->flags |= PINWATCH_EVENT_F_ACTORS;
	}
	if (hit->atomic)
		event->flags |= PINWATCH_EVENT_F_ATOMIC;
	event->events |= hit->event;
	event->causes |= hit->cause;
	event->touched |= hit->touched;
	event->start = min(event->start, hit->start);
	event->last = max(event->last, hit->last);
	event->count++;
	event->generation = generation;
	return first;
}

void pw_event_forget(struct pw_watch *watch, struct pw_event *event)
{
	struct pw_event_queue *queue = &watch->file->events;

	lockdep_assert_held(&watch->lock);
	*event = watch->event;
	event_clear(&watch->event);
	spin_lock(&queue->lock);
	list_del_init(&watch->dirty);
	spin_unlock(&queue->lock);
}

void pw_event_wake(struct pw_event_queue *queue)
{
	wake_up_interruptible_poll(&queue->wait, EPOLLIN | EPOLLRDNORM);
}

bool pw_event_pending(struct pw_event_queue *queue)
{
	bool pending;

	spin_lock(&queue->lock);
	pending = !list_empty(&queue->dirty);
	spin_unlock(&queue->lock);
	return pending;
}

/* A watch on the list is in the file's table, and so has a reference. */
static struct pw_watch *event_pop(struct pw_event_queue *queue)
{
	struct pw_watch *watch;

	spin_lock(&queue->lock);
	watch = list_first_entry_or_null(&queue->dirty, struct pw_watch, dirty);
	if (watch) {
		list_del_init(&watch->dirty);
		pw_watch_get(watch);
	}
	spin_unlock(&queue->lock);
	return watch;
}

/* Whose actors a reader may be told of: see the head of the ABI header. */
static bool reader_sees(const struct pw_event *event)
{
	return event->tgid == task_tgid(current) ||
	       ns_capable_noaudit(&init_user_ns, CAP_SYS_PTRACE);
}

static void record_fill(struct pinwatch_event *record, const struct pw_event *event)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	record->events = event->events;
	record->start = event->start;
	record->end = event->last + 1;
	record->count = event->count;
	record->generation = event->generation;
	record->time_ns = event->time_ns;
	record->touched = event->touched;
	record->causes = event->causes;
	record->flags = event->flags;
	if (!reader_sees(event))
		return;
	record->flags |= PINWATCH_EVENT_F_ACTOR;
	record->tid = pid_nr_ns(event->tid, ns);
	record->tgid = pid_nr_ns(event->tgid, ns);
	memcpy(record->comm, event->comm, sizeof(record->comm));
}

/*
 * False: it was deleted since it was popped, or another reader was faster. Else the
 * caller has the references of @event.
 */
static bool event_take(struct pw_watch *watch, struct pw_event *event,
		       struct pinwatch_event *record)
{
	struct pw_event_queue *queue = &watch->file->events;

	memset(record, 0, sizeof(*record));
	spin_lock(&watch->lock);
	*event = watch->event;
	if (!event->count) {
		spin_unlock(&watch->lock);
		return false;
	}
	event_clear(&watch->event);
	/* Another reader may have put it back since it was popped. */
	spin_lock(&queue->lock);
	list_del_init(&watch->dirty);
	spin_unlock(&queue->lock);
	spin_unlock(&watch->lock);

	record->cookie = watch->cookie;
	record->id = watch->id;
	record->touched_shift = watch->touched_shift;
	record_fill(record, event);
	return true;
}

/* What was taken came first, so its actor is who the record names. */
static void event_unmerge(struct pw_event *pending, struct pw_event *taken)
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

/* It could not be delivered: it is next again, unless it was deleted. */
static void event_restore(struct pw_watch *watch, struct pw_event *taken)
{
	struct pw_event_queue *queue = &watch->file->events;

	spin_lock(&watch->lock);
	if (watch->state != PW_WATCH_DELETING) {
		event_unmerge(&watch->event, taken);
		spin_lock(&queue->lock);
		list_move(&watch->dirty, &queue->dirty);
		spin_unlock(&queue->lock);
	}
	spin_unlock(&watch->lock);
	pw_event_wake(queue);
}

/* As many as are there now. Returns bytes or -EFAULT. */
static ssize_t event_drain(struct pw_event_queue *queue, char __user *buf, size_t count)
{
	struct pinwatch_event record;
	struct pw_watch *watch;
	struct pw_event event;
	size_t done = 0;
	bool fault = false;

	while (!fault && count - done >= sizeof(record) &&
	       !fatal_signal_pending(current)) {
		watch = event_pop(queue);
		if (!watch)
			break;
		if (event_take(watch, &event, &record)) {
			fault = copy_to_user(buf + done, &record, sizeof(record));
			if (fault)
				event_restore(watch, &event);
			else
				done += sizeof(record);
			pw_event_put(&event);
		}
		pw_watch_put(watch);
		cond_resched();
	}
	return fault && !done ? -EFAULT : done;
}

ssize_t pw_event_read(struct pw_event_queue *queue, char __user *buf,
		      size_t count, bool nonblock)
{
	ssize_t done;
	int err;

	if (count < sizeof(struct pinwatch_event))
		return -EINVAL;
	for (;;) {
		done = event_drain(queue, buf, count);
		if (done)
			return done;
		/* It may have stopped for that, with records left. */
		if (fatal_signal_pending(current))
			return -EINTR;
		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible(queue->wait, pw_event_pending(queue));
		if (err)
			return err;
	}
}
