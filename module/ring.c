// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring: filled by invalidation callbacks, emptied by the netlink worker
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/pinwatch.h>
#include "file.h"
#include "hit.h"
#include "limits.h"
#include "ring.h"

#define RING_SIZE	2048

/**
 * struct ring - the ring, of which there is one
 * @lock: Protects the members below. A leaf, taken in callbacks.
 * @events: Array of RING_SIZE events.
 * @first: Index of the oldest event.
 * @nr: Number of events in the ring.
 * @seq: Number of hits that were pushed or lost.
 * @lost: Number of hits that were lost since the last push.
 * @nr_sent: Events that were sent since the module was loaded.
 * @nr_lost: Events that were lost since the module was loaded.
 */
static struct ring {
	spinlock_t lock;	/* the members below */
	struct pw_ring_event *events;
	unsigned int first;
	unsigned int nr;
	u64 seq;
	u64 lost;
	u64 nr_sent;
	u64 nr_lost;
} ring = { .lock = __SPIN_LOCK_UNLOCKED(ring.lock) };

static void event_fill(struct pw_ring_event *event, const struct pw_file *file, u32 id,
		       const struct pw_hit *hit, u64 generation)
{
	event->user = file->user;
	event->file = file->number;
	event->id = id;
	event->owner = READ_ONCE(file->owner);
	event->event = hit->event;
	event->cause = hit->cause;
	event->start = hit->start;
	event->last = hit->last;
	event->generation = generation;
	event->time_ns = hit->time_ns;
	event->flags = hit->atomic ? PINWATCH_EVENT_F_ATOMIC : 0;
	event->tid = task_pid_nr(current);
	event->tgid = task_tgid_nr(current);
	/* Not under task_lock(): current may hold the lock. comm[] always ends in a NUL. */
	memcpy(event->comm, current->comm, sizeof(event->comm));
}

void pw_ring_push(const struct pw_file *file, u32 id, const struct pw_hit *hit,
		  u64 generation)
{
	unsigned int *nr = pw_limits_nr_events(file->user);
	struct pw_ring_event *event;

	spin_lock(&ring.lock);
	ring.seq++;
	/*
	 * A user can fill half of the ring. Each further user finds as many free entries
	 * as the user fills.
	 */
	if (*nr < RING_SIZE - ring.nr) {
		event = &ring.events[(ring.first + ring.nr) % RING_SIZE];
		event->seq = ring.seq;
		event->lost = ring.lost;
		event_fill(event, file, id, hit, generation);
		/* The file may be closed before the event is taken. */
		pw_limits_hold_user(file->user);
		ring.lost = 0;
		ring.nr++;
		(*nr)++;
	} else {
		ring.lost++;
		ring.nr_lost++;
	}
	spin_unlock(&ring.lock);
}

bool pw_ring_take(struct pw_ring_event *event)
{
	struct pw_user *user = NULL;
	bool some;

	spin_lock(&ring.lock);
	some = ring.nr || ring.lost;
	if (ring.nr) {
		*event = ring.events[ring.first];
		ring.first = (ring.first + 1) % RING_SIZE;
		ring.nr--;
		user = event->user;
		(*pw_limits_nr_events(user))--;
	} else if (ring.lost) {
		memset(event, 0, sizeof(*event));
		event->seq = ring.seq;
		event->lost = ring.lost;
		ring.lost = 0;
	}
	spin_unlock(&ring.lock);
	if (user)
		pw_limits_put_user(user);
	return some;
}

void pw_ring_count(bool sent)
{
	spin_lock(&ring.lock);
	if (sent)
		ring.nr_sent++;
	else
		ring.nr_lost++;
	spin_unlock(&ring.lock);
}

void pw_ring_counts(u64 *sent, u64 *lost)
{
	spin_lock(&ring.lock);
	*sent = ring.nr_sent;
	*lost = ring.nr_lost;
	spin_unlock(&ring.lock);
}

int pw_ring_init(void)
{
	ring.events = kvcalloc(RING_SIZE, sizeof(*ring.events), GFP_KERNEL);
	return ring.events ? 0 : -ENOMEM;
}

void pw_ring_exit(void)
{
	kvfree(ring.events);
}
