/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: private definitions
 *
 * One classic mmu_notifier, one interval tree and one sequence for each mm.
 *
 * An invalidation in flight (between invalidate_range_start and _end) has a *record*.
 * An invalidation that overlaps a subscription, at its start or because the subscription
 * is inserted before its end, also gets a *slot* and a sequence value. The value is
 * unique until the module is unloaded, and its low bits are the index of the slot. A
 * subscription holds the value that it accepted last (sub->invalidate_seq). It is under
 * invalidation iff
 *
 *	pm->seqs[slot of sub->invalidate_seq] == sub->invalidate_seq
 *
 * So the end of an invalidation clears one word and touches no tree, and a subscription
 * never waits for an invalidation of another range. One value cannot name two
 * invalidations that one subscription accepted. So PW_SUB_MULTI is set in a subscription
 * when a second invalidation is in flight over it, and its readers then compare the
 * bounds of all slots under the lock.
 *
 * Protection:
 *
 *   pm->lock		leaf spinlock, never held over a callback, an allocation
 *			that sleeps, or a wake-up
 *   record		owned by the task between its start and its end; ->key is
 *			the hand-over (see record.c)
 *   pm->seqs[]		written under pm->lock, read without
 *   pm->gen		written under pm->lock, read without by start
 *   struct pw_mm	freed an SRCU and an RCU grace period after the registration
 *			and the last subscription have ended (see mm.c)
 */
#ifndef _PW_CORE_H
#define _PW_CORE_H

#include <linux/cache.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include "../pinwatch.h"
#include "filter.h"
#include "tree.h"

/*
 * A sequence value: bit 62, a counter, the index of a slot. The kernel's own sequence
 * never has bit 62 set. 0 is never in flight.
 */
#define PW_SEQ_BIT		BIT(62)
#define PW_SEQ_SLOT_BITS	6
#define PW_NR_SLOTS		BIT(PW_SEQ_SLOT_BITS)
#define PW_SEQ_NEVER		0UL	/* read_begin returns 0 on a dead mm */

/*
 * The counters of sequence values come in blocks from a module-wide source. At 10^5
 * registrations a second, the source lasts 22 years.
 */
#define PW_SEQ_BLOCK_BITS	10
#define PW_SEQ_BLOCK_MASK	((BIT(PW_SEQ_BLOCK_BITS) - 1) << PW_SEQ_SLOT_BITS)

#define PW_SLOT_IDLE		(PW_NR_SLOTS - 1) /* never in flight: of new subscriptions */
#define PW_SLOT_ANON		(PW_NR_SLOTS - 2) /* of invalidations without a record */
#define PW_SLOT_SHARED		(PW_NR_SLOTS - 4) /* two, when all own slots are in use */
#define PW_SLOT_VETO		(PW_NR_SLOTS - 5) /* of no invalidation: see pw_mm.seqs */
#define PW_NR_OWN_SLOTS		(PW_NR_SLOTS - 5)
#define PW_SLOT_NONE		0xff
#define PW_NR_CALLS		8	/* leading own slots that can have a pw_call */

/*
 * pinwatch_interval_notifier.state: pm->gen at insert, and flags. All but MULTI, PUT,
 * UNCOUNTED and the second passes is constant while the subscription is inserted. gen counts
 * the inserts of an mm and has 51 bits: at 10^7 inserts a second, it lasts 7 years.
 */
#define PW_SUB_MULTI		BIT_ULL(0) /* several to wait for: see wait_multi() */
#define PW_SUB_SLEEPS		BIT_ULL(1) /* must not be called for a non-blockable range */
#define PW_SUB_FILTERED		BIT_ULL(2) /* ops->owner or ->ignore_events is set */
#define PW_SUB_TWO_PASS		BIT_ULL(3) /* ops->invalidate_start is set */
#define PW_SUB_PUT		BIT_ULL(4) /* put while a callback ran: the last walk frees */
#define PW_SUB_UNCOUNTED	BIT_ULL(5) /* not in the page filter: no memory */
#define PW_SUB_CLASS_SHIFT	6	   /* three bits: index in pm->classes */
#define PW_SUB_FINISH_SHIFT	9	   /* four bits: pending second passes */
#define PW_SUB_FINISHES		(15ULL << PW_SUB_FINISH_SHIFT)
#define PW_SUB_ONE_FINISH	BIT_ULL(PW_SUB_FINISH_SHIFT)
#define PW_SUB_STAMP_SHIFT	13

#define PW_SPARE_RECORDS	8	/* preallocated beside the records of the CPUs */
#define PW_WALK_SKIPS		256	/* subscriptions skipped while the lock is held */

