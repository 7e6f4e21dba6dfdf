// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reader: read() takes the pending records of a file's watches
 *
 *	invalidation callback		reader
 *	lock watch			lock queue
 *	  count was 0: lock queue	  pop the first watch, get a reference
 *	    add to the dirty list	unlock
 *	  merge, count++		lock watch
 *	unlock				  take the record, count = 0
 *					unlock
 *
 * A hit between the reader's two sections merges into the record that the reader is
 * about to take. A hit after them puts the watch on the dirty list again.
 */
#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>
#include <linux/pinwatch.h>
#include "event.h"
#include "file.h"
#include "reader.h"
#include "watch.h"

static_assert(sizeof_field(struct pinwatch_event, comm) == TASK_COMM_LEN);

/* The table of the file holds a reference to each watch on the dirty list. */
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

/*
 * May current see the actor of @event? See pinwatch(4). A process without an ID in the PID
 * namespace of current is hidden, with its name, from the reader of any capability.
 */
static bool reader_sees(const struct pw_event *event, struct pid_namespace *ns)
{
	if (!pid_nr_ns(event->tgid, ns))
		return false;
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
	if (!reader_sees(event, ns))
		return;
	record->flags |= PINWATCH_EVENT_F_ACTOR;
	record->tid = pid_nr_ns(event->tid, ns);
	record->tgid = pid_nr_ns(event->tgid, ns);
	memcpy(record->comm, event->comm, sizeof(record->comm));
}

/*
 * Move the pending record of @watch to @event, with its references, and to @record.
 * Return: false if nothing is pending: since the caller popped @watch, another reader
 * has taken the record or the watch was deleted.
 */
static bool event_take(struct pw_watch *watch, struct pw_event *event,
		       struct pinwatch_event *record)
{
	bool taken;

	memset(record, 0, sizeof(*record));
	spin_lock(&watch->lock);
	taken = pw_event_take(&watch->event, event);
	/* Another reader may have put the watch back since the caller popped it. */
	if (taken)
		pw_event_dequeue(&watch->file->events, &watch->dirty);
	spin_unlock(&watch->lock);
	if (!taken)
		return false;

	record->size = sizeof(*record);
	record->cookie = watch->cookie;
	record->id = watch->id;
	record->touched_shift = watch->touched_shift;
	record_fill(record, event);
	return true;
}

/* @taken was not delivered: make it the next record, unless @watch was deleted. */
static void event_restore(struct pw_watch *watch, struct pw_event *taken)
{
	struct pw_event_queue *queue = &watch->file->events;

	spin_lock(&watch->lock);
	if (watch->state != PW_WATCH_DELETING) {
		pw_event_restore(&watch->event, taken);
		pw_event_enqueue_first(queue, &watch->dirty);
	}
	spin_unlock(&watch->lock);
	pw_event_wake(queue);
}

/* Return: false if @to faulted; @to has not advanced then. */
static bool record_copy(const struct pinwatch_event *record, struct iov_iter *to)
{
	size_t copied = copy_to_iter(record, sizeof(*record), to);

	if (copied == sizeof(*record))
		return true;
	iov_iter_revert(to, copied);
	return false;
}

/* Copy pending records out. Return: bytes, 0 if the list is empty, -EFAULT. */
static ssize_t event_drain(struct pw_event_queue *queue, struct iov_iter *to)
{
	struct pinwatch_event record;
	struct pw_watch *watch;
	struct pw_event event;
	size_t done = 0;
	bool fault = false;

	while (!fault && iov_iter_count(to) >= sizeof(record) &&
	       !fatal_signal_pending(current)) {
		watch = event_pop(queue);
		if (!watch)
			break;
		if (event_take(watch, &event, &record)) {
			fault = !record_copy(&record, to);
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

ssize_t pw_reader_read(struct pw_event_queue *queue, struct iov_iter *to, bool nonblock)
{
	ssize_t done;
	int err;

	if (iov_iter_count(to) < sizeof(struct pinwatch_event))
		return -EINVAL;
	for (;;) {
		done = event_drain(queue, to);
		if (done)
			return done;
		/* event_drain() may have stopped for a signal, with records left. */
		if (fatal_signal_pending(current))
			return -EINTR;
		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible(queue->wait, pw_event_pending(queue));
		if (err)
			return err;
	}
}
