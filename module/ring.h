/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring: hits on their way from the callbacks to a surface that sends them
 *
 * A callback must not allocate and must not send. It copies the hit into a ring of
 * fixed size, if the surface wants it, and a worker hands it over. What does not fit
 * is lost, counted, and told with the next one.
 */
#ifndef _PW_RING_H
#define _PW_RING_H

#include <linux/sched.h>
#include <linux/types.h>

struct pw_hit;
struct pw_watch;

/**
 * struct pw_ring_event - a hit, and whose it was
 * @seq: Grows by one with each event that was wanted, lost ones too.
 * @lost: How many were lost just before it.
 * @file: Number of the file; 0: this is no hit, and only @seq and @lost are set.
 * @id: Of the watch in it.
 * @owner: The process that the file was bound to.
 * @event: A PINWATCH_EVENT_* bit.
 * @cause: A PINWATCH_CAUSE_* bit.
 * @start: First byte of what was invalidated in the watch.
 * @last: Its last byte.
 * @generation: The watch's, after it.
 * @time_ns: CLOCK_MONOTONIC.
 * @flags: PINWATCH_EVENT_F_ATOMIC, or 0.
 * @tid: The actor, in the initial PID namespace.
 * @tgid: Its process.
 * @comm: Its name.
 */
struct pw_ring_event {
	u64 seq;
	u64 lost;
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
 * struct pw_ring_ops - the surface
 * @wanted: Does anybody listen? Called in callbacks: must not sleep.
 * @send: Hand an event on. Called by a worker, one at a time, may sleep. False: it
 *	is lost, to some listeners at least.
 */
struct pw_ring_ops {
	bool (*wanted)(void);
	bool (*send)(const struct pw_ring_event *event);
};

/**
 * pw_ring_push() - a watch was hit
 * @watch: The watch.
 * @hit: By what.
 * @generation: Of the watch, after it.
 *
 * Context: in the callback of @watch, best without its lock. Does not sleep.
 */
void pw_ring_push(const struct pw_watch *watch, const struct pw_hit *hit, u64 generation);

/**
 * pw_ring_counts() - since load
 * @sent: Filled: events that were handed over.
 * @lost: Filled: events that were not.
 *
 * Context: any. Does not sleep.
 */
void pw_ring_counts(u64 *sent, u64 *lost);

/**
 * pw_ring_init() - before the first hit
 * @ops: The surface; constant.
 *
 * Context: module init.
 * Return: 0, -ENOMEM.
 */
int pw_ring_init(const struct pw_ring_ops *ops);

/**
 * pw_ring_exit() - after the last hit; hands over what is in the ring
 *
 * Context: module exit.
 */
void pw_ring_exit(void);

#endif /* _PW_RING_H */
