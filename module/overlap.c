// SPDX-License-Identifier: GPL-2.0-only
/*
 * Overlaps: a tree of the edges of the ranges, each subtree with its sum and its maximum
 *
 * The number of watches of a page is the sum of the edges up to the page. The maximum over
 * a range takes one descent for each end of the range, however many watches overlap it.
 */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/kernel.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "limits.h"
#include "overlap.h"

/**
 * struct pw_overlap_set - the ranges of one user in one address space
 * @node: Under sets_lock. In the table of sets.
 * @share: Constant: the user. The charged watches keep the share.
 * @mm: Constant. The charged watches keep mm_count.
 * @refs: Under sets_lock. One for each charged range.
 * @lock: Protects @edges.
 * @edges: Two edges for each range.
 */
struct pw_overlap_set {
	struct hlist_node node;
	const struct pw_share *share;
	const struct mm_struct *mm;
	unsigned int refs;
	spinlock_t lock;	/* edges */
	struct rb_root edges;
};

static DEFINE_SPINLOCK(sets_lock);
static DEFINE_HASHTABLE(sets, 10);

static struct pw_overlap_edge *edge_of(struct rb_node *rb)
{
	return rb_entry_safe(rb, struct pw_overlap_edge, rb);
}

static struct pw_overlap_fold fold_join(struct pw_overlap_fold left,
					struct pw_overlap_fold right)
{
	left.max = max(left.max, left.sum + right.max);
	left.sum += right.sum;
	return left;
}

static struct pw_overlap_fold fold_edge(const struct pw_overlap_edge *edge)
{
	return (struct pw_overlap_fold){ .sum = edge->delta, .max = max(edge->delta, 0) };
}

static struct pw_overlap_fold fold_tree(struct rb_node *rb)
{
	return rb ? edge_of(rb)->all : (struct pw_overlap_fold){};
}

/* Return: true if nothing has changed, and @exit permits to stop here. */
static bool edge_update(struct pw_overlap_edge *edge, bool exit)
{
	struct pw_overlap_fold all = fold_tree(edge->rb.rb_left), old = edge->all;

	all = fold_join(all, fold_edge(edge));
	edge->all = fold_join(all, fold_tree(edge->rb.rb_right));
	return exit && edge->all.sum == old.sum && edge->all.max == old.max;
}

RB_DECLARE_CALLBACKS(static, edge_augment, struct pw_overlap_edge, rb, all, edge_update)

/* At the same address, ends are before starts: a sum of leading edges is then no page's. */
static bool edge_before(const struct pw_overlap_edge *a, const struct pw_overlap_edge *b)
{
	return a->addr != b->addr ? a->addr < b->addr : a->delta < b->delta;
}

static void edge_insert(struct rb_root *root, struct pw_overlap_edge *edge,
			unsigned long addr, int delta)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	edge->addr = addr;
	edge->delta = delta;
	while (*link) {
		parent = *link;
		link = edge_before(edge, edge_of(parent)) ? &parent->rb_left :
							     &parent->rb_right;
	}
	rb_link_node(&edge->rb, parent, link);
	edge_update(edge, false);
	edge_augment.propagate(parent, NULL);
	rb_insert_augmented(&edge->rb, root, &edge_augment);
}

/* Return: the edges up to and including @addr */
static struct pw_overlap_fold fold_up_to(const struct rb_root *root, unsigned long addr)
{
	struct pw_overlap_edge *edge = edge_of(root->rb_node);
	struct pw_overlap_fold all = {};

	while (edge) {
		if (edge->addr > addr) {
			edge = edge_of(edge->rb.rb_left);
			continue;
		}
		all = fold_join(all, fold_tree(edge->rb.rb_left));
		all = fold_join(all, fold_edge(edge));
		edge = edge_of(edge->rb.rb_right);
	}
	return all;
}

/* Return: the edges below @edge that are above @start */
static struct pw_overlap_fold fold_above(struct pw_overlap_edge *edge, unsigned long start)
{
	struct pw_overlap_fold all = {}, part;

