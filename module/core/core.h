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
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "../pinwatch.h"

/*
 * A sequence value: bit 62, a counter, the slot. Bit 62 keeps it apart from
 * every value of the kernel's own sequence, 0 is in flight nowhere.
 */
#define PW_SEQ_BIT		BIT(62)
#define PW_SEQ_SLOT_BITS	6
#define PW_NR_SLOTS		BIT(PW_SEQ_SLOT_BITS)
#define PW_SEQ_NEVER		0UL	/* what read_begin returns on a dead mm */

#define PW_SLOT_IDLE		(PW_NR_SLOTS - 1) /* never in flight: a fresh subscription */
#define PW_SLOT_COARSE		(PW_NR_SLOTS - 2) /* shared, when the others are used up */
#define PW_NR_OWN_SLOTS		(PW_NR_SLOTS - 2)
#define PW_SLOT_NONE		0xff

/* Bits of pinwatch_interval_notifier.flags */
#define PW_SUB_MULTI		BIT(0) /* several in flight: look at the slots' bounds */

#define PW_SPARE_RECORDS	8	/* preallocated beyond those */
#define PW_WALK_BATCH		16	/* subscriptions called between two holds of the lock */

/**
 * struct pw_record - an invalidation in flight
 * @key: The address of the mmu_notifier_range, | PW_KEY_SLOW when its end has to
 *	take the lock; 0: the record is free.
 * @start: First byte, as given. Constant while @key is set.
 * @last: Last byte. Constant while @key is set. What counts are whole pages:
 *	pw_record_overlaps() rounds.
 * @hole_start: Owner only. [@hole_start, @hole_last], whole pages, held no
 *	subscription when pm->gen was @hole_gen; stays from one owner to the next.
 * @hole_last: Owner only.
 * @hole_gen: Owner only.
 * @slot: Under pm->lock. PW_SLOT_NONE, or its index in pm->seqs.
 */
struct pw_record {
	unsigned long key;
	unsigned long start;
	unsigned long last;
	unsigned long hole_start;
	unsigned long hole_last;
	u64 hole_gen;
	u8 slot;
} ____cacheline_aligned_in_smp;

#define PW_KEY_SLOW	BIT(0)

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
 * @stamp: Subscriptions inserted later are skipped: insert saw our record.
 * @cursor: Under pm->lock. The next subscription to visit; remove moves it on.
 * @nr: Entries of @batch in use; constant while the batch is called.
 * @batch: An entry is a subscription that waits to be called, that subscription
 *	| PW_BATCH_RUNNING while it is called, or NULL. Filled under pm->lock;
 *	claimed by the walker and cancelled by remove with cmpxchg.
 */
struct pw_walk {
	struct list_head node;
	unsigned long start;
	unsigned long last;
	u64 stamp;
	struct pinwatch_interval_notifier *cursor;
	unsigned int nr;
	unsigned long batch[PW_WALK_BATCH];
};

#define PW_BATCH_RUNNING	BIT(0)

/* INIT_STACK_ALL_ZERO would clear the batch on each invalidation that overlaps */
#if defined(__has_attribute) && __has_attribute(__uninitialized__)
#define PW_UNINITIALIZED __attribute__((__uninitialized__))
#else
#define PW_UNINITIALIZED
#endif

/**
 * struct pw_mm - the state of one mm
 * @mn: The classic notifier; holds mm_count of mn.mm.
 * @gen: Counts inserts. Written under @lock.
 * @seqs: The sequence value in flight in each slot, 0 for none. Written under
 *	@lock.
 * @lock: Everything below but what says otherwise.
 * @tree: The subscriptions, by start.
 * @slots_used: A bit for each slot with a value in @seqs.
 * @slot_rec: The record of each used slot, for its bounds.
 * @used: A bit for each of @recs that may have its key set. Set by start before
 *	it relies on a hole, cleared by insert, which spoils all holes.
 * @nr_recs: Records in @recs; constant.
 * @spare: Free pw_extra_records.
 * @extra: pw_extra_records in flight.
 * @coarse: The shared slot's record: its bounds are the hull of all that are in.
 * @nr_coarse: How many are in.
 * @nr_anon: How many of them have no record of their own.
 * @walks: The pw_walks going on.
 * @seq_next: The next counter for a sequence value.
 * @seq_end: End of the block of counters that this mm has.
 * @nr_subs: Subscriptions, and removes that still wait.
 * @registered: @mn counts as a reference.
 * @dead: release has begun: nothing waits any more. Read without @lock too.
 * @read_wq: read_begin waits here for the end of an invalidation.
 * @remove_wq: remove waits here for the return of a callback.
 * @hash: Under mm.c's hash lock, read under RCU.
 * @rcu: Frees this.
 * @spares: Storage of @spare.
 * @recs: Records that belong to a CPU each.
 */
