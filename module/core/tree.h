/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: the interval tree
 *
 * The kernel's augmented rbtree over struct interval_tree_node, ordered by
 * start, each node with the largest last of its subtree, as lib/interval_tree.c;
 * and what that file lacks, the hole around a range that overlaps nothing, in
 * the same descent that finds that out. Inline, since each has one hot user.
 */
#ifndef _PW_TREE_H
#define _PW_TREE_H

#include <linux/interval_tree.h>
#include <linux/rbtree.h>

void pw_tree_insert(struct rb_root *root, struct interval_tree_node *node);
void pw_tree_erase(struct rb_root *root, struct interval_tree_node *node);

static inline struct interval_tree_node *pw_tree_node(struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct interval_tree_node, rb) : NULL;
}

/* The leftmost node of the subtree at @node that overlaps [start, last]. */
static inline struct interval_tree_node *
pw_subtree_first(struct interval_tree_node *node, unsigned long start,
		 unsigned long last)
{
	struct interval_tree_node *left;

	/* Loop: some node of this subtree has start <= its last. */
	for (;;) {
		left = pw_tree_node(node->rb.rb_left);
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
		node = pw_tree_node(node->rb.rb_right);
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
static inline struct interval_tree_node *
pw_tree_first(struct rb_root *root, unsigned long start, unsigned long last)
{
	struct interval_tree_node *node = pw_tree_node(root->rb_node);

	if (!node || node->__subtree_last < start)
		return NULL;
	return pw_subtree_first(node, start, last);
}

/**
 * pw_tree_next() - the next node that overlaps a range
 * @node: A node of the tree; need not overlap the range itself.
 * @start: First byte.
 * @last: Last byte.
 */
static inline struct interval_tree_node *
pw_tree_next(struct interval_tree_node *node, unsigned long start,
	     unsigned long last)
{
	struct interval_tree_node *right = pw_tree_node(node->rb.rb_right);
	struct rb_node *rb, *prev;

	for (;;) {
		if (right && start <= right->__subtree_last)
			return pw_subtree_first(right, start, last);

		/* Up, to the first ancestor of which we are on the left. */
		do {
			prev = &node->rb;
			rb = rb_parent(prev);
			if (!rb)
				return NULL;
			node = pw_tree_node(rb);
			right = pw_tree_node(rb->rb_right);
		} while (prev == rb->rb_right);

		if (node->start > last)
			return NULL;
		if (start <= node->last)
			return node;
	}
}

/**
 * pw_tree_before() - how far reaches what begins no later than a range ends
 * @root: The tree.
 * @last: Last byte of the range.
 * @next: Set to the first start that lies beyond @last, if there is one.
 *
 * One descent: whatever lies left of its path, or on it where it turns right,
 * begins at or before @last. So the range [start, @last] overlaps a node iff the
 * result is >= start; and if it does not, the hole around it begins behind the
 * result and ends before *@next.
 *
 * Return: the largest last among the nodes that begin at or before @last; 0 when
 * there are none.
 */
static __always_inline unsigned long
pw_tree_before(struct rb_root *root, unsigned long last, unsigned long *next)
{
	struct rb_node *rb = root->rb_node;
	unsigned long before = 0;

	if (!rb)
		return 0;
	for (;;) {
		struct interval_tree_node *node, *left;

		node = rb_entry(rb, struct interval_tree_node, rb);
		if (node->start > last) {
			*next = node->start;
			rb = rb->rb_left;
			if (!rb)
				return before;
			continue;
		}
		left = pw_tree_node(rb->rb_left);
		if (left && left->__subtree_last > before)
			before = left->__subtree_last;
		if (node->last > before)
			before = node->last;
		rb = rb->rb_right;
		if (!rb)
			return before;
	}
}

#endif /* _PW_TREE_H */
