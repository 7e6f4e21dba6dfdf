/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: private definitions
 *
 * One classic mmu_notifier, one interval tree and one sequence for each mm.
 *
 * An invalidation in flight (between invalidate_range_start and _end) is a
 * *record*. One that overlaps a subscription, at its start or because the
 * subscription was inserted meanwhile, is given a *slot* as well, and with it a
 * sequence value that is unique in the life of the module and names the slot in
 * its low bits. A subscription remembers the value that it accepted last
 * (sub->invalidate_seq); it is under invalidation iff
 *
 *	pm->seqs[slot of sub->invalidate_seq] == sub->invalidate_seq
 *
 * so the end of an invalidation clears one word, touches no tree, and no
 * subscription that it did not hit can ever wait for it. That alone would lose
 * the earlier one of two invalidations that one subscription accepted; so when
 * a second one is in flight over a subscription, PW_SUB_MULTI is set in it, and
 * its readers look at the slots' bounds under the lock.
 *
 * Who may look at what:
 *
 *   pm->lock		leaf spinlock, never held over a callback, an allocation
 *			that sleeps, or a wake-up of anybody
 *   record		owned by the task between its start and its end; ->key is
 *			the hand-over (see record.c)
 *   pm->seqs[]		written under pm->lock, read without
 *   pm->gen		written under pm->lock, read without by start
 *   pm itself		lives while it is registered or has a subscription, and
 *			an SRCU and an RCU grace period longer (see mm.c)
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
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "../pinwatch.h"
#include "tree.h"

/*
 * A sequence value: bit 62, a counter, the slot. Bit 62 keeps it apart from
 * every value of the kernel's own sequence, 0 is in flight nowhere.
 */
#define PW_SEQ_BIT		BIT(62)
#define PW_SEQ_SLOT_BITS	6
#define PW_NR_SLOTS		BIT(PW_SEQ_SLOT_BITS)
#define PW_SEQ_NEVER		0UL	/* what read_begin returns on a dead mm */

/* Counters of gen and of sequence values are handed out in blocks of this many */
#define PW_SEQ_BLOCK		BIT(16)

#define PW_SLOT_IDLE		(PW_NR_SLOTS - 1) /* never in flight: a fresh subscription */
#define PW_SLOT_COARSE		(PW_NR_SLOTS - 2) /* shared, when the others are used up */
#define PW_NR_OWN_SLOTS		(PW_NR_SLOTS - 2)
#define PW_SLOT_NONE		0xff

/*
 * pinwatch_interval_notifier.state: pm->gen when it was inserted, and flags that
 * are constant while it is, but for MULTI. 56 bits of gen, which is taken from a
 * module-wide source in blocks: they do not wrap in the life of a machine.
 */
#define PW_SUB_MULTI		BIT_ULL(0) /* several in flight: look at the slots' bounds */
#define PW_SUB_SLEEPS		BIT_ULL(1) /* not to be called for a non-blockable range */
#define PW_SUB_FILTERED		BIT_ULL(2) /* ops->owner or ->ignore_events is set */
#define PW_SUB_TWO_PASS		BIT_ULL(3) /* ops->invalidate_start is set */
#define PW_SUB_PUT		BIT_ULL(4) /* unlinked; whoever is last to let go frees it */
#define PW_SUB_CLASS_SHIFT	6	   /* two bits: its index in pm->classes */
#define PW_SUB_STAMP_SHIFT	8

#define PW_SPARE_RECORDS	8	/* preallocated beyond those */
#define PW_WALK_BATCH		16	/* subscriptions called between two holds of the lock */

/**
 * struct pw_record - an invalidation in flight
 * @key: The address of the mmu_notifier_range, | PW_KEY_SLOW when its end has to
 *	take the lock; 0: the record is free.
 * @start: First byte, as given. Constant while @key is set.
 * @last: Last byte. Constant while @key is set. What counts are whole pages:
 *	pw_record_overlaps() rounds.
 * @hole_before: Owner only. No subscription had a page above @hole_before and below
 *	@hole_next when pm->gen was @hole_gen; stays from one owner to the next.
 * @hole_next: Owner only.
 * @hole_gen: Owner only.
 * @owner: The range's owner, for MIGRATE and EXCLUSIVE; constant while @key is set.
 * @event: The range's event. Constant while @key is set.
 * @slot: Under pm->lock. PW_SLOT_NONE, or its index in pm->seqs.
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
} ____cacheline_aligned_in_smp;

#define PW_KEY_SLOW	BIT(0)
#define PW_EVENT_ANY	U32_MAX /* no filter rejects it */

