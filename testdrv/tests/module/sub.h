/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_test: private definitions of the subscriptions of an open file
 */
#ifndef _PT_SUB_H
#define _PT_SUB_H

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
 * struct pt_hold - a gate at which a test holds tasks
 * @wq: Woken when a field changes.
 * @inside: Number of tasks that have entered and not left.
 * @timeouts: Number of tasks that left because their time was over.
 * @closed: pt_hold_pass() waits.
 */
struct pt_hold {
	wait_queue_head_t wq;
	atomic_t inside;
	atomic_t timeouts;
	bool closed;
};

/* The handle of a subscription, in the engine that its @engine names */
union pt_handle {
	struct pinwatch_interval_notifier pw;
	struct mmu_interval_notifier mni;
};

struct pt_table;
struct pt_mass;

/**
 * struct pt_finish - state that a first pass hands to the second pass
 * @finish: Belongs to the engine.
 * @until: Time at which the work that the first pass started is complete.
 * @blockable: The range is blockable.
 * @busy: Bit 0: in use. finish_get() acquires, sub_invalidate_finish() releases.
 */
struct pt_finish {
	struct pinwatch_interval_notifier_finish finish;
	ktime_t until;
	bool blockable;
	unsigned long busy;
};

#define PT_NR_FINISHES	4

/**
 * struct pt_sub - a subscription
 * @handle: The driver's handle.
 * @ref: Held by the table, and by each ioctl that uses the subscription.
 * @table: The table that contains the subscription; constant.
 * @id: Index in @table; constant.
 * @ops: Constant.
 * @engine: Constant.
 * @behaviour: Constant.
 * @sleep_us: Constant.
 * @hold_ms: Constant.
 * @hold: Entered by each callback; closed for PINWATCH_TEST_HELD.
 * @readers: Number of ioctls in read_begin or read_retry. Under @table->lock.
 * @deleting: Not inserted yet, or being removed or put. Under @table->lock.
 * @finishes: Each belongs to the pass that has set its busy bit.
 * @lock: The lock of the driver, around set_seq and read_retry; guards the fields
 *	below.
 * @callbacks: See struct pinwatch_test_read.
 * @non_blockable: See struct pinwatch_test_read.
 * @last_start: See struct pinwatch_test_read.
 * @last_end: See struct pinwatch_test_read.
 * @events: See struct pinwatch_test_read.
 * @unaligned: See struct pinwatch_test_read.
 * @digest: See struct pinwatch_test_read.
 * @nr_finishes: See struct pinwatch_test_read.
 * @first_order: See struct pinwatch_test_read.
 * @second_order: See struct pinwatch_test_read.
 */
struct pt_sub {
	union pt_handle handle;
	struct kref ref;
	struct pt_table *table;
	u32 id;
	struct pinwatch_interval_notifier_ops ops;
	u32 engine;
	u32 behaviour;
	u32 sleep_us;
	u32 hold_ms;
	struct pt_hold hold;
	unsigned int readers;
	bool deleting;
	struct pt_finish finishes[PT_NR_FINISHES];

	spinlock_t lock;	/* the driver's: set_seq, read_retry, and below */
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
 * struct pt_table - the subscriptions of an open file
 * @lock: Guards @mm, @subs and @put; no other lock is taken inside.
 * @mm: The mm of the first ADD, or %NULL; mm_count is held.
 * @subs: By id.
 * @put: A subscription was put: close calls the barrier.
 * @stall: Holds tasks in PINWATCH_TEST_IOC_STALL; has no other lock.
 * @mass_lock: Guards @mass; not taken in callbacks.
 * @mass: What MASS_ADD has inserted, or %NULL.
 */
struct pt_table {
	spinlock_t lock;	/* mm, subs, put */
	struct mm_struct *mm;
	struct pt_sub *subs[PINWATCH_TEST_MAX_SUBS];
	bool put;
	struct pt_hold stall;
	struct mutex mass_lock;	/* mass */
	struct pt_mass *mass;
};

/* Measures how long a call takes, and how often the task sleeps in it. */
struct pt_clock {
	ktime_t begin;
	unsigned long sleeps;
};

static inline void pt_clock_start(struct pt_clock *clock)
{
	clock->sleeps = current->nvcsw;
	clock->begin = ktime_get();
}

static inline void pt_clock_stop(const struct pt_clock *clock,
				 struct pinwatch_test_time *time)
{
	time->ns = ktime_to_ns(ktime_sub(ktime_get(), clock->begin));
	time->sleeps = current->nvcsw - clock->sleeps;
	time->reserved = 0;
}

/* hold.c */
void pt_hold_init(struct pt_hold *hold, bool closed);
void pt_hold_enter(struct pt_hold *hold);
void pt_hold_leave(struct pt_hold *hold);
void pt_hold_pass(struct pt_hold *hold, unsigned int ms);
void pt_hold_release(struct pt_hold *hold);
int pt_hold_wait(struct pt_hold *hold, unsigned int inside, unsigned int ms);

/* callback.c */
extern const struct mmu_interval_notifier_ops pt_mni_ops;
void pt_ops_init(struct pt_sub *sub, u32 flags, u32 ignore_events);

/* mass.c */
int pt_mass_add(struct pt_table *table, const struct pinwatch_test_mass *arg);
int pt_mass_read(struct pt_table *table, struct pinwatch_test_mass *arg);
void pt_mass_remove(struct pt_table *table);

/* sub.c */
int pt_sub_insert(struct pt_sub *sub, struct mm_struct *mm, unsigned long start,
		  unsigned long length, bool locked);
void pt_handle_remove(union pt_handle *handle, u32 engine);
unsigned long pt_handle_begin(union pt_handle *handle, u32 engine);
bool pt_handle_retry(union pt_handle *handle, u32 engine, unsigned long seq);
void pt_sub_init(struct pt_sub *sub, const struct pinwatch_test_add *arg);
struct pt_sub *pt_sub_get(struct pt_table *table, u32 id, bool reader);
void pt_sub_put(struct pt_sub *sub);
bool pt_sub_claim_put(struct pt_sub *sub);
void pt_sub_freed(struct pinwatch_interval_notifier *pw);
void pt_sub_put_reader(struct pt_table *table, struct pt_sub *sub);
int pt_sub_add(struct pt_table *table, struct pinwatch_test_add *arg);
int pt_sub_del(struct pt_table *table, struct pinwatch_test_del *arg);
void pt_sub_read(struct pt_sub *sub, struct pinwatch_test_read *arg);
int pt_sub_begin(struct pt_table *table, struct pinwatch_test_begin *arg);
bool pt_sub_retry(struct pt_sub *sub, unsigned long seq);
void pt_sub_remove_all(struct pt_table *table);

/* loop.c */
int pt_loop(struct pt_table *table, struct pinwatch_test_loop *arg);

#endif /* _PT_SUB_H */