/*
 * Subscriptions called while the lock is dropped. A batch is on the stack, 8 bytes each, and its
 * fill holds the lock. The unit tests have smaller batches, so that few subscriptions need several.
 */
#ifndef PW_WALK_BATCH
#define PW_WALK_BATCH		64
#endif

/**
 * struct pw_record - an invalidation in flight
 * @key: The address of the mmu_notifier_range, | PW_KEY_SLOW when its end has to
 *	take the lock; 0: the record is free.
 * @start: First byte, not rounded. Constant while @key is set.
 * @last: Last byte, not rounded. Constant while @key is set. pw_record_overlaps() rounds
 *	both to whole pages.
 * @hole_before: Owner only. No subscription had a page above @hole_before and below
 *	@hole_next when pm->gen was @hole_gen. Kept when the record is released.
 * @hole_next: Owner only.
 * @hole_gen: Owner only.
 * @owner: range->owner of MIGRATE and EXCLUSIVE. Constant while @key is set.
 * @event: range->event. Constant while @key is set.
 * @slot: Under pm->lock. Index in pm->seqs, or PW_SLOT_NONE.
 * @covered: Owner only. How many starts in a row, up to PW_COVERED_MAX, read the page filter in
 *	vain. Kept when the record is released.
 */
struct pw_record {
	unsigned long key;
	unsigned long start;
	unsigned long last;
	unsigned long hole_before;
	unsigned long hole_next;
	u64 hole_gen;
	const void *owner;
	u32 event;
	u8 slot;
	u8 covered;
} ____cacheline_aligned_in_smp;

#define PW_KEY_SLOW	BIT(0)
#define PW_EVENT_ANY	U32_MAX /* never rejected by a filter */
#define PW_COVERED_MAX	4	/* then start does not read the page filter */

/* Two records of a CPU: for an invalidation and a nested invalidation */
struct pw_cpu_records {
	struct pw_record rec[2];
};

/**
 * struct pw_shared - a slot that invalidations share
 * @rec: Its bounds are the hull of all invalidations in the slot.
 * @nr: Number of invalidations in the slot.
 */
struct pw_shared {
	struct pw_record rec;
	unsigned int nr;
};

#define PW_NR_SHARED	(PW_SLOT_ANON - PW_SLOT_SHARED + 1)
#define PW_SHARED_ANON	(PW_SLOT_ANON - PW_SLOT_SHARED)

/* A record of no CPU: on pm->spare, or on pm->extra and in pm->extra_keys; under pm->lock */
struct pw_extra_record {
	struct pw_record rec;
	struct list_head node;
	struct rb_node by_key;
	bool allocated;
};

#define PW_BATCH_CANCELLED	BIT(0) /* do not call */
#define PW_BATCH_PUT		BIT(1) /* the walk frees after the callback */
#define PW_BATCH_FLAGS		(PW_BATCH_CANCELLED | PW_BATCH_PUT)

/**
 * struct pw_call - the callback of an invalidation that overlaps one subscription
 * @entry: As an entry of pw_walk.batch, or 0.
 * @pos: 0: the callback runs. Written by the task of the invalidation.
 *
 * Such an invalidation needs no pw_walk: it takes pm->lock once, and leaves the pw_call in its
 * slot until its end.
 */
struct pw_call {
	unsigned long entry;
	unsigned int pos;
};

/**
 * struct pw_class - the subscriptions of an mm that share an event filter
 * @tree: Ordered by start.
 * @owner: As in the ops of the subscriptions.
 * @ignore_events: As in their ops. Class 0 has no filter: it holds subscriptions
 *	without a filter, and subscriptions whose filter found no free class.
 *
 * Subscriptions that may sleep have classes of their own, from PW_CLASS_SLEEPS on, in the
 * same order: the veto searches only these.
 */
struct pw_class {
	struct rb_root tree;
	const void *owner;
	unsigned int ignore_events;
};

#define PW_CLASS_SLEEPS	(1 + PINWATCH_NR_FILTERS)
#define PW_NR_CLASSES	(2 * PW_CLASS_SLEEPS)

