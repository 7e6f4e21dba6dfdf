// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: which pages the subscriptions of an mm cover (see filter.h)
 *
 * insert may be called under a lock that callbacks take, so the filter does not wait for
 * memory. Without memory for a subscription, start takes the lock for every range until that
 * subscription is removed. All memory is charged to the task that inserts (that of a smaller
 * table, to the task that removes), and an mm has at most PW_FILTER_NR_TABLES *
 * pw_filter_table_max * 7/8 leaves: 57,344, in 9 MiB with the tables.
 *
 * Counts are exact: remove counts down, and where three or more subscriptions covered a
 * granule, remove counts them anew in the tree. A remove visits at most RECOUNT_MAX nodes for
 * that. Granules beyond stay covered until a later remove counts them, or until no
 * subscription is counted in their leaf.
 */
#include <linux/slab.h>
#include "core.h"

#define GRANULES_LOG2		5	/* of a subscription, not counting the last */
#define RECOUNT_MAX		256	/* nodes that a remove visits under pm->lock */

/*
 * Fewer subscriptions are in a tree of few levels, in the cache of the CPU: a search costs no
 * more than the filter, and insert and remove are cheaper without. Unit tests change it.
 */
unsigned int pw_filter_from __read_mostly = 256;

static unsigned int sub_level(const struct pinwatch_interval_notifier *sub)
{
	unsigned long pages = (sub->interval_tree.last >> PAGE_SHIFT) -
			      (sub->interval_tree.start >> PAGE_SHIFT);

	if (likely(!(pages >> GRANULES_LOG2)))
		return 0;
	return (fls64(pages) - GRANULES_LOG2 + PW_FILTER_LEVEL_BITS - 1) / PW_FILTER_LEVEL_BITS;
}

static unsigned long sub_first(const struct pinwatch_interval_notifier *sub, unsigned int level)
{
	return sub->interval_tree.start >> pw_filter_shift(level);
}

static unsigned long sub_last(const struct pinwatch_interval_notifier *sub, unsigned int level)
{
	return sub->interval_tree.last >> pw_filter_shift(level);
}

/* Count a subscription in the leaf of @granule. Return: the leaf; NULL: no memory. */
static __always_inline struct pw_filter_leaf *
leaf_get(struct pw_mm *pm, unsigned int level, unsigned long granule)
{
	unsigned long key = pw_filter_key(granule, level), hash = pw_filter_hash(key);
	struct pw_filter_table *table = pw_filter_table(&pm->filter, hash);
	struct pw_filter_slot *slot = NULL;

	if (likely(table))
		slot = pw_filter_find(table, key, hash);
	if (unlikely(!slot))
		slot = pw_filter_slot_new(&pm->filter, key, hash);
	if (unlikely(!slot))
		return NULL;
	if (unlikely(!slot->nr++))
		pw_filter_table(&pm->filter, hash)->live++;
	return pw_filter_slot_leaf(slot);
}

static void slot_put(struct pw_mm *pm, struct pw_filter_slot *slot)
{
	if (unlikely(!--slot->nr))
		pw_filter_slot_emptied(&pm->filter, slot);
}

/* Return: the slot of the leaf of @granule, which counts a subscription. */
static struct pw_filter_slot *slot_of(struct pw_mm *pm, unsigned int level,
				      unsigned long granule)
{
	unsigned long key = pw_filter_key(granule, level), hash = pw_filter_hash(key);

	return pw_filter_find(pw_filter_table(&pm->filter, hash), key, hash);
}

/* Return: a one for each count in @word that has its maximum. */
static unsigned long word_full(unsigned long word)
{
	return word & (word >> 1) & PW_FILTER_ONES;
}

/* Count up the granules @first to @last of a leaf. */
static __always_inline void leaf_inc(struct pw_filter_leaf *leaf, unsigned long first,
				     unsigned long last)
{
	unsigned long *word = &leaf->word[pw_filter_word(first)], end;

	for (;; first = end + 1, word++) {
		end = min(last, first | (PW_FILTER_PER_WORD - 1));
		WRITE_ONCE(*word, *word + (pw_filter_ones(first, end) & ~word_full(*word)));
		if (likely(end == last))
			return;
	}
}

