/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring: hits on their way from invalidation callbacks to the netlink worker
 *
 * A callback must not allocate memory and must not send. It copies the hit into a
 * ring of fixed size. The worker of genl.c takes the events out and sends them. A hit of
 * a user with as many entries as the ring has free entries is counted as lost; the next
 * event carries the count. So a user with many hits leaves room for the hits of another user.
 */
#ifndef _PW_RING_H
#define _PW_RING_H

#include <linux/sched.h>
#include <linux/types.h>

struct pw_file;
struct pw_hit;
struct pw_user;

/**
 * struct pw_ring_event - a hit, with its watch and its actor
 * @seq: Sequence number of the hit; lost hits have a number, too.
 * @lost: Number of hits that were lost just before this event.
 * @user: The user that the file is charged to. Used by ring.c only: holds a reference until
 *	pw_ring_take().
 * @file: Number of the file; 0: not a hit, only @seq and @lost are valid.
 * @id: ID of the watch in the file.
 * @owner: Process to whose address space the file is bound, in the initial PID
 *	namespace.
 * @event: One PINWATCH_EVENT_* bit.
 * @cause: One PINWATCH_CAUSE_* bit.
 * @start: First byte of the overlap with the watch.
 * @last: Last byte of the overlap.
 * @generation: Generation of the watch after the hit.
 * @time_ns: CLOCK_MONOTONIC, in nanoseconds.
 * @flags: PINWATCH_EVENT_F_ATOMIC, or 0.
 * @tid: Thread that invalidated, in the initial PID namespace.
 * @tgid: Process of that thread, in the initial PID namespace.
 * @comm: Name of that thread.
 */
struct pw_ring_event {
	u64 seq;
	u64 lost;
	struct pw_user *user;
	u32 file;
	u32 id;
	u32 owner;
	u32 event;
	u64 cause;
	unsigned long start;
	unsigned long last;
	u64 generation;
	u64 time_ns;
	u32 flags;
	u32 tid;
	u32 tgid;
	char comm[TASK_COMM_LEN];
};

/**
 * pw_ring_push() - copy a hit into the ring, or count it as lost
 * @file: The file of the watch.
 * @id: The id of the watch.
 * @hit: The hit, caused by current.
 * @generation: The generation of the watch after @hit.
 *
 * Context: invalidation callback. Does not sleep.
 */
void pw_ring_push(const struct pw_file *file, u32 id, const struct pw_hit *hit,
		  u64 generation);

/**
 * pw_ring_take() - remove the oldest event from the ring
 * @event: Filled in. If the ring is empty but hits were lost after the newest event
 *	that was taken, @event->file is 0.
 *
 * Context: process context. Does not sleep.
 * Return: true if @event was filled in, false if there is nothing to report.
 */
bool pw_ring_take(struct pw_ring_event *event);

/**
 * pw_ring_count() - count an event that pw_ring_take() returned
 * @sent: It was sent to all listeners.
 *
 * Context: process context. Does not sleep.
 */
void pw_ring_count(bool sent);

/**
 * pw_ring_counts() - events since the module was loaded
 * @sent: Set to the number of events that were sent.
 * @lost: Set to the number of events that were lost.
 *
 * Context: any. Does not sleep.
 */
void pw_ring_counts(u64 *sent, u64 *lost);

/**
 * pw_ring_init() - allocate the ring
 *
 * Context: module init, before the first hit.
 * Return: 0, -ENOMEM.
 */
int pw_ring_init(void);

/**
 * pw_ring_exit() - free the ring
 *
 * Context: module exit, after the last hit.
 */
void pw_ring_exit(void);

#endif /* _PW_RING_H */
