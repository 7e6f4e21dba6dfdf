/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: the filter in front of the tree
 *
 * Tells, without the lock, that no subscription covers a page of a range. A *leaf* counts
 * the subscriptions that cover each of 512 adjacent granules. A granule of level 0 is a
 * page, so a leaf covers 2 MiB; each level has granules 8 times as large as the level below.
 * A subscription is counted at the lowest level at which it covers at most 33 granules. The
 * leaves of all levels are in one hash, of PW_FILTER_NR_TABLES tables that grow one by one.
 *
 * How start and insert meet, and how start meets an insert that makes a table grow:
 *
 *   start				insert, under pm->lock
 *
 *   xchg(->key, range) (full barrier)	  a larger table: copy, publish, kvfree_rcu() the old
 *   pm->gen == ->hole_gen and		  count the subscription in its granules
 *   all granules of the range 0?	  pm->gen++
 *     yes: no walk			  smp_mb()
 *     no: take the lock, walk		  ->key set, overlaps? mark the subscription
 *
 *   [Required: start sees the count, or insert sees the key (litmus filter-start-insert). A
 *    start whose gen is current holds a record that insert looks at: see pw_mm.used. An insert
 *    counts in the table that is left (litmus filter-insert-rebuild).]
 *
 * Counts and tables of inserts up to ->hole_gen were written before ->hole_gen, under the lock
 * (litmus filter-hole-gen).
 * But the filter also counts subscriptions after their insert, when it comes into use: start
 * must see these counts when it sees that the filter is in use (->levels).
 */
#ifndef _PW_FILTER_H
#define _PW_FILTER_H

#include <linux/bitops.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>

struct pw_mm;
struct pinwatch_interval_notifier;

#define PW_FILTER_NR_LEVELS	17	/* the granules of the last one: 2^48 pages */
#define PW_FILTER_LEVEL_BITS	3
#define PW_FILTER_LEAF_BITS	9
#define PW_FILTER_LEAF_MASK	(BIT(PW_FILTER_LEAF_BITS) - 1)
#define PW_FILTER_COUNT_MAX	3UL	/* two bits: three subscriptions, or more */
#define PW_FILTER_ONES		(~0UL / PW_FILTER_COUNT_MAX)
#define PW_FILTER_PER_WORD	(BITS_PER_LONG / 2)
#define PW_FILTER_LEAF_WORDS	(BIT(PW_FILTER_LEAF_BITS) / PW_FILTER_PER_WORD)
#define PW_FILTER_TABLE_BITS	6
#define PW_FILTER_NR_TABLES	BIT(PW_FILTER_TABLE_BITS)
#define PW_FILTER_MAX_LEAVES	4	/* that start looks at, at each level */
#define PW_FILTER_ACTIVE	BIT(31)	/* in pw_filter.levels */

/**
 * struct pw_filter_leaf - the counts of 512 granules
 * @word: PW_FILTER_PER_WORD counts in each. Written under pm->lock, read without.
 * @rcu: Of a leaf that is in no table any more. Its contents no longer matter: a start that
 *	still reads the leaf takes the lock at most once too often.
 */
struct pw_filter_leaf {
	union {
		unsigned long word[PW_FILTER_LEAF_WORDS];
		struct rcu_head rcu;
	};
};

/**
 * struct pw_filter_slot - an entry of a table
 * @key: Number and level of the leaf; 0: free. Written once, after @leaf.
 * @leaf: Constant while @key is set.
 * @nr: Under pm->lock. Number of subscriptions counted in @leaf. An entry without any is
 *	kept until the table is rebuilt, and is used again for the same @key.
 */
struct pw_filter_slot {
	unsigned long key;
	struct pw_filter_leaf __rcu *leaf;
	unsigned int nr;
};

/**
 * struct pw_filter_table - an open hash of leaves
 * @rcu: Of a table that has been replaced.
 * @mask: Number of @slots, a power of two, minus 1.
 * @used: Under pm->lock. Number of slots with a key; at most 7/8 of all.
 * @live: Under pm->lock. Number of slots with subscriptions.
 * @slots: The entries.
 */
