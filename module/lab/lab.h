/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_lab: private definitions
 */
#ifndef _PW_LAB_H
#define _PW_LAB_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "../pinwatch.h"
#include "pinwatch_lab.h"

/**
 * struct lab_hold - a place where tasks are held
 * @wq: Woken when anything here changes.
 * @inside: Tasks that have entered and not left.
 * @timeouts: Those that nobody released in time.
 * @closed: Who comes has to wait.
 */
struct lab_hold {
	wait_queue_head_t wq;
	atomic_t inside;
	atomic_t timeouts;
	bool closed;
};

/* What a driver's handle is embedded in, for either engine. */
union lab_handle {
	struct pinwatch_interval_notifier pw;
	struct mmu_interval_notifier mni;
};

/**
 * struct lab_sub - a subscription
 * @handle: First, so that it is this.
 * @ref: The file's table, and each ioctl that uses it.
 * @engine: Constant.
 * @behaviour: Constant.
 * @sleep_us: Constant.
 * @hold_ms: Constant.
 * @hold: Callbacks pass it; closed for HELD.
 * @readers: Under the file's lock. BEGINs going on.
 * @deleting: Under the file's lock.
 * @lock: The driver's lock, around set_seq and read_retry. All below.
 * @callbacks: As in struct pinwatch_lab_read.
 * @non_blockable: Likewise.
 * @last_start: Likewise.
 * @last_end: Likewise.
 * @events: Likewise.
 */
struct lab_sub {
	union lab_handle handle;
	struct kref ref;
	u32 engine;
	u32 behaviour;
	u32 sleep_us;
	u32 hold_ms;
	struct lab_hold hold;
	unsigned int readers;
	bool deleting;

	spinlock_t lock;	/* a driver's */
	u64 callbacks;
	u64 non_blockable;
	u64 last_start;
	u64 last_end;
	u32 events;
};

/**
 * struct lab_file - an open file
 * @lock: All below but what says otherwise; a leaf.
 * @mm: That of the first ADD; mm_count is held.
 * @subs: By id.
 * @stall: Locks itself.
 */
struct lab_file {
	spinlock_t lock;	/* a leaf */
	struct mm_struct *mm;
	struct lab_sub *subs[PINWATCH_LAB_MAX_SUBS];
	struct lab_hold stall;
};

/* Around a call: how long, and did we sleep in it? */
struct lab_clock {
	ktime_t begin;
	unsigned long sleeps;
};

static inline void lab_clock_start(struct lab_clock *clock)
{
	clock->sleeps = current->nvcsw;
	clock->begin = ktime_get();
}

static inline void lab_clock_stop(const struct lab_clock *clock,
				  struct pinwatch_lab_time *time)
{
	time->ns = ktime_to_ns(ktime_sub(ktime_get(), clock->begin));
	time->sleeps = current->nvcsw - clock->sleeps;
	time->reserved = 0;
}

/* hold.c */
void lab_hold_init(struct lab_hold *hold, bool closed);
void lab_hold_enter(struct lab_hold *hold);
void lab_hold_leave(struct lab_hold *hold);
void lab_hold_pass(struct lab_hold *hold, unsigned int ms);
void lab_hold_release(struct lab_hold *hold);
int lab_hold_wait(struct lab_hold *hold, unsigned int inside, unsigned int ms);

/* sub.c */
int lab_handle_insert(union lab_handle *handle, u32 engine, struct mm_struct *mm,
		      unsigned long start, unsigned long length, bool locked);
void lab_handle_remove(union lab_handle *handle, u32 engine);
unsigned long lab_handle_begin(union lab_handle *handle, u32 engine);
bool lab_handle_retry(union lab_handle *handle, u32 engine, unsigned long seq);
void lab_sub_init(struct lab_sub *sub, const struct pinwatch_lab_add *arg);
struct lab_sub *lab_sub_get(struct lab_file *file, u32 id, bool reader);
void lab_sub_put(struct lab_sub *sub);
void lab_sub_put_reader(struct lab_file *file, struct lab_sub *sub);
int lab_sub_add(struct lab_file *file, struct pinwatch_lab_add *arg);
int lab_sub_del(struct lab_file *file, struct pinwatch_lab_del *arg);
void lab_sub_read(struct lab_sub *sub, struct pinwatch_lab_read *arg);
int lab_sub_begin(struct lab_file *file, struct pinwatch_lab_begin *arg);
bool lab_sub_retry(struct lab_sub *sub, unsigned long seq);
void lab_sub_remove_all(struct lab_file *file);

/* loop.c */
int lab_loop(struct lab_file *file, struct pinwatch_lab_loop *arg);

#endif /* _PW_LAB_H */
