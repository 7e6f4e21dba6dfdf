// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the interval tree
 *
 * The kernel's augmented rbtree over struct interval_tree_node, ordered by
 * start, each node with the largest last of its subtree, as lib/interval_tree.c;
 * and what that file lacks, the hole around a range that overlaps nothing, in
 * the same descent that finds that out.
 */
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include "core.h"

#define NODE_LAST(node) ((node)->last)

RB_DECLARE_CALLBACKS_MAX(static, tree_augment, struct interval_tree_node, rb,
			 unsigned long, __subtree_last, NODE_LAST)

static struct interval_tree_node *tree_node(struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct interval_tree_node, rb) : NULL;
}

/* Equal starts go right: a walk meets what was inserted later, later. */
void pw_tree_insert(struct rb_root *root, struct interval_tree_node *node)
{
	unsigned long start = node->start, last = node->last;
	struct rb_node **link = &root->rb_node, *rb_parent = NULL;
	struct interval_tree_node *parent;

	while (*link) {
		rb_parent = *link;
		parent = rb_entry(rb_parent, struct interval_tree_node, rb);
		if (parent->__subtree_last < last)
			parent->__subtree_last = last;
		if (start < parent->start)
			link = &rb_parent->rb_left;
		else
			link = &rb_parent->rb_right;
	}

	node->__subtree_last = last;
	rb_link_node(&node->rb, rb_parent, link);
	rb_insert_augmented(&node->rb, root, &tree_augment);
}

void pw_tree_erase(struct rb_root *root, struct interval_tree_node *node)
{
	rb_erase_augmented(&node->rb, root, &tree_augment);
}

/* The leftmost node of the subtree at @node that overlaps [start, last]. */
static struct interval_tree_node *
subtree_first(struct interval_tree_node *node, unsigned long start,
	      unsigned long last)
{
	struct interval_tree_node *left;

	/* Loop: some node of this subtree has start <= its last. */
	for (;;) {
		left = tree_node(node->rb.rb_left);
		if (left && start <= left->__subtree_last) {
			/*
			 * Some node on the left ends late enough; either one
			 * there overlaps, or none further right can, as they
			 * all begin later than those.
			 */
			node = left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (start <= node->last)
			return node;
		node = tree_node(node->rb.rb_right);
		if (!node || start > node->__subtree_last)
			return NULL;
	}
}

/**
 * pw_tree_first() - the first node, by start, that overlaps a range
 * @root: The tree.
 * @start: First byte.
 * @last: Last byte.
 */
struct interval_tree_node *pw_tree_first(struct rb_root *root,
					 unsigned long start, unsigned long last)
{
	struct interval_tree_node *node = tree_node(root->rb_node);

	if (!node || node->__subtree_last < start)
		return NULL;
	return subtree_first(node, start, last);
}

/**
 * pw_tree_next() - the next node that overlaps a range
 * @node: A node of the tree; need not overlap the range itself.
 * @start: First byte.
 * @last: Last byte.
 */
struct interval_tree_node *pw_tree_next(struct interval_tree_node *node,
					unsigned long start, unsigned long last)
{
	struct interval_tree_node *right = tree_node(node->rb.rb_right);
	struct rb_node *rb, *prev;

	for (;;) {
		if (right && start <= right->__subtree_last)
			return subtree_first(right, start, last);

		/* Up, to the first ancestor of which we are on the left. */
		do {
			prev = &node->rb;
			rb = rb_parent(prev);
			if (!rb)
				return NULL;
			node = tree_node(rb);
			right = tree_node(rb->rb_right);
		} while (prev == rb->rb_right);

		if (node->start > last)
			return NULL;
		if (start <= node->last)
			return node;
	}
}

/**
 * pw_tree_hole() - the hole around a range, if nothing overlaps it
 * @root: The tree.
 * @start: First byte.
 * @last: Last byte.
 * @hole: Set, on true, to the largest range around [start, last] that no node
 *	overlaps.
 *
 * One descent: what lies left of the path begins at or before @last, so it
 * overlaps as soon as it ends at or after @start, and otherwise bounds the hole.
 *
 * Return: false when some node overlaps the range.
 */
bool pw_tree_hole(struct rb_root *root, unsigned long start, unsigned long last,
		  struct pw_hole *hole)
{
	struct interval_tree_node *node = tree_node(root->rb_node), *left;
	unsigned long lo = 0, hi = ULONG_MAX, end;

	while (node) {
		if (node->start > last) {
			hi = node->start - 1;
			node = tree_node(node->rb.rb_left);
			continue;
		}
		end = node->last;
		left = tree_node(node->rb.rb_left);
		if (left && left->__subtree_last > end)
			end = left->__subtree_last;
		if (end >= start)
			return false;
		if (end >= lo)
			lo = end + 1;
		node = tree_node(node->rb.rb_right);
	}
	hole->start = lo;
	hole->last = hi;
	return true;
}