struct pw_filter_table {
	struct rcu_head rcu;
	unsigned int mask;
	unsigned int used;
	unsigned int live;
	struct pw_filter_slot slots[];
};

/**
 * struct pw_filter_tables - all leaves of an mm
 * @table: Written under pm->lock, read under RCU.
 * @nr: Under pm->lock. The number of subscriptions counted at each level.
 */
struct pw_filter_tables {
	struct pw_filter_table __rcu *table[PW_FILTER_NR_TABLES];
	unsigned int nr[PW_FILTER_NR_LEVELS];
};

/**
 * struct pw_filter - which pages the subscriptions of an mm cover
 * @levels: PW_FILTER_ACTIVE, and a bit for each level with subscriptions; 0: every page may
 *	be covered, because the filter is not in use or lacks subscriptions (@nr_missing).
 *	Read without the lock.
 * @from: The filter is in use from this number of subscriptions on; 0: is in use.
 * @nr_missing: Subscriptions with PW_SUB_UNCOUNTED.
 * @recount_left: Nodes that the remove under way may still visit to count anew.
 * @inexact: Some granules of a count of 3 may have fewer subscriptions.
 * @tables: Constant once a level is set in @levels.
 *
 * Written under pm->lock.
 */
struct pw_filter {
	unsigned int levels;
	unsigned int from;
	unsigned int nr_missing;
	unsigned int recount_left;
	bool inexact;
	struct pw_filter_tables *tables;
};

extern unsigned int pw_filter_from;
extern unsigned int pw_filter_table_max;

void pw_filter_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
void pw_filter_remove(struct pw_mm *pm, struct pinwatch_interval_notifier *sub);
struct pw_filter_slot *pw_filter_slot_new(struct pw_filter *filter, unsigned long key,
					  unsigned long hash);
void pw_filter_slot_emptied(struct pw_filter *filter, struct pw_filter_slot *slot);
bool pw_filter_levels_cover(const struct pw_filter *filter, unsigned int levels,
			    unsigned long start, unsigned long last);
void pw_filter_free(struct pw_filter *filter);

/* check.c: unit tests and debug builds */
void pw_filter_check(struct pw_mm *pm);

static inline unsigned int pw_filter_shift(unsigned int level)
{
	return PAGE_SHIFT + level * PW_FILTER_LEVEL_BITS;
}

/* Return: the key of the leaf of a granule. */
static inline unsigned long pw_filter_key(unsigned long granule, unsigned int level)
{
	return granule >> PW_FILTER_LEAF_BITS << 5 | (level + 1);
}

static inline unsigned long pw_filter_hash(unsigned long key)
{
	return key * GOLDEN_RATIO_64;
}

static inline unsigned int pw_filter_table_nr(unsigned long hash)
{
	return hash >> (BITS_PER_LONG - PW_FILTER_TABLE_BITS);
}

/* The caller may hold a lock that memory reclaim waits for: do not use the reserves. */
static inline gfp_t pw_filter_gfp(void)
{
	return GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_ACCOUNT | __GFP_NOWARN;
}

/* Caller holds pm->lock. */
static inline struct pw_filter_table *pw_filter_table(const struct pw_filter *filter,
						      unsigned long hash)
{
	return rcu_dereference_protected(filter->tables->table[pw_filter_table_nr(hash)], true);
}

/* Caller holds pm->lock. */
static inline struct pw_filter_leaf *pw_filter_slot_leaf(const struct pw_filter_slot *slot)
{
	return rcu_dereference_protected(slot->leaf, true);
}

/* Return: the slot of @key, or NULL. */
static inline struct pw_filter_slot *
pw_filter_find(struct pw_filter_table *table, unsigned long key, unsigned long hash)
{
	unsigned int i = hash >> 40;
	unsigned long found;

	/* Ends at a free slot: an eighth of the slots is free. */
	for (;; i++) {
		i &= table->mask;
		found = READ_ONCE(table->slots[i].key);
		if (likely(found == key))
			return &table->slots[i];
		if (!found)
			return NULL;
	}
}

