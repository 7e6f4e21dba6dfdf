// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the validator of an mm's whole state
 *
 * For unit tests and builds with PW_DEBUG. The run time is proportional to the number
 * of subscriptions, and to its square for subscriptions that a walk holds.
 */
#include <linux/bitmap.h>
#include <linux/bug.h>
#include "core.h"
#include "slot.h"
#include "walk.h"

#define CHECK(cond) WARN_ONCE(!(cond), "pw_mm_check: %s:%d: not (%s)", __func__, __LINE__, #cond)

static struct interval_tree_node *node_of(struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct interval_tree_node, rb) : NULL;
}

static unsigned long check_child(struct interval_tree_node *node, struct rb_node *rb,
				 unsigned long *max)
{
	struct interval_tree_node *child = node_of(rb);

	if (!child)
		return 0;
	CHECK(rb_parent(rb) == &node->rb);
	*max = max(*max, child->__subtree_last);
	return 1;
}

static bool slot_is_open(struct pw_mm *pm, unsigned long seq)
{
	return pm->seqs[pw_seq_slot(seq)] == seq;
}

static void check_seq(struct pw_mm *pm, unsigned long seq)
{
	CHECK(seq & PW_SEQ_BIT);
	CHECK(!(seq & BIT(63)));
	CHECK(seq < pm->seq_next);
}

static void check_sub(struct pw_mm *pm, struct pinwatch_interval_notifier *sub,
		      unsigned int class)
{
	u64 stamp = sub->state >> PW_SUB_STAMP_SHIFT;
	unsigned long seq = READ_ONCE(sub->invalidate_seq);

	CHECK(sub->pm == pm);
	CHECK(sub->mm == pm->mn.mm);
	CHECK(sub->interval_tree.start <= sub->interval_tree.last);
	CHECK(stamp && stamp <= pm->gen);
	CHECK(pw_sub_class(sub) == class);
	CHECK(!(sub->state & PW_SUB_PUT));
	CHECK(!pm->plain ||
	      !(sub->state & (PW_SUB_SLEEPS | PW_SUB_FILTERED | PW_SUB_TWO_PASS)));
	CHECK(!(sub->state & PW_SUB_SLEEPS) ||
	      pw_veto_find(pm, sub->interval_tree.start, sub->interval_tree.last));
	CHECK(!pw_veto_deferred(pm, sub) || sub->state & PW_SUB_MULTI);
	CHECK(!!(sub->state & PW_SUB_SLEEPS) == (class >= PW_CLASS_SLEEPS));
	if (class % PW_CLASS_SLEEPS) {
		CHECK(sub->state & PW_SUB_FILTERED);
		CHECK(sub->ops->owner == pm->classes[class].owner);
		CHECK(sub->ops->ignore_events == pm->classes[class].ignore_events);
	}
	check_seq(pm, seq);
	if (slot_is_open(pm, seq))
		CHECK(pw_record_overlaps(pm->slot_rec[pw_seq_slot(seq)], sub));
}

/* Check order, links, augmentation and subscriptions. Return: their number. */
static unsigned long check_tree(struct pw_mm *pm, unsigned int class)
{
	struct rb_root *root = &pm->classes[class].tree;
	struct interval_tree_node *node, *prev = NULL;
	unsigned long nr = 0, nr_links = 0, max;

	if (root->rb_node)
		CHECK(!rb_parent(root->rb_node));
	for (node = pw_tree_first(root, 0, ULONG_MAX); node;
	     node = pw_tree_next(node, 0, ULONG_MAX)) {
		CHECK(!prev || prev->start <= node->start);
		max = node->last;
		nr_links += check_child(node, node->rb.rb_left, &max);
		nr_links += check_child(node, node->rb.rb_right, &max);
		CHECK(node->__subtree_last == max);
		check_sub(pm, pw_sub(node), class);
		prev = node;
		nr++;
	}
	CHECK(nr == (root->rb_node ? nr_links + 1 : 0));
	return nr;
}