/* A recount is about to visit a node, or to search a class. Return: true if it must not. */
static bool recount_exhausted(struct pw_filter *filter)
{
	if (filter->recount_left) {
		filter->recount_left--;
		return false;
	}
	filter->inexact = true;
	return true;
}

/*
 * Return: how many subscriptions that are counted at @level cover @granule, at most 3; 3 if the
 * remove has visited RECOUNT_MAX nodes.
 */
static unsigned long granule_recount(struct pw_mm *pm, unsigned int level,
				     unsigned long granule)
{
	unsigned long start = granule << pw_filter_shift(level), nr = 0;
	unsigned long last = start | (BIT(pw_filter_shift(level)) - 1);
	struct interval_tree_node *node;
	unsigned int class;

	for (class = 0; class < pm->nr_classes; class++) {
		if (recount_exhausted(&pm->filter))
			return PW_FILTER_COUNT_MAX;
		node = pw_tree_first(&pm->classes[class].tree, start, last);
		for (; node; node = pw_tree_next(node, start, last)) {
			if (recount_exhausted(&pm->filter))
				return PW_FILTER_COUNT_MAX;
			nr += !(pw_sub(node)->state & PW_SUB_UNCOUNTED) &&
			      sub_level(pw_sub(node)) == level;
			if (nr == PW_FILTER_COUNT_MAX)
				return nr;
		}
	}
	return nr;
}

/* Some counts among the granules @first to @last of a word have their maximum. */
static noinline unsigned long word_recount(struct pw_mm *pm, unsigned int level,
					   unsigned long first, unsigned long last,
					   unsigned long word)
{
	unsigned long one, less;

	for (; first <= last; first++) {
		one = pw_filter_ones(first, first);
		less = 1;
		if (word_full(word) & one)
			less = PW_FILTER_COUNT_MAX - granule_recount(pm, level, first);
		word -= one * less;
	}
	return word;
}

/* Undo leaf_inc(). */
static __always_inline void leaf_dec(struct pw_mm *pm, struct pw_filter_leaf *leaf,
				     unsigned int level, unsigned long first,
				     unsigned long last)
{
	unsigned long *word = &leaf->word[pw_filter_word(first)], end, ones, new;

	for (;; first = end + 1, word++) {
		end = min(last, first | (PW_FILTER_PER_WORD - 1));
		ones = pw_filter_ones(first, end);
		new = *word - ones;
		if (unlikely(word_full(*word) & ones))
			new = word_recount(pm, level, first, end, *word);
		WRITE_ONCE(*word, new);
		if (likely(end == last))
			return;
	}
}

static void filter_publish(struct pw_filter *filter, unsigned int levels)
{
	/*
	 * Pairs with the acquire in pw_filter_covers(): the counts before the level (litmus
	 * filter-first-use).
	 */
	smp_store_release(&filter->levels, levels);
}

static noinline void filter_publish_all(struct pw_filter *filter)
{
	unsigned int level, levels = 0;

	if (!filter->nr_missing) {
		levels = PW_FILTER_ACTIVE;
		for (level = 0; filter->tables && level < PW_FILTER_NR_LEVELS; level++)
			if (filter->tables->nr[level])
				levels |= BIT(level);
	}
	filter_publish(filter, levels);
}

/* Part of filter_add(): a subscription of two leaves. */
static noinline bool filter_add_two(struct pw_mm *pm, unsigned int level, unsigned long first,
				    unsigned long last)
{
	unsigned long end = first | PW_FILTER_LEAF_MASK;
	struct pw_filter_leaf *leaf, *next;

	leaf = leaf_get(pm, level, first);
	if (!leaf)
		return false;
	next = leaf_get(pm, level, last);
	if (!next) {
		slot_put(pm, slot_of(pm, level, first));
		return false;
	}
	leaf_inc(leaf, first, end);
	leaf_inc(next, end + 1, last);
	return true;
}

