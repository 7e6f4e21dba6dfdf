/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_test: private definitions of the subscriptions
 */
#ifndef _PW_LAB_H
#define _PW_LAB_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "pinwatch.h"
#include "pinwatch_test.h"

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

struct lab_file;
struct lab_crowd;

/**
 * struct lab_finish - what a first pass hands to its second
 * @finish: The engine's.
 * @until: When what the first pass has started will be done.
 * @blockable: The range is.
 * @busy: Bit 0: in use.
 */
struct lab_finish {
	struct pinwatch_interval_notifier_finish finish;
	ktime_t until;
	bool blockable;
	unsigned long busy;
};

#define LAB_NR_FINISHES	4

/**
 * struct lab_sub - a subscription
 * @handle: First, so that it is this.
 * @ref: The file's table, and each ioctl that uses it.
 * @file: Whose table it is in; constant.
 * @id: Where; constant.
 * @ops: Constant.
 * @engine: Constant.
 * @behaviour: Constant.
 * @sleep_us: Constant.
 * @hold_ms: Constant.
 * @hold: Callbacks pass it; closed for HELD.
 * @readers: Under the file's lock. BEGINs going on.
 * @deleting: Under the file's lock.
 * @finishes: Each belongs to who has set its busy bit.
 * @lock: The driver's lock, around set_seq and read_retry. All below.
 * @callbacks: As in struct pinwatch_test_read.
 * @non_blockable: Likewise.
 * @last_start: Likewise.
 * @last_end: Likewise.
 * @events: Likewise.
 * @unaligned: Likewise.
 * @digest: Likewise.
 * @nr_finishes: Likewise.
 * @first_order: Likewise.
 * @second_order: Likewise.
 */
struct lab_sub {
	union lab_handle handle;
	struct kref ref;
	struct lab_file *file;
	u32 id;
	struct pinwatch_interval_notifier_ops ops;
	u32 engine;
	u32 behaviour;
	u32 sleep_us;
	u32 hold_ms;
	struct lab_hold hold;
	unsigned int readers;
	bool deleting;
	struct lab_finish finishes[LAB_NR_FINISHES];

	spinlock_t lock;	/* a driver's */
	u64 callbacks;
	u64 non_blockable;
	u64 last_start;
	u64 last_end;
	u32 events;
	u32 unaligned;
	u64 digest;
	u64 nr_finishes;
	u64 first_order;
	u64 second_order;
};

/**
 * struct lab_file - an open file
 * @lock: All below but what says otherwise; a leaf.
 * @mm: That of the first ADD; mm_count is held.
 * @subs: By id.
 * @put: Something was put, of whose end close has to be sure.
 * @stall: Locks itself.
 * @crowd_mutex: @crowd. Not taken in callbacks.
 * @crowd: Or NULL.
 */
struct lab_file {
	spinlock_t lock;	/* a leaf */
	struct mm_struct *mm;
	struct lab_sub *subs[PINWATCH_TEST_MAX_SUBS];
	bool put;
	struct lab_hold stall;
	struct mutex crowd_mutex;	/* the crowd */
	struct lab_crowd *crowd;
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
				  struct pinwatch_test_time *time)
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

/* callback.c */
extern const struct mmu_interval_notifier_ops lab_mni_ops;
void lab_ops_init(struct lab_sub *sub, u32 flags, u32 ignore_events);

/* crowd.c */
int lab_crowd_add(struct lab_file *file, const struct pinwatch_test_crowd *arg);
int lab_crowd_read(struct lab_file *file, struct pinwatch_test_crowd *arg);
void lab_crowd_remove(struct lab_file *file);

/* sub.c */
int lab_sub_insert(struct lab_sub *sub, struct mm_struct *mm, unsigned long start,
		   unsigned long length, bool locked);
void lab_handle_remove(union lab_handle *handle, u32 engine);
unsigned long lab_handle_begin(union lab_handle *handle, u32 engine);
bool lab_handle_retry(union lab_handle *handle, u32 engine, unsigned long seq);
void lab_sub_init(struct lab_sub *sub, const struct pinwatch_test_add *arg);
struct lab_sub *lab_sub_get(struct lab_file *file, u32 id, bool reader);
void lab_sub_put(struct lab_sub *sub);
bool lab_sub_claim_put(struct lab_sub *sub);
void lab_sub_freed(struct pinwatch_interval_notifier *pw);
void lab_sub_put_reader(struct lab_file *file, struct lab_sub *sub);
int lab_sub_add(struct lab_file *file, struct pinwatch_test_add *arg);
int lab_sub_del(struct lab_file *file, struct pinwatch_test_del *arg);
void lab_sub_read(struct lab_sub *sub, struct pinwatch_test_read *arg);
int lab_sub_begin(struct lab_file *file, struct pinwatch_test_begin *arg);
bool lab_sub_retry(struct lab_sub *sub, unsigned long seq);
void lab_sub_remove_all(struct lab_file *file);

/* loop.c */
int lab_loop(struct lab_file *file, struct pinwatch_test_loop *arg);

#endif /* _PW_LAB_H */