static void check_slots(struct pw_mm *pm)
{
	unsigned int slot;

	for (slot = 0; slot < PW_NR_SLOTS; slot++) {
		bool used = pm->slots_used & BIT(slot);

		CHECK(slot == PW_SLOT_VETO || used == (pm->seqs[slot] != 0));
		if (!used)
			continue;
		check_seq(pm, pm->seqs[slot]);
		CHECK(slot != PW_SLOT_IDLE && slot != PW_SLOT_VETO);
		CHECK(pw_seq_slot(pm->seqs[slot]) == slot);
		if (slot >= PW_SLOT_SHARED) {
			CHECK(pm->slot_rec[slot] == &pm->shared[slot - PW_SLOT_SHARED].rec);
			continue;
		}
		CHECK(pm->slot_rec[slot]->slot == slot);
		CHECK(READ_ONCE(pm->slot_rec[slot]->key) & PW_KEY_SLOW);
	}
	for (slot = PW_SLOT_SHARED; slot <= PW_SLOT_ANON; slot++)
		CHECK(!!pm->shared[slot - PW_SLOT_SHARED].nr == !!(pm->slots_used & BIT(slot)));
}

/* Check a record that may be in flight. Count @rec in @nr if it is in a shared slot. */
static void check_record(struct pw_mm *pm, struct pw_record *rec, unsigned int *nr)
{
	struct pw_shared *shared;
	unsigned int slot = rec->slot;

	if (slot == PW_SLOT_NONE)
		return;
	CHECK(READ_ONCE(rec->key) & PW_KEY_SLOW);
	CHECK(READ_ONCE(rec->key) & ~PW_KEY_SLOW);
	CHECK(slot < PW_SLOT_ANON);
	CHECK(pm->slots_used & BIT(slot));
	if (slot < PW_SLOT_SHARED) {
		CHECK(pm->slot_rec[slot] == rec);
		return;
	}
	shared = &pm->shared[slot - PW_SLOT_SHARED];
	CHECK(shared->rec.start <= rec->start && shared->rec.last >= rec->last);
	nr[slot - PW_SLOT_SHARED]++;
}

/* Check the hole that lets start skip the lock. */
static void check_hole(struct pw_mm *pm, unsigned int i)
{
	struct pw_record *rec = pw_record_nr(pm, i);
	unsigned long before = READ_ONCE(rec->hole_before), next = READ_ONCE(rec->hole_next);
	unsigned int class;

	CHECK(rec->hole_gen <= pm->gen);
	if (rec->hole_gen != pm->gen)
		return;
	CHECK(test_bit(i, pm->used));
	/* The owner of a record in flight changes the hole without the lock. */
	if (READ_ONCE(rec->key) || before != READ_ONCE(rec->hole_before) ||
	    next != READ_ONCE(rec->hole_next) || next < 2 || before >= next - 1)
		return;
	for (class = 0; class < pm->nr_classes; class++)
		CHECK(!pw_tree_first(&pm->classes[class].tree, before + 1, next - 1));
}

static void check_records(struct pw_mm *pm)
{
	unsigned int i, nr_maybe = pw_nr_anon(pm), nr_spare = 0;
	unsigned int nr_shared[PW_NR_SHARED] = { [PW_SHARED_ANON] = pw_nr_anon(pm) };
	struct pw_extra_record *extra;

	for (i = 0; i < pm->nr_recs; i++) {
		struct pw_record *rec = pw_record_nr(pm, i);

		check_record(pm, rec, nr_shared);
		if (rec->slot != PW_SLOT_NONE)
			CHECK(test_bit(i, pm->used));
		nr_maybe += test_bit(i, pm->used);
		check_hole(pm, i);
	}
	list_for_each_entry(extra, &pm->extra, node) {
		CHECK(extra->rec.key & PW_KEY_SLOW);
		check_record(pm, &extra->rec, nr_shared);
		nr_spare += !extra->allocated;
		nr_maybe++;
	}
	list_for_each_entry(extra, &pm->spare, node) {
		CHECK(!extra->rec.key);
		CHECK(!extra->allocated);
		nr_spare++;
	}
	CHECK(nr_spare == PW_SPARE_RECORDS);
	for (i = 0; i < PW_NR_SHARED; i++)
		CHECK(nr_shared[i] == pm->shared[i].nr);
	CHECK(nr_maybe == pm->nr_maybe);
}

static unsigned long granule_last(unsigned long granule, unsigned int level)
{
	return granule << pw_filter_shift(level) | (BIT(pw_filter_shift(level)) - 1);
}