/* Count a subscription. Return: false if there is no memory. */
static __always_inline bool filter_add(struct pw_mm *pm, unsigned int level,
				       unsigned long first, unsigned long last)
{
	struct pw_filter_leaf *leaf;

	if (unlikely(!pm->filter.tables))
		pm->filter.tables = kzalloc(sizeof(*pm->filter.tables), pw_filter_gfp());
	if (unlikely(!pm->filter.tables))
		return false;
	if (likely(!((first ^ last) >> PW_FILTER_LEAF_BITS))) {
		leaf = leaf_get(pm, level, first);
		if (unlikely(!leaf))
			return false;
		leaf_inc(leaf, first, last);
	} else if (!filter_add_two(pm, level, first, last)) {
		return false;
	}
	pm->filter.tables->nr[level]++;
	return true;
}

static noinline void filter_miss(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	WRITE_ONCE(sub->state, sub->state | PW_SUB_UNCOUNTED);
	pm->filter.nr_missing++;
	filter_publish(&pm->filter, 0);
}

/* Count all subscriptions. */
static noinline void filter_use(struct pw_mm *pm)
{
	struct interval_tree_node *node;
	unsigned int class, level;

	pm->filter.from = 0;
	for (class = 0; class < pm->nr_classes; class++) {
		node = pw_tree_first(&pm->classes[class].tree, 0, ULONG_MAX);
		for (; node; node = pw_tree_next(node, 0, ULONG_MAX)) {
			level = sub_level(pw_sub(node));
			if (!filter_add(pm, level, sub_first(pw_sub(node), level),
					sub_last(pw_sub(node), level)))
				filter_miss(pm, pw_sub(node));
		}
	}
	filter_publish_all(&pm->filter);
}

/* As pw_filter_insert(), for every case. */
static noinline void filter_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	unsigned int level = sub_level(sub), levels = pm->filter.levels;

	if (unlikely(pm->filter.from))
		filter_use(pm);
	else if (!filter_add(pm, level, sub_first(sub, level), sub_last(sub, level)))
		filter_miss(pm, sub);
	else if (levels && !(levels & BIT(level)))
		filter_publish(&pm->filter, levels | BIT(level));
}

/* Return: the slot of the leaf of a page, or NULL. */
static __always_inline struct pw_filter_slot *
page_slot(const struct pw_filter_tables *tables, unsigned long page)
{
	unsigned long key = pw_filter_key(page, 0), hash = pw_filter_hash(key);
	struct pw_filter_table *table;

	table = rcu_dereference_protected(tables->table[pw_filter_table_nr(hash)], true);
	return likely(table) ? pw_filter_find(table, key, hash) : NULL;
}

/**
 * pw_filter_insert() - count a new subscription
 * @pm: The mm.
 * @sub: The subscription, just linked. The caller advances gen afterwards.
 *
 * Context: under pm->lock, if pw_filter_wanted().
 */
void pw_filter_insert(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	unsigned long first = sub_first(sub, 0), last = sub_last(sub, 0), *word;
	struct pw_filter_tables *tables = pm->filter.tables;
	struct pw_filter_slot *slot;

	lockdep_assert_held(&pm->lock);
	/* A few pages of a leaf with subscriptions: the level is in use. */
	if (likely(tables && pw_filter_same_word(first, last))) {
		slot = page_slot(tables, first);
		if (likely(slot && slot->nr)) {
			slot->nr++;
			tables->nr[0]++;
			word = &pw_filter_slot_leaf(slot)->word[pw_filter_word(first)];
			WRITE_ONCE(*word, *word + (pw_filter_ones(first, last) &
						   ~word_full(*word)));
			return;
		}
	}
	filter_insert(pm, sub);
}

/* Undo filter_add() in one leaf. */
static __always_inline void filter_sub(struct pw_mm *pm, unsigned int level,
				       unsigned long first, unsigned long last)
{
	struct pw_filter_slot *slot = slot_of(pm, level, first);

	leaf_dec(pm, pw_filter_slot_leaf(slot), level, first, last);
	slot_put(pm, slot);
}