/* Return: the leaf of a granule, or NULL. Caller holds RCU or pm->lock. */
static inline const struct pw_filter_leaf *
pw_filter_leaf(const struct pw_filter *filter, unsigned int level, unsigned long granule)
{
	unsigned long key = pw_filter_key(granule, level), hash = pw_filter_hash(key);
	struct pw_filter_table *table;
	struct pw_filter_slot *slot;

	/* Pairs with the publication in table_rebuild() (litmus filter-start-rebuild). */
	table = rcu_dereference_check(filter->tables->table[pw_filter_table_nr(hash)],
				      rcu_read_lock_any_held());
	if (!table)
		return NULL;
	slot = pw_filter_find(table, key, hash);
	/*
	 * Pairs with the publication in table_add() (litmus filter-new-leaf). The key can
	 * become visible before the leaf. Then insert sees the record.
	 */
	return slot ? rcu_dereference_check(slot->leaf, rcu_read_lock_any_held()) : NULL;
}

/* Return: the index of the word of a leaf that contains the count of @granule. */
static inline unsigned int pw_filter_word(unsigned long granule)
{
	return (granule & PW_FILTER_LEAF_MASK) / PW_FILTER_PER_WORD;
}

static inline bool pw_filter_same_word(unsigned long first, unsigned long last)
{
	return !((first ^ last) / PW_FILTER_PER_WORD);
}

/* Return: a count of 1 for each of the granules @first to @last, which have the same word. */
static inline unsigned long pw_filter_ones(unsigned long first, unsigned long last)
{
	/* Modulo, for an empty range: mremap() of 5.10 makes such ranges. */
	return PW_FILTER_ONES >> (PW_FILTER_PER_WORD - 1 - (last - first)) * 2 % BITS_PER_LONG
	       << first % PW_FILTER_PER_WORD * 2;
}

static inline bool pw_filter_word_covers(const struct pw_filter_leaf *leaf,
					 unsigned long first, unsigned long last)
{
	return READ_ONCE(leaf->word[pw_filter_word(first)]) &
	       pw_filter_ones(first, last) * PW_FILTER_COUNT_MAX;
}

/**
 * pw_filter_covers() - may a subscription cover a page of a range?
 * @filter: The filter of the mm.
 * @start: First byte.
 * @last: Last byte.
 *
 * Context: under RCU or pm->lock. Inline, because a hot path calls this function, most often for
 * few pages, and with level 0 only.
 * Return: false only if no subscription does, except for subscriptions that are inserted
 * now: see the head of this file.
 */
static inline bool pw_filter_covers(const struct pw_filter *filter, unsigned long start,
				    unsigned long last)
{
	/*
	 * Pairs with the release in filter_publish(): a start that sees the filter in use
	 * must see the counts of all older subscriptions (litmus filter-first-use).
	 */
	unsigned int levels = smp_load_acquire(&filter->levels);
	unsigned long first = start >> PAGE_SHIFT, end = last >> PAGE_SHIFT;
	const struct pw_filter_leaf *leaf;

	if (!levels)
		return true;
	if (unlikely(levels != (PW_FILTER_ACTIVE | BIT(0)) || !pw_filter_same_word(first, end)))
		return pw_filter_levels_cover(filter, levels, start, last);
	leaf = pw_filter_leaf(filter, 0, first);
	return leaf && pw_filter_word_covers(leaf, first, end);
}

/* Does the filter know all subscriptions? If not, pw_filter_covers() returns true. */
static inline bool pw_filter_complete(const struct pw_filter *filter)
{
	return READ_ONCE(filter->levels);
}

/* Has the filter to be told of an insert? Caller holds pm->lock. */
static inline bool pw_filter_wanted(const struct pw_filter *filter, unsigned long nr_subs)
{
	return nr_subs >= filter->from;
}

/* Has the filter to be told of a remove? Caller holds pm->lock. */
static inline bool pw_filter_in_use(const struct pw_filter *filter)
{
	return !filter->from;
}

#endif /* _PW_FILTER_H */