/* Return: the level at which the filter counts @sub, computed another way. */
static unsigned int sub_level(const struct pinwatch_interval_notifier *sub)
{
	unsigned long pages = (sub->interval_tree.last >> PAGE_SHIFT) -
			      (sub->interval_tree.start >> PAGE_SHIFT);
	unsigned int level = 0;

	while (pages >> (level * PW_FILTER_LEVEL_BITS) > 31)
		level++;
	return level;
}

/* Return: the number of subscriptions that cover a granule and are counted at its level. */
static unsigned long granule_nr(struct pw_mm *pm, unsigned long granule, unsigned int level)
{
	unsigned long start = granule << pw_filter_shift(level), nr = 0;
	struct interval_tree_node *node;
	unsigned int class;

	for (class = 0; class < pm->nr_classes; class++)
		for (node = pw_tree_first(&pm->classes[class].tree, start,
					  granule_last(granule, level)); node;
		     node = pw_tree_next(node, start, granule_last(granule, level)))
			nr += !(pw_sub(node)->state & PW_SUB_UNCOUNTED) &&
			      sub_level(pw_sub(node)) == level;
	return nr;
}

static void check_leaf(struct pw_mm *pm, const struct pw_filter_slot *slot,
		       const struct pw_filter_leaf *leaf)
{
	unsigned long granule = slot->key >> 5 << PW_FILTER_LEAF_BITS, nr, count;
	unsigned int i, level = (slot->key & 31) - 1;

	for (i = 0; i <= PW_FILTER_LEAF_MASK; i++, granule++) {
		count = READ_ONCE(leaf->word[i / PW_FILTER_PER_WORD]) >>
			i % PW_FILTER_PER_WORD * 2 & PW_FILTER_COUNT_MAX;
		if (!count)
			continue;
		nr = min(granule_nr(pm, granule, level), PW_FILTER_COUNT_MAX);
		CHECK(slot->nr);
		CHECK(count == nr ||
		      (count == PW_FILTER_COUNT_MAX && pm->filter.inexact));
	}
}

static void check_table(struct pw_mm *pm, const struct pw_filter_table *table)
{
	unsigned int i, used = 0, live = 0;

	for (i = 0; i <= table->mask; i++) {
		const struct pw_filter_slot *slot = &table->slots[i];

		used += !!slot->key;
		live += !!slot->nr;
		CHECK(!slot->nr || slot->key);
		if (slot->key)
			check_leaf(pm, slot, rcu_dereference_protected(slot->leaf, true));
	}
	CHECK(used == table->used);
	CHECK(live == table->live);
	CHECK(used <= (table->mask + 1) / 8 * 7);
}

/* All pages that subscriptions of a class cover, and their number. */
static void check_covered(struct pw_mm *pm, unsigned int class, unsigned int *nr_missing,
			  unsigned int *nr)
{
	struct interval_tree_node *node;

	for (node = pw_tree_first(&pm->classes[class].tree, 0, ULONG_MAX); node;
	     node = pw_tree_next(node, 0, ULONG_MAX)) {
		if (pw_sub(node)->state & PW_SUB_UNCOUNTED) {
			++*nr_missing;
			continue;
		}
		nr[sub_level(pw_sub(node))]++;
		CHECK(pw_filter_covers(&pm->filter, node->start, node->start));
		CHECK(pw_filter_covers(&pm->filter, node->last, node->last));
		CHECK(pw_filter_covers(&pm->filter, node->start, node->last));
	}
}

/**
 * pw_filter_check() - compare the filter with the trees
 * @pm: The mm.
 *
 * Context: under pm->lock and RCU, or while no other task uses @pm.
 */
