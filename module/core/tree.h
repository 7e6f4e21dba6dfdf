/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: the interval tree
 *
 * An augmented rbtree of struct interval_tree_node, ordered by start. Each node holds
 * the largest last of its subtree. Same as lib/interval_tree.c, plus pw_tree_before():
 * one descent tells whether a range overlaps a node and finds the hole around the range.
 * Inline, because each function has one caller in a hot path.
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

/* Return: the leftmost overlap of [start, last] in the subtree at @node, or NULL. */
static inline struct interval_tree_node *
pw_subtree_first(struct interval_tree_node *node, unsigned long start,
		 unsigned long last)
{
	struct interval_tree_node *left;

	/* Invariant: start <= node->__subtree_last */
	for (;;) {
		left = pw_tree_node(node->rb.rb_left);
		if (left && start <= left->__subtree_last) {
			/*
			 * A node on the left has start <= its last. If that node
			 * does not overlap, it begins after @last, and so does
			 * every node further right.
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
 * pw_tree_first() - find the first node, by start, that overlaps a range
 * @root: The tree.
 * @start: First byte.
 * @last: Last byte.
 *
 * Return: the node, or NULL.
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
 * pw_tree_next() - find the next node that overlaps a range
 * @node: A node of the tree, which need not overlap the range.
 * @start: First byte.
 * @last: Last byte.
 *
 * Return: the node, or NULL.
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

		/* Go up to the first ancestor with @node in the left subtree. */
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
 * pw_tree_before() - find the end of the last node that begins in or before a range
 * @root: The tree.
 * @last: Last byte of the range.
 * @next: Set to the smallest start above @last; unchanged if no node begins there.
 *
 * One descent. The nodes on the left of the path, and the nodes where the path turns
 * right, begin at or before @last. So the range [start, @last] overlaps a node iff the
 * result is >= start. Otherwise the hole around the range begins above the result and
 * ends below *@next.
 *
 * Return: the largest last of all nodes that begin at or before @last; 0 if no node
 * does.
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