struct pw_mm {
	struct mmu_notifier mn;
	u64 gen;
	unsigned long seqs[PW_NR_SLOTS];

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct rb_root tree;
	unsigned long slots_used;
	struct pw_record *slot_rec[PW_NR_SLOTS];
	unsigned long *used;
	unsigned int nr_recs;
	struct list_head spare;
	struct list_head extra;
	struct pw_record coarse;
	unsigned int nr_coarse;
	unsigned int nr_anon;
	struct list_head walks;
	u64 seq_next;
	u64 seq_end;
	unsigned long nr_subs;
	bool registered;
	bool dead;
	wait_queue_head_t read_wq;
	wait_queue_head_t remove_wq;
	struct hlist_node hash;
	struct rcu_head rcu;
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
};

DECLARE_PER_CPU(struct pw_core_stats, pw_stats);
#define pw_stat_inc(field)	this_cpu_inc(pw_stats.field)
#define pw_stat_dec(field)	this_cpu_dec(pw_stats.field)

/* tree.c */
struct pw_hole {
	unsigned long start;
	unsigned long last;
};

void pw_tree_insert(struct rb_root *root, struct interval_tree_node *node);
void pw_tree_erase(struct rb_root *root, struct interval_tree_node *node);
struct interval_tree_node *pw_tree_first(struct rb_root *root,
					 unsigned long start, unsigned long last);
struct interval_tree_node *pw_tree_next(struct interval_tree_node *node,
					unsigned long start, unsigned long last);
bool pw_tree_hole(struct rb_root *root, unsigned long start, unsigned long last,
		  struct pw_hole *hole);

/* record.c: all under pm->lock */
struct pw_record *pw_record_claim(struct pw_mm *pm, unsigned long key,
				  unsigned long start, unsigned long last);
struct pw_record *pw_record_find(struct pw_mm *pm, unsigned long key);
void pw_record_release(struct pw_mm *pm, struct pw_record *rec);
void pw_record_reclaim(struct pw_mm *pm, unsigned long key, struct pw_record *but);
unsigned long pw_record_slot(struct pw_mm *pm, struct pw_record *rec);
void pw_record_mark_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
unsigned long pw_seq_next(struct pw_mm *pm, unsigned int slot);

/* walk.c */
void pw_walk(struct pw_mm *pm, const struct mmu_notifier_range *range,
	     unsigned long start, unsigned long last, unsigned long seq);
bool pw_walk_cancel(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
bool pw_walk_running(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);

/* invalidate.c */
extern const struct mmu_notifier_ops pw_mn_ops;

/* mm.c */
struct pw_mm *pw_mm_lookup(struct mm_struct *mm);
int pw_mm_register(struct mm_struct *mm, bool locked);
void pw_mm_unhash(struct pw_mm *pm);
bool pw_mm_unused(struct pw_mm *pm);
void pw_mm_put(struct pw_mm *pm);
void pw_mm_free(struct mmu_notifier *mn);
u64 pw_mm_seq_block(u64 *end);
void pw_core_stats(struct pw_core_stats *out);
int pw_core_init(void);
void pw_core_exit(void);

/* check.c: unit tests and debug builds */
void pw_mm_check(struct pw_mm *pm);

static inline struct pinwatch_interval_notifier *
pw_sub(struct interval_tree_node *node)
{
	return node ? container_of(node, struct pinwatch_interval_notifier,
				   interval_tree) : NULL;
}

static inline u64 pw_sub_stamp(const struct pinwatch_interval_notifier *sub)
{
	return (u64)sub->stamp_hi << 32 | sub->stamp_lo;
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
	unsigned int slot;

	for (; slots; slots &= slots - 1) {
		slot = __ffs(slots);
		if (pm->seqs[slot] <= limit &&
		    pw_record_overlaps(pm->slot_rec[slot], sub))
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