void pw_filter_check(struct pw_mm *pm)
{
	struct pw_filter *filter = &pm->filter;
	unsigned int nr[PW_FILTER_NR_LEVELS] = {}, nr_missing = 0, i;
	struct pw_filter_table *table;

	if (!pw_filter_in_use(filter)) {
		CHECK(!filter->levels);
		return;
	}
	for (i = 0; i < pm->nr_classes; i++)
		check_covered(pm, i, &nr_missing, nr);
	CHECK(nr_missing == filter->nr_missing);
	CHECK(!!filter->levels == !nr_missing);
	for (i = 0; i < PW_FILTER_NR_LEVELS; i++) {
		CHECK(nr[i] == (filter->tables ? filter->tables->nr[i] : 0));
		CHECK(nr_missing || !!(filter->levels & BIT(i)) == !!nr[i]);
	}
	for (i = 0; filter->tables && i < PW_FILTER_NR_TABLES; i++) {
		table = rcu_dereference_protected(filter->tables->table[i], true);
		if (table)
			check_table(pm, table);
	}
}

#ifdef PW_DEBUG
/**
 * pw_skip_check() - warn if start must not skip a walk
 * @pm: The mm.
 * @rec: The record of the invalidation, in flight. The current task owns it.
 *
 * A subscription that is newer than the hole overlaps the range only if insert has seen the
 * record.
 *
 * Context: a start without pm->lock.
 */
void pw_skip_check(struct pw_mm *pm, const struct pw_record *rec)
{
	unsigned long start = rec->start & PAGE_MASK, last = rec->last | ~PAGE_MASK;
	struct pinwatch_interval_notifier *sub;
	unsigned int class;

	spin_lock(&pm->lock);
	for (class = 0; class < pm->nr_classes; class++)
		for (sub = pw_sub(pw_tree_first(&pm->classes[class].tree, start, last)); sub;
		     sub = pw_sub(pw_tree_next(&sub->interval_tree, start, last))) {
			CHECK(sub->state >> PW_SUB_STAMP_SHIFT > rec->hole_gen);
			CHECK(READ_ONCE(rec->key) & PW_KEY_SLOW ||
			      pw_sub_rejects(sub, rec->event, rec->owner));
		}
	spin_unlock(&pm->lock);
}
#endif

static bool is_linked(struct pw_mm *pm, const struct pinwatch_interval_notifier *sub)
{
	struct interval_tree_node *node;
	unsigned int class;

	for (class = 0; class < pm->nr_classes; class++)
		for (node = pw_tree_first(&pm->classes[class].tree, 0, ULONG_MAX); node;
		     node = pw_tree_next(node, 0, ULONG_MAX))
			if (pw_sub(node) == sub)
				return true;
	return false;
}

static void check_calls(struct pw_mm *pm)
{
	unsigned long slots = pw_call_slots(pm);

	for (; slots; slots &= slots - 1) {
		struct pw_call *call = &pm->calls[__ffs(slots)];

		if (call->entry && !(call->entry & PW_BATCH_FLAGS))
			CHECK(is_linked(pm, (void *)call->entry));
	}
}

static void check_walks(struct pw_mm *pm)
{
	struct pw_walk *walk;
	unsigned long entry;
	unsigned int i;

	hlist_for_each_entry(walk, &pm->walks, node) {
		CHECK(walk->class < pm->nr_classes);
		CHECK(walk->nr <= PW_WALK_BATCH);
		CHECK(!walk->cursor || is_linked(pm, walk->cursor));
		/* Entries before ->pos were called, and their subscriptions may be freed. */
		for (i = READ_ONCE(walk->pos); i < walk->nr; i++) {
			entry = walk->batch[i];
			if (!(entry & PW_BATCH_FLAGS))
				CHECK(is_linked(pm, (void *)entry));
		}
	}
}

/**
 * pw_mm_check() - warn about each contradiction in the state of an mm
 * @pm: The state.
 *
 * Context: under pm->lock, or while no other task uses @pm.
 */
void pw_mm_check(struct pw_mm *pm)
{
	unsigned long nr = 0;
	unsigned int class;

	CHECK(pm->nr_classes && pm->nr_classes <= PW_NR_CLASSES);
	CHECK(!pm->plain || pm->nr_classes == 1);
	CHECK(!(pm->slots_waited & ~pm->slots_used & ~BIT(PW_SLOT_VETO)));
	for (class = 0; class < pm->nr_classes; class++)
		nr += check_tree(pm, class);
	CHECK(nr <= pm->nr_subs);
	check_slots(pm);
	check_records(pm);
	check_walks(pm);
	check_calls(pm);
	pw_filter_check(pm);
	CHECK(pm->registered || pm->nr_subs);
}