/* An invalidation and one nested in it, started on one CPU */
struct pw_cpu_records {
	struct pw_record rec[2];
};

/* One that belongs to no CPU: on pm->spare or pm->extra, under pm->lock */
struct pw_extra_record {
	struct pw_record rec;
	struct list_head node;
	bool allocated;
};

/**
 * struct pw_walk - one task calling back what an invalidation overlaps
 * @node: Under pm->lock. On pm->walks.
 * @start: First byte.
 * @last: Last byte.
 * @newest: Subscriptions with a higher state are skipped: they were inserted
 *	later, and insert saw our record.
 * @class: The class of subscriptions that is being walked.
 * @cursor: Under pm->lock. The next subscription of it to visit; remove moves it
 *	on. NULL: go on with the next class.
 * @finish: Under pm->lock. The second passes to come, in order.
 * @finish_tail: Under pm->lock. Where the next goes.
 * @finishing: Under pm->lock. The subscription whose second pass runs.
 * @nr: Entries of @batch in use; constant while the batch is called.
 * @pos: The entry whose callback runs, if it was not cancelled before; @nr or more:
 *	none. Written by the walker; see walk_call().
 * @batch: Subscriptions to call, | PW_BATCH_* flags. Filled by the walker, flags
 *	set by remove and put, all under pm->lock.
 * @range: What the callbacks are given.
 * @seq: The sequence value that they are given.
 */
struct pw_walk {
	struct list_head node;
	unsigned long start;
	unsigned long last;
	u64 newest;
	unsigned long seq;
	const struct mmu_notifier_range *range;
	struct pinwatch_interval_notifier *cursor;
	struct llist_node *finish;
	struct llist_node **finish_tail;
	struct pinwatch_interval_notifier *finishing;
	unsigned int class;
	unsigned int nr;
	unsigned int pos;
	unsigned long batch[PW_WALK_BATCH];
};

#define PW_BATCH_CANCELLED	BIT(0) /* not to be called any more */
#define PW_BATCH_PUT		BIT(1) /* ... it is called now, and then to be freed */
#define PW_BATCH_FLAGS		(PW_BATCH_CANCELLED | PW_BATCH_PUT)

/**
 * struct pw_class - the subscriptions of an mm that share an event filter
 * @tree: By start.
 * @owner: As in their ops.
 * @ignore_events: As in their ops. Class 0 has no filter of its own: it holds
 *	those without one, and those for which no class was left.
 */
struct pw_class {
	struct rb_root tree;
	const void *owner;
	unsigned int ignore_events;
};

#define PW_NR_CLASSES	(1 + PINWATCH_NR_FILTERS)

/* INIT_STACK_ALL_ZERO would clear the batch on each invalidation that overlaps */
#if defined(__has_attribute) && __has_attribute(__uninitialized__)
#define PW_UNINITIALIZED __attribute__((__uninitialized__))
#else
#define PW_UNINITIALIZED
#endif

/**
 * struct pw_mm - the state of one mm
 * @mn: The classic notifier; holds mm_count of mn.mm.
 * @gen: Advances with each insert. Written under @lock.
 * @seqs: The sequence value in flight in each slot, 0 for none. Written under
 *	@lock.
 * @lock: Everything below but what says otherwise.
 * @classes: The subscriptions, by filter.
 * @nr_classes: How many of @classes have been in use.
 * @veto: The real interval notifier for subscriptions that may sleep, or NULL.
 *	Set once, under the mmap lock; read without.
 * @slots_used: A bit for each slot with a value in @seqs.
 * @slot_rec: The record of each used slot, for its bounds.
 * @slot_newest: The gen of the newest subscription that the walk of a used slot
 *	calls; insert has given its value to those that came later. No value of an
 *	own slot is stored in one subscription twice: else a reader that has seen it
 *	could take it for unchanged, with another accepted in between.
 * @used: A bit for each of @recs that may have its key set. Set by start before
 *	it relies on a hole, cleared by insert, which spoils all holes.
 * @nr_recs: Records in @recs; constant.
 * @nr_maybe: How many records insert has to look at: bits in @used, entries of
 *	@extra, and @nr_anon.
 * @spare: Free pw_extra_records.
 * @extra: pw_extra_records in flight.
 * @coarse: The shared slot's record: its bounds are the hull of all that are in.
 * @nr_coarse: How many are in.
 * @nr_anon: How many of them have no record of their own.
 * @walks: The pw_walks going on.
 * @seq_next: The next counter for a sequence value. A multiple of PW_SEQ_BLOCK:
 *	the block is used up.
 * @nr_subs: Subscriptions, removes that still wait, and reservations of inserts
 *	that sleep.
 * @nr_waiters: Removes that sleep, or are about to, and batch entries that put has
 *	left to the callback that runs. Read without @lock too.
 * @number: Names it to people; constant, and no other\'s.
 * @registered: @mn counts as a reference.
 * @idle_since: Jiffies, when @nr_subs became 0.
 * @open: Takes subscriptions: registered, and not dead.
 * @dead: release has begun: nothing waits any more. Read without @lock too.
 * @read_wq: read_begin waits here for the end of an invalidation.
 * @remove_wq: remove waits here for the return of a callback.
 * @hash: Under mm.c's hash lock, read under RCU.
 * @rcu: Frees this.
 * @put_work: Removes @veto, then puts @mn.
 * @spares: Storage of @spare.
 * @recs: Records that belong to a CPU each.
 */