/**
 * struct pw_mm - the state of one mm
 * @mn: The classic notifier; holds mm_count of mn.mm.
 * @gen: The number of inserts, from 1 on. Written under @lock.
 * @filter: Which pages the subscriptions cover. Written under @lock, read without.
 * @seqs: The sequence value in flight in each slot, 0 for none. Written under
 *	@lock. read_begin waits on the address of a slot for a change of its value.
 *	PW_SLOT_VETO: no invalidation, but the number of vetoes that have settled.
 * @lock: Protects the members below, unless their description says otherwise.
 * @classes: The subscriptions, by filter.
 * @nr_classes: Number of leading @classes that have been in use.
 * @plain: No subscription has had a PW_SUB_* flag at insert, and release has not begun. So all
 *	subscriptions are in class 0, have no filter and one pass.
 * @vetoes: The pw_vetoes, by block. Grows under the mmap lock and @lock.
 * @nr_vetoes: Their number; likewise.
 * @unsettled: The pw_vetoes that the kernel may have deferred.
 * @settle_work: Waits for the kernel's inserts of @unsettled. Counted in @nr_subs.
 * @spare_veto: Memory for an insert that must not wait for memory reclaim, or NULL. From the
 *	first veto on.
 * @spare_work: Allocates @spare_veto again. Counted in @nr_subs.
 * @spare_pending: @spare_work is queued or running.
 * @slots_used: A bit for each slot with a value in @seqs.
 * @slots_waited: A bit for each used slot whose readers the end has to wake.
 * @slot_rec: The record of each used slot, for its bounds.
 * @calls: For each used slot below PW_NR_CALLS, the callback that its invalidation calls
 *	without a pw_walk.
 * @slot_newest: For each used slot that has a walk, the gen of the newest subscription that
 *	the walk calls. insert stored the value of the slot in newer subscriptions. So no value
 *	of a slot that is not shared is stored twice in a subscription. Otherwise
 *	a reader that has seen the value could miss an invalidation that was accepted
 *	between the two stores.
 * @used: A bit for each of @recs that may have its key set. Set by start before start
 *	relies on a hole, cleared by insert, which makes all holes stale, if insert sees
 *	no key. So from the return of a start until its end, the bit of its record is
 *	set. Written under @lock, also read without.
 * @nr_recs: Number of records in @recs; constant.
 * @nr_maybe: Number of records that insert has to look at: bits in @used, entries of
 *	@extra, and invalidations without a record.
 * @spare: Free pw_extra_records.
 * @extra: pw_extra_records in flight.
 * @extra_keys: The same, by key, for the end.
 * @shared: The slots from PW_SLOT_SHARED on: two that invalidations with a record join in
 *	turn, and PW_SLOT_ANON.
 * @join: Index in @shared of the slot that the next invalidation joins.
 * @walks: The pw_walks in progress. Not a list_head: some kernels check each change of one.
 * @seq_next: The next sequence value for PW_SLOT_IDLE. No bit of PW_SEQ_BLOCK_MASK is set:
 *	the block is used up.
 * @nr_subs: Subscriptions, removes that still wait, and reservations of inserts
 *	that sleep.
 * @nr_waiters: Removes that sleep or are about to sleep, and batch entries with
 *	PW_BATCH_PUT. For statistics.
 * @nr_users: References to mm_users that pw_mm_hold_users() took.
 * @number: Unique, constant ID that netlink and tracepoints report.
 * @registered: @mn counts as a reference.
 * @idle_since: When @nr_subs became 0, in jiffies.
 * @open: Accepts subscriptions: registered, and not dead.
 * @deserted: No process uses the mm: all references to mm_users are counted in @nr_users.
 *	Never cleared.
 * @dead: release has begun: no reader waits any more. Also read without @lock.
 * @hash: Under mm_hash_lock of mm.c, read under RCU.
 * @rcu: Frees the structure.
 * @put_work: Removes @vetoes, then puts @mn.
 * @spares: Storage of @spare.
 * @recs: The records of each CPU.
 */
struct pw_mm {
	struct mmu_notifier mn;
	u64 gen;
	struct pw_filter filter;
	unsigned long seqs[PW_NR_SLOTS];

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct pw_class classes[PW_NR_CLASSES];
	unsigned int nr_classes;
	bool plain;
	struct rb_root vetoes;
	unsigned int nr_vetoes;
	struct list_head unsettled;
	struct work_struct settle_work;
	struct pw_veto *spare_veto;
	struct work_struct spare_work;
	bool spare_pending;
	unsigned long slots_used;
	unsigned long slots_waited;
	struct pw_record *slot_rec[PW_NR_SLOTS];
	struct pw_call calls[PW_NR_CALLS];
	u64 slot_newest[PW_NR_SLOTS];
	unsigned long *used;
	unsigned int nr_recs;
	unsigned int nr_maybe;
	struct list_head spare;
	struct list_head extra;
	struct rb_root extra_keys;
	struct pw_shared shared[PW_NR_SHARED];
	unsigned int join;
	struct hlist_head walks;
	unsigned long seq_next;
	unsigned long nr_subs;
	unsigned int nr_waiters;
	unsigned long idle_since;
	int nr_users;
	u64 number;
	bool registered;
	bool open;
	bool deserted;
	bool dead;
	struct hlist_node hash;
	struct rcu_head rcu;
	struct work_struct put_work;
	struct pw_extra_record spares[PW_SPARE_RECORDS];
	struct pw_cpu_records recs[] ____cacheline_aligned_in_smp;
};

