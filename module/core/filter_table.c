// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the tables of the page filter, which find a leaf by its key (see filter.h)
 */
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include "core.h"

#define TABLE_MIN_SLOTS	8

/* The largest number of slots of a table: bounds the copy under pm->lock. Unit tests change it. */
unsigned int pw_filter_table_max __read_mostly = 1024;

static struct pw_filter_slot *table_add(struct pw_filter_table *table, unsigned long key,
					struct pw_filter_leaf *leaf)
{
	unsigned int i = pw_filter_hash(key) >> 40;

	while (table->slots[i & table->mask].key)
		i++;
	i &= table->mask;
	table->used++;
	/*
	 * Pairs with the address dependency of start: the counts before the pointer (litmus
	 * filter-new-leaf).
	 */
	rcu_assign_pointer(table->slots[i].leaf, leaf);
	WRITE_ONCE(table->slots[i].key, key);
	return &table->slots[i];
}

/*
 * Free the leaves without subscriptions, which are in @old only, and @old. A start may still
 * read both.
 */
static void table_retire(struct pw_filter_table *old)
{
	struct pw_filter_leaf *leaf;
	unsigned int i;

	for (i = 0; i <= old->mask; i++) {
		leaf = pw_filter_slot_leaf(&old->slots[i]);
		/* Pairs with the read section of start (litmus filter-start-rebuild). */
		if (leaf && !old->slots[i].nr)
			kvfree_rcu(leaf, rcu);
	}
	kvfree_rcu(old, rcu);
}

/* Return: the number of slots for a table of @live leaves and one more. */
static unsigned int table_size(unsigned int live)
{
	return clamp_t(unsigned int, roundup_pow_of_two(2UL * (live + 1)), TABLE_MIN_SLOTS,
		       pw_filter_table_max);
}

/*
 * Replace a table by one that has room for another leaf, without the leaves that have no
 * subscriptions. Return: the table; NULL if there is no memory, or if the table has the
 * largest size and too few such leaves.
 */
static struct pw_filter_table *table_rebuild(struct pw_filter *filter, unsigned long hash)
{
	struct pw_filter_table *table, *old = pw_filter_table(filter, hash);
	unsigned int i, size = table_size(old ? old->live : 0);
	struct pw_filter_slot *slot;

	if (old && size == old->mask + 1 && old->used - old->live < size / 8)
		return NULL;
	table = kzalloc(struct_size(table, slots, size), pw_filter_gfp());
	if (!table)
		return NULL;
	table->mask = size - 1;
	for (i = 0; old && i <= old->mask; i++) {
		if (!old->slots[i].nr)
			continue;
		slot = table_add(table, old->slots[i].key, pw_filter_slot_leaf(&old->slots[i]));
		slot->nr = old->slots[i].nr;
		table->live++;
	}
	/*
	 * Pairs with the dereference in start: the entries before the table (litmus
	 * filter-start-rebuild).
	 */
	rcu_assign_pointer(filter->tables->table[pw_filter_table_nr(hash)], table);
	if (old)
		table_retire(old);
	return table;
}

/* Without memory for a larger table: the present table, if it has an eighth of free slots. */
static struct pw_filter_table *table_filled(struct pw_filter *filter, unsigned long hash)
{
	struct pw_filter_table *table = pw_filter_table(filter, hash);

	return table && table->used + 1 <= (table->mask + 1) / 8 * 7 ? table : NULL;
}

/**
 * pw_filter_slot_new() - add a leaf without subscriptions
 * @filter: The filter of the mm.
 * @key: From pw_filter_key(). No table has it.
 * @hash: Of @key.
 *
 * Context: under pm->lock. Does not sleep.
 * Return: the slot of the leaf; NULL: no memory.
 */
struct pw_filter_slot *pw_filter_slot_new(struct pw_filter *filter, unsigned long key,
					  unsigned long hash)
{
	struct pw_filter_table *table = pw_filter_table(filter, hash);
	struct pw_filter_leaf *leaf;

	if (!table || table->used + 1 > (table->mask + 1) / 4 * 3)
		table = table_rebuild(filter, hash);
	if (!table)
		table = table_filled(filter, hash);
	if (!table)
		return NULL;
	leaf = kzalloc(sizeof(*leaf), pw_filter_gfp());
	return leaf ? table_add(table, key, leaf) : NULL;
}

static void leaf_clear(struct pw_filter_leaf *leaf)
{
	unsigned int i;

	for (i = 0; i < PW_FILTER_LEAF_WORDS; i++)
		WRITE_ONCE(leaf->word[i], 0);
}

/**
 * pw_filter_slot_emptied() - a leaf has lost its last subscription
 * @filter: The filter of the mm.
 * @slot: The slot of the leaf. Invalid afterwards.
 *
 * Context: under pm->lock. Does not sleep.
 */
void pw_filter_slot_emptied(struct pw_filter *filter, struct pw_filter_slot *slot)
{
	unsigned long hash = pw_filter_hash(slot->key);
	struct pw_filter_table *table = pw_filter_table(filter, hash);

	table->live--;
	if (filter->inexact)
		leaf_clear(pw_filter_slot_leaf(slot));
	if (table->mask < TABLE_MIN_SLOTS || table->live >= table->mask / 8)
		return;
	if (table->live) {
		/* Without memory, the table keeps its size. */
		table_rebuild(filter, hash);
	} else {
		/* No order: there is nothing to see (litmus filter-start-rebuild). */
		RCU_INIT_POINTER(filter->tables->table[pw_filter_table_nr(hash)], NULL);
		table_retire(table);
	}
}

static void table_free(struct pw_filter_table *table)
{
	unsigned int i;

	for (i = 0; i <= table->mask; i++)
		kfree(pw_filter_slot_leaf(&table->slots[i]));
	kfree(table);
}

/**
 * pw_filter_free() - free the memory of a filter
 * @filter: The filter. No start reads it any more.
 *
 * Context: any. Does not sleep.
 */
void pw_filter_free(struct pw_filter *filter)
{
	struct pw_filter_table *table;
	unsigned int i;

	for (i = 0; filter->tables && i < PW_FILTER_NR_TABLES; i++) {
		table = rcu_dereference_protected(filter->tables->table[i], true);
		if (table)
			table_free(table);
	}
	kfree(filter->tables);
}