struct pw_mm {
	struct mmu_notifier mn;
	u64 gen;
	unsigned long seqs[PW_NR_SLOTS];

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct pw_class classes[PW_NR_CLASSES];
	unsigned int nr_classes;
	struct pw_veto *veto;
	unsigned long slots_used;
	struct pw_record *slot_rec[PW_NR_SLOTS];
	u64 slot_newest[PW_NR_SLOTS];
	unsigned long *used;
	unsigned int nr_recs;
	unsigned int nr_maybe;
	struct list_head spare;
	struct list_head extra;
	struct pw_record coarse;
	unsigned int nr_coarse;
	unsigned int nr_anon;
	struct list_head walks;
	u64 seq_next;
	unsigned long nr_subs;
	unsigned int nr_waiters;
	unsigned long idle_since;
	u64 number;
	bool registered;
	bool open;
	bool dead;
	wait_queue_head_t read_wq;
	wait_queue_head_t remove_wq;
	struct hlist_node hash;
	struct rcu_head rcu;
	struct work_struct put_work;
	struct pw_extra_record spares[PW_SPARE_RECORDS];
	struct pw_cpu_records recs[] ____cacheline_aligned_in_smp;
};

/* Counters since load, and live objects; summed over CPUs by pw_core_stats() */
struct pw_core_stats {
	u64 nr_mms;		/* live */
	u64 nr_subscriptions;	/* live */
	u64 walks;		/* invalidations that called back */
	u64 callbacks;
	u64 waits;		/* read_begin calls that slept */
	u64 remove_waits;	/* remove calls that slept */
	u64 overflows;		/* invalidations without a record of their own */
	u64 vetoes;		/* non-blockable invalidations refused for a sleeper */
};

/**
 * struct pw_mm_stats - how one mm does
 * @mm: Not referenced: there until the function returns that was given it.
 * @number: As in struct pw_mm.
 * @nr_subscriptions: Subscriptions, and inserts and removes that sleep.
 * @in_flight: Invalidations between their start and their end.
 * @walks: Those whose callbacks run now.
 * @waiters: Removes that sleep, and puts left to a callback that runs.
 * @veto: It has, or had, a subscription that may sleep.
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

/* record.c: all under pm->lock */
struct pw_record *pw_record_claim(struct pw_mm *pm,
				  const struct mmu_notifier_range *range);
struct pw_record *pw_record_find(struct pw_mm *pm, unsigned long key);
void pw_record_release(struct pw_mm *pm, struct pw_record *rec);
bool pw_record_reclaim(struct pw_mm *pm, unsigned long key, struct pw_record *but);
unsigned long pw_record_slot(struct pw_mm *pm, struct pw_record *rec, u64 newest);
void pw_record_use(struct pw_mm *pm, struct pw_record *rec);
void pw_record_mark_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
unsigned long pw_seq_next(struct pw_mm *pm, unsigned int slot);

/* walk.c */
void pw_walk(struct pw_mm *pm, const struct mmu_notifier_range *range,
	     unsigned long start, unsigned long last, unsigned long seq)
	__releases(&pm->lock);