/**
 * struct pw_veto - refuses non-blockable invalidations of a block with a sleeper
 * @mni: The kernel's interval notifier over the block.
 * @node: In pw_mm.vetoes: the block, an aligned power of two.
 * @unsettled_node: Under pm->lock. On pw_mm.unsettled, or empty.
 * @pm: The mm.
 */
struct pw_veto {
	struct mmu_interval_notifier mni;
	struct interval_tree_node node;
	struct list_head unsettled_node;
	struct pw_mm *pm;
};

/* Counters since load, and live objects; summed over CPUs by pw_core_stats() */
struct pw_core_stats {
	u64 nr_mms;		/* live */
	u64 nr_subscriptions;	/* live */
	u64 walks;		/* invalidations with an overlap */
	u64 callbacks;
	u64 waits;		/* read_begin slept */
	u64 remove_waits;	/* remove slept */
	u64 overflows;		/* invalidations in a shared slot */
	u64 vetoes;		/* non-blockable invalidations refused by the veto */
};

/**
 * struct pw_mm_stats - statistics of one mm
 * @mm: Without a reference: valid until the callback of pw_mm_stats_next() returns.
 * @number: As in struct pw_mm.
 * @nr_subscriptions: Subscriptions, and inserts and removes that sleep.
 * @in_flight: Invalidations between their start and their end.
 * @walks: Invalidations whose callbacks run now.
 * @waiters: Removes that sleep, and puts that wait for a running callback to free.
 * @veto: The mm has, or had, a subscription that may sleep.
 */
struct pw_mm_stats {
	struct mm_struct *mm;
	u64 number;
	unsigned long nr_subscriptions;
	unsigned int in_flight;
	unsigned int walks;
	unsigned int waiters;
	bool veto;
};

DECLARE_PER_CPU(struct pw_core_stats, pw_stats);
#define pw_stat_inc(field)	this_cpu_inc(pw_stats.field)
#define pw_stat_add(field, n)	this_cpu_add(pw_stats.field, n)
#define pw_stat_dec(field)	this_cpu_dec(pw_stats.field)

/* record.c: caller holds pm->lock, except for pw_record_find() */
struct pw_record *pw_record_find(struct pw_mm *pm, unsigned long key);
struct pw_record *pw_record_claim(struct pw_mm *pm,
				  const struct mmu_notifier_range *range);
struct pw_record *pw_record_find_extra(struct pw_mm *pm, unsigned long key);
unsigned int pw_record_release(struct pw_mm *pm, struct pw_record *rec);
void pw_slot_wake(struct pw_mm *pm, unsigned int slot);
unsigned long pw_record_slot(struct pw_mm *pm, struct pw_record *rec, u64 newest);
void pw_record_use(struct pw_mm *pm, struct pw_record *rec);
void pw_record_mark_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);

/* class.c */
unsigned int pw_class_of(struct pw_mm *pm, const struct pinwatch_interval_notifier_ops *ops,
			 unsigned int flags);
bool pw_filter_rejects(const void *owner, unsigned int ignore_events,
		       unsigned int event, const void *range_owner);

