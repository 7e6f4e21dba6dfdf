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
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/pinwatch.h>
#include "event.h"
#include "file.h"
#include "generation.h"
#include "watch.h"

static u32 event_of(const struct mmu_notifier_range *range)
{
	static const u32 events[] = {
		[MMU_NOTIFY_UNMAP] = PINWATCH_EVENT_UNMAP,
		[MMU_NOTIFY_CLEAR] = PINWATCH_EVENT_CLEAR,
		[MMU_NOTIFY_PROTECTION_VMA] = PINWATCH_EVENT_PROTECT,
		[MMU_NOTIFY_PROTECTION_PAGE] = PINWATCH_EVENT_PROTECT_PAGE,
		[MMU_NOTIFY_SOFT_DIRTY] = PINWATCH_EVENT_SOFT_DIRTY,
		[MMU_NOTIFY_RELEASE] = PINWATCH_EVENT_RELEASE,
		[MMU_NOTIFY_MIGRATE] = PINWATCH_EVENT_MIGRATE,
		[PW_MMU_NOTIFY_EXCLUSIVE] = PINWATCH_EVENT_EXCLUSIVE,
	};
	unsigned int event = range->event;

	return event < ARRAY_SIZE(events) ? events[event] : PINWATCH_EVENT_OTHER;
}

void pw_event_init_queue(struct pw_event_queue *queue)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->dirty);
	init_waitqueue_head(&queue->wait);
}

/*
 * Add @hit, which came before what is pending or after it, to it. Returns true
 * when nothing was: the readers do not know yet.
 */
static bool event_merge(struct pw_watch *watch, const struct pw_event *hit)
{
	struct pw_event_queue *queue = &watch->file->events;
	struct pw_event *event = &watch->event;
	bool first = !event->count;

	lockdep_assert_held(&watch->lock);
	if (first) {
		event->events = 0;
		event->start = hit->start;
		event->last = hit->last;
		event->time_ns = hit->time_ns;
		spin_lock(&queue->lock);
		list_move_tail(&event->node, &queue->dirty);
		spin_unlock(&queue->lock);
	}
	event->events |= hit->events;
	event->start = min(event->start, hit->start);
	event->last = max(event->last, hit->last);
	event->time_ns = min(event->time_ns, hit->time_ns);
	event->count += hit->count;
	return first;
}

bool pw_event_record(struct pw_watch *watch, const struct mmu_notifier_range *range)
{
	const struct interval_tree_node *node = &watch->sub.interval_tree;
	struct pw_event hit = {
		.events = event_of(range),
		.start = max(range->start & PAGE_MASK, node->start),
		.last = min((range->end - 1) | ~PAGE_MASK, node->last),
		.count = 1,
		.time_ns = ktime_get_ns(),
	};

	return event_merge(watch, &hit);
}

void pw_event_forget(struct pw_watch *watch)
{
	struct pw_event_queue *queue = &watch->file->events;

	lockdep_assert_held(&watch->lock);
	watch->event.count = 0;
	spin_lock(&queue->lock);
	list_del_init(&watch->event.node);
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
	struct pw_event *event;
	struct pw_watch *watch = NULL;

	spin_lock(&queue->lock);
	event = list_first_entry_or_null(&queue->dirty, struct pw_event, node);
	if (event) {
		list_del_init(&event->node);
		watch = container_of(event, struct pw_watch, event);
		pw_watch_get(watch);
	}
	spin_unlock(&queue->lock);
	return watch;
}

/* False: it was deleted since it was popped, or another reader was faster. */
static bool event_take(struct pw_watch *watch, struct pw_event *event,
		       struct pinwatch_event *record)
{
	spin_lock(&watch->lock);
	*event = watch->event;
	if (!event->count) {
		spin_unlock(&watch->lock);
		return false;
	}
	watch->event.count = 0;
	record->generation = pw_generation_read(watch->gen);
	spin_unlock(&watch->lock);

	record->cookie = watch->cookie;
	record->id = watch->id;
	record->events = event->events;
	record->start = event->start;
	record->end = event->last + 1;
	record->count = event->count;
	record->time_ns = event->time_ns;
	record->reserved = 0;
	return true;
}

/* It could not be delivered: it is next again, unless it was deleted. */
static void event_restore(struct pw_watch *watch, const struct pw_event *event)
{
	struct pw_event_queue *queue = &watch->file->events;

	spin_lock(&watch->lock);
	if (watch->state != PW_WATCH_DELETING) {
		event_merge(watch, event);
		spin_lock(&queue->lock);
		list_move(&watch->event.node, &queue->dirty);
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

	while (!fault && count - done >= sizeof(record)) {
		watch = event_pop(queue);
		if (!watch)
			break;
		if (event_take(watch, &event, &record)) {
			fault = copy_to_user(buf + done, &record, sizeof(record));
			if (fault)
				event_restore(watch, &event);
			else
				done += sizeof(record);
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
		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible(queue->wait, pw_event_pending(queue));
		if (err)
			return err;
	}
}