	while (edge) {
		if (edge->addr <= start) {
			edge = edge_of(edge->rb.rb_right);
			continue;
		}
		part = fold_join(fold_edge(edge), fold_tree(edge->rb.rb_right));
		all = fold_join(part, all);
		edge = edge_of(edge->rb.rb_left);
	}
	return all;
}

/* Return: the edges above @start, up to and including @last */
static struct pw_overlap_fold fold_between(const struct rb_root *root, unsigned long start,
					   unsigned long last)
{
	struct pw_overlap_edge *edge = edge_of(root->rb_node);
	struct rb_root right = RB_ROOT;
	struct pw_overlap_fold all;

	while (edge && (edge->addr <= start || edge->addr > last))
		edge = edge_of(edge->addr <= start ? edge->rb.rb_right : edge->rb.rb_left);
	if (!edge)
		return (struct pw_overlap_fold){};
	right.rb_node = edge->rb.rb_right;
	all = fold_join(fold_above(edge_of(edge->rb.rb_left), start), fold_edge(edge));
	return fold_join(all, fold_up_to(&right, last));
}

/* Return: the largest number of ranges that overlap one page of a range */
static int set_depth(const struct pw_overlap_set *set, unsigned long start, unsigned long last)
{
	return fold_up_to(&set->edges, start).sum +
	       fold_between(&set->edges, start, last).max;
}

/* Return: a set with another reference, or NULL. Caller holds sets_lock. */
static struct pw_overlap_set *sets_find(const struct pw_share *share,
					const struct mm_struct *mm)
{
	struct pw_overlap_set *set;

	hash_for_each_possible(sets, set, node, (unsigned long)mm) {
		if (set->share == share && set->mm == mm) {
			set->refs++;
			return set;
		}
	}
	return NULL;
}

static struct pw_overlap_set *set_alloc(const struct pw_share *share,
					const struct mm_struct *mm)
{
	struct pw_overlap_set *set = kzalloc(sizeof(*set), GFP_KERNEL_ACCOUNT);

	if (!set)
		return NULL;
	set->share = share;
	set->mm = mm;
	set->refs = 1;
	spin_lock_init(&set->lock);
	return set;
}

static struct pw_overlap_set *set_get(const struct pw_share *share,
				      const struct mm_struct *mm)
{
	struct pw_overlap_set *set, *fresh;

	spin_lock(&sets_lock);
	set = sets_find(share, mm);
	spin_unlock(&sets_lock);
	if (set)
		return set;

	fresh = set_alloc(share, mm);
	if (!fresh)
		return NULL;
	spin_lock(&sets_lock);
	set = sets_find(share, mm);
	if (!set) {
		hash_add(sets, &fresh->node, (unsigned long)mm);
		set = fresh;
	}
	spin_unlock(&sets_lock);
	if (set != fresh)
		kfree(fresh);
	return set;
}

static void set_put(struct pw_overlap_set *set)
{
	bool last;

	spin_lock(&sets_lock);
	last = !--set->refs;
	if (last)
		hash_del(&set->node);
	spin_unlock(&sets_lock);
	if (last)
		kfree(set);
}

int pw_overlap_charge(struct pw_overlap *overlap, struct pw_user *user, struct mm_struct *mm,
		      unsigned long start, unsigned long length)
{
	struct pw_overlap_set *set = set_get(pw_limits_share(user), mm);
	bool full;

	if (!set)
		return -ENOMEM;
	spin_lock(&set->lock);
	full = set_depth(set, start, start + length - 1) >= pw_limits_max_overlap();
	if (!full) {
		edge_insert(&set->edges, &overlap->first, start, 1);
		edge_insert(&set->edges, &overlap->end, start + length, -1);
		overlap->set = set;
	}
	spin_unlock(&set->lock);
	if (full)
		set_put(set);
	return full ? -EDQUOT : 0;
}

void pw_overlap_uncharge(struct pw_overlap *overlap)
{
	struct pw_overlap_set *set = overlap->set;

	spin_lock(&set->lock);
	rb_erase_augmented(&overlap->first.rb, &set->edges, &edge_augment);
	rb_erase_augmented(&overlap->end.rb, &set->edges, &edge_augment);
	spin_unlock(&set->lock);
	set_put(set);
}