/* subscription.c */
void pw_sub_free(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
void pw_sub_unreserve(struct pw_mm *pm);
int pw_sub_insert_flags(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
			unsigned long start, unsigned long length, const void *ops,
			unsigned int flags, bool locked);

/* veto.c: caller of find, mark and deferred holds pm->lock */
struct pw_veto *pw_veto_find(struct pw_mm *pm, unsigned long start, unsigned long last);
int pw_veto_ensure(struct pw_mm *pm, unsigned long start, unsigned long last, bool locked);
void pw_veto_mark(struct pw_veto *veto, struct pinwatch_interval_notifier *sub);
bool pw_veto_deferred(struct pw_mm *pm, const struct pinwatch_interval_notifier *sub);
void pw_veto_settle_work(struct work_struct *work);
void pw_veto_spare_work(struct work_struct *work);
void pw_veto_remove(struct pw_mm *pm);

/* invalidate.c */
extern const struct mmu_notifier_ops pw_mn_ops;

/* mm.c */
int pw_mm_call(struct mm_struct *mm, int (*fn)(struct mm_struct *mm, void *data), void *data);
struct pw_mm *pw_mm_register(struct mm_struct *mm, bool locked);
void pw_mm_unhash(struct pw_mm *pm);
bool pw_mm_unused(struct pw_mm *pm);
void pw_mm_idle(void);
void pw_mm_put(struct pw_mm *pm);
void pw_mm_queue(struct work_struct *work);
bool pw_mm_hold_users(struct pw_mm *pm);
bool pw_mm_drop_users(struct pw_mm *pm);
void pw_mm_free(struct mmu_notifier *mn);
unsigned long pw_mm_seq_block(void);
unsigned int pw_mm_hash_changes(void);
void pw_core_stats(struct pw_core_stats *out);
int pw_core_init(void);
void pw_core_exit(void);

/* stats.c */
int pw_mm_stats_next(unsigned int bucket, u64 *number,
		     int (*fn)(const struct pw_mm_stats *stats, void *data), void *data);

/* check.c: unit tests and debug builds */
void pw_mm_check(struct pw_mm *pm);
#ifdef PW_DEBUG
void pw_skip_check(struct pw_mm *pm, const struct pw_record *rec);
#else
static inline void pw_skip_check(struct pw_mm *pm, const struct pw_record *rec)
{
}
#endif

static inline struct pinwatch_interval_notifier *
pw_sub(struct interval_tree_node *node)
{
	return node ? container_of(node, struct pinwatch_interval_notifier,
				   interval_tree) : NULL;
}

static inline unsigned int pw_sub_class(const struct pinwatch_interval_notifier *sub)
{
	return sub->state >> PW_SUB_CLASS_SHIFT & (PW_NR_CLASSES - 1);
}

/* Does the filter of @sub reject an event? PW_EVENT_ANY is never rejected. */
static inline bool pw_sub_rejects(const struct pinwatch_interval_notifier *sub,
				  unsigned int event, const void *owner)
{
	return (sub->state & PW_SUB_FILTERED) &&
	       pw_filter_rejects(sub->ops->owner, sub->ops->ignore_events, event, owner);
}

#define PW_MM_HASH_BITS	8

extern struct hlist_head pw_mm_hash[BIT(PW_MM_HASH_BITS)];

/*
 * The RCU read section of a lookup: the cheapest kind that kfree_rcu() waits for and
 * that allows taking a spinlock (litmus mm-lookup). With PROVE_RAW_LOCK_NESTING, lockdep
 * judges by the rules of PREEMPT_RT, where a spinlock sleeps.
 */
#if defined(CONFIG_PREEMPT_RT) || defined(CONFIG_PROVE_RAW_LOCK_NESTING)
#define pw_lookup_begin()	rcu_read_lock()
#define pw_lookup_end()		rcu_read_unlock()
#else
#define pw_lookup_begin()	rcu_read_lock_sched()
#define pw_lookup_end()		rcu_read_unlock_sched()
#endif

/**
 * pw_mm_lookup() - find the state of an mm
 * @mm: The mm.
 *
 * Context: under pw_lookup_begin(), which protects the result.
 * Return: the state; %NULL if @mm is not registered or was released.
 */
static inline struct pw_mm *pw_mm_lookup(struct mm_struct *mm)
{
	struct pw_mm *pm;

	/* Pairs with mm_hash_add() and the free after a grace period (litmus mm-lookup). */
	hlist_for_each_entry_rcu(pm, &pw_mm_hash[hash_ptr(mm, PW_MM_HASH_BITS)], hash)
		if (likely(pm->mn.mm == mm))
			return pm;
	return NULL;
}

/* Number of invalidations that have no record. Caller holds pm->lock. */
static inline unsigned int pw_nr_anon(const struct pw_mm *pm)
{
	return pm->shared[PW_SHARED_ANON].nr;
}

/* Return: the record for bit @i of pm->used */
static inline struct pw_record *pw_record_nr(struct pw_mm *pm, unsigned int i)
{
	return &pm->recs[i / 2].rec[i % 2];
}

static inline bool pw_record_overlaps(const struct pw_record *rec,
				      const struct pinwatch_interval_notifier *sub)
{
	return (READ_ONCE(rec->start) & PAGE_MASK) <= sub->interval_tree.last &&
	       (READ_ONCE(rec->last) | ~PAGE_MASK) >= sub->interval_tree.start;
}

/*
 * might_sleep() in debug kernels only: functions that rarely sleep need the check, but
 * not the preemption point.
 */
#define pw_might_sleep() \
	do { if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP)) might_sleep(); } while (0)

#endif /* _PW_CORE_H */