bool pw_walk_has_sleeper(struct pw_mm *pm, const struct mmu_notifier_range *range);
bool pw_walk_cancel(struct pw_mm *pm, struct pinwatch_interval_notifier *sub, bool put);
bool pw_walk_running(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);

/* class.c */
unsigned int pw_class_of(struct pw_mm *pm,
			 const struct pinwatch_interval_notifier_ops *ops);
bool pw_filter_rejects(const void *owner, unsigned int ignore_events,
		       unsigned int event, const void *range_owner);

/* subscription.c */
void pw_sub_free(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
int pw_sub_insert_flags(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
			unsigned long start, unsigned long length, const void *ops,
			unsigned int flags, bool locked);

/* veto.c */
int pw_veto_ensure(struct pw_mm *pm, bool locked);
void pw_veto_settle(struct pw_mm *pm);
void pw_veto_remove(struct pw_mm *pm);

/* invalidate.c */
extern const struct mmu_notifier_ops pw_mn_ops;

/* mm.c */
struct pw_mm *pw_mm_register(struct mm_struct *mm, bool locked);
void pw_mm_unhash(struct pw_mm *pm);
bool pw_mm_unused(struct pw_mm *pm);
void pw_mm_idle(void);
void pw_mm_put(struct pw_mm *pm);
void pw_mm_free(struct mmu_notifier *mn);
u64 pw_mm_seq_block(void);
void pw_core_stats(struct pw_core_stats *out);
int pw_core_init(void);
void pw_core_exit(void);

/* stats.c */
int pw_mm_stats_each(unsigned int bucket,
		     int (*fn)(const struct pw_mm_stats *stats, void *data), void *data);

/* check.c: unit tests and debug builds */
void pw_mm_check(struct pw_mm *pm);

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

/* Does its filter reject what @rec stands for? Never so for the coarse record. */
static inline bool pw_sub_rejects(const struct pinwatch_interval_notifier *sub,
				  unsigned int event, const void *owner)
{
	return (sub->state & PW_SUB_FILTERED) &&
	       pw_filter_rejects(sub->ops->owner, sub->ops->ignore_events, event, owner);
}

#define PW_MM_HASH_BITS	8

extern struct hlist_head pw_mm_hash[BIT(PW_MM_HASH_BITS)];

/*
 * A lookup's grace: any kind that kfree_rcu() waits for, and the cheapest under
 * which a spinlock may be taken.
 */
#ifdef CONFIG_PREEMPT_RT
#define pw_lookup_begin()	rcu_read_lock()
#define pw_lookup_end()		rcu_read_unlock()
#else
#define pw_lookup_begin()	rcu_read_lock_sched()
#define pw_lookup_end()		rcu_read_unlock_sched()
#endif

/**
 * pw_mm_lookup() - the state of an mm
 * @mm: The mm.
 *
 * Context: under pw_lookup_begin(), which is what keeps the result.
 * Return: %NULL when @mm is not registered, or was released.
 */
static inline struct pw_mm *pw_mm_lookup(struct mm_struct *mm)
{
	struct pw_mm *pm;

	hlist_for_each_entry_rcu(pm, &pw_mm_hash[hash_ptr(mm, PW_MM_HASH_BITS)], hash)
		if (likely(pm->mn.mm == mm))
			return pm;
	return NULL;
}

static inline unsigned int pw_seq_slot(unsigned long seq)
{
	return seq & (PW_NR_SLOTS - 1);
}

/* The records of all CPUs, by number: those of pm->used */
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

/* A slot other than @but, in flight over @sub. Under pm->lock. */
static inline bool pw_slots_overlap(struct pw_mm *pm,
				    const struct pinwatch_interval_notifier *sub,
				    unsigned long slots, unsigned long limit)
{
	struct pw_record *rec;
	unsigned int slot;

	for (; slots; slots &= slots - 1) {
		slot = __ffs(slots);
		rec = pm->slot_rec[slot];
		if (pm->seqs[slot] <= limit && pw_record_overlaps(rec, sub) &&
		    !pw_sub_rejects(sub, rec->event, rec->owner))
			return true;
	}
	return false;
}

/*
 * For functions that sleep only rarely: the check of a debug kernel, without the
 * preemption point that might_sleep() is elsewhere.
 */
#define pw_might_sleep() \
	do { if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP)) might_sleep(); } while (0)

#ifdef CONFIG_LOCKDEP
extern struct lockdep_map pw_invalidate_map;
#endif

#endif /* _PW_CORE_H */