static noinline void filter_sub_two(struct pw_mm *pm, unsigned int level, unsigned long first,
				    unsigned long last)
{
	filter_sub(pm, level, first, first | PW_FILTER_LEAF_MASK);
	filter_sub(pm, level, (first | PW_FILTER_LEAF_MASK) + 1, last);
}

static noinline void filter_unmiss(struct pw_mm *pm)
{
	pm->filter.nr_missing--;
	filter_publish_all(&pm->filter);
}

/* As pw_filter_remove(), for every case. */
static noinline void filter_remove(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	unsigned int level = sub_level(sub);
	unsigned long first = sub_first(sub, level), last = sub_last(sub, level);

	pm->filter.recount_left = RECOUNT_MAX;
	if (sub->state & PW_SUB_UNCOUNTED) {
		filter_unmiss(pm);
		return;
	}
	if ((first ^ last) >> PW_FILTER_LEAF_BITS)
		filter_sub_two(pm, level, first, last);
	else
		filter_sub(pm, level, first, last);
	if (!--pm->filter.tables->nr[level])
		filter_publish_all(&pm->filter);
}

/**
 * pw_filter_remove() - undo pw_filter_insert()
 * @pm: The mm.
 * @sub: The subscription, no longer linked.
 *
 * Context: under pm->lock, if pw_filter_in_use().
 */
void pw_filter_remove(struct pw_mm *pm, struct pinwatch_interval_notifier *sub)
{
	unsigned long first = sub_first(sub, 0), last = sub_last(sub, 0), ones, *word;
	struct pw_filter_tables *tables = pm->filter.tables;
	struct pw_filter_slot *slot;

	lockdep_assert_held(&pm->lock);
	/* A few pages of a leaf with other subscriptions: the level stays in use. */
	if (likely(!(sub->state & PW_SUB_UNCOUNTED) && pw_filter_same_word(first, last))) {
		slot = page_slot(tables, first);
		ones = pw_filter_ones(first, last);
		word = &pw_filter_slot_leaf(slot)->word[pw_filter_word(first)];
		if (likely(slot->nr > 1 && !(word_full(*word) & ones))) {
			slot->nr--;
			tables->nr[0]--;
			WRITE_ONCE(*word, *word - ones);
			return;
		}
	}
	filter_remove(pm, sub);
}

/* Is one of the granules @first to @last, of one leaf, covered? */
static bool leaf_covers(const struct pw_filter_leaf *leaf, unsigned long first,
			unsigned long last)
{
	unsigned long end;

	for (; leaf; first = end + 1) {
		end = min(last, first | (PW_FILTER_PER_WORD - 1));
		if (pw_filter_word_covers(leaf, first, end))
			return true;
		if (end == last)
			break;
	}
	return false;
}

/* Is one of the granules @first to @last covered, or are they in too many leaves? */
static bool level_covers(const struct pw_filter *filter, unsigned int level,
			 unsigned long first, unsigned long last)
{
	unsigned long end;

	if ((last >> PW_FILTER_LEAF_BITS) - (first >> PW_FILTER_LEAF_BITS) >=
	    PW_FILTER_MAX_LEAVES)
		return true;
	for (;; first = end + 1) {
		end = min(last, first | PW_FILTER_LEAF_MASK);
		if (leaf_covers(pw_filter_leaf(filter, level, first), first, end))
			return true;
		if (end == last)
			return false;
	}
}

/**
 * pw_filter_levels_cover() - pw_filter_covers() for all levels, and for many pages
 * @filter: The filter of the mm.
 * @levels: Its levels.
 * @start: First byte.
 * @last: Last byte.
 *
 * Context: under RCU or pm->lock.
 * Return: as pw_filter_covers().
 */
bool pw_filter_levels_cover(const struct pw_filter *filter, unsigned int levels,
			    unsigned long start, unsigned long last)
{
	unsigned int level, shift;

	for (levels &= ~PW_FILTER_ACTIVE; levels; levels &= levels - 1) {
		level = __ffs(levels);
		shift = pw_filter_shift(level);
		if (level_covers(filter, level, start >> shift, last >> shift))
			return true;
	}
	return false;
}
