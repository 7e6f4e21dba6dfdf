/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch core: the interval tree
 *
 * An augmented rbtree of struct interval_tree_node, ordered by start. Each node holds
 * the largest last of its subtree. Same as lib/interval_tree.c, plus pw_tree_search(): one
 * descent finds the first node that overlaps a range, or the hole around the range.
 * Inline, because each function has one caller in a hot path.
 */
#ifndef _PW_TREE_H
#define _PW_TREE_H

#include <linux/compiler.h>
#include <linux/interval_tree.h>
#include <linux/minmax.h>
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
 * pw_tree_step() - go to the next node that overlaps a range
 * @node: A node of the tree that begins in the range. Set to the next node.
 * @last: Last byte of the range.
 *
 * As pw_tree_next(), but faster: each following node that begins at or before @last overlaps
 * the range, because no following node begins before *@node.
 *
 * Return: true; false if no following node overlaps.
 */
static __always_inline bool pw_tree_step(struct interval_tree_node **node, unsigned long last)
{
	struct rb_node *rb = (*node)->rb.rb_right, *prev;

	if (rb) {
		while (rb->rb_left)
			rb = rb->rb_left;
	} else {
		/* Go up to the first ancestor with *@node in the left subtree. */
		rb = &(*node)->rb;
		do {
			prev = rb;
			rb = rb_parent(prev);
			OPTIMIZER_HIDE_VAR(rb);	/* gcc would test the color, too */
			if (!rb)
				return false;
		} while (prev == rb->rb_right);
	}
	*node = rb_entry(rb, struct interval_tree_node, rb);
	return (*node)->start <= last;
}

/* As pw_tree_next(). Fast if @node begins in the range. */
static __always_inline struct interval_tree_node *
pw_tree_following(struct interval_tree_node *node, unsigned long start, unsigned long last)
{
	if (unlikely(node->start < start))
		return pw_tree_next(node, start, last);
	return pw_tree_step(&node, last) ? node : NULL;
}

/**
 * pw_tree_search() - find the first node that overlaps a range, or the hole around the range
 * @root: The tree.
 * @start: First byte.
 * @last: Last byte.
 * @before: Raised to the largest last of all nodes that begin at or before @last, if no node
 *	overlaps.
 * @next: Set to the smallest start above @last, if no node overlaps and a node begins there.
 *
 * One descent. The nodes on the left of the path, and the nodes where the path turns right,
 * begin at or before @last. So the first of them that ends at or after @start is the first
 * overlap.
 *
 * Return: the node; NULL if no node overlaps. Then the hole around the range begins above
 * *@before and ends below *@next.
 */
static __always_inline struct interval_tree_node *
pw_tree_search(struct rb_root *root, unsigned long start, unsigned long last,
	       unsigned long *before, unsigned long *next)
{
	struct rb_node *rb = root->rb_node;

	if (!rb)
		return NULL;
	for (;;) {
		struct interval_tree_node *left, *node;
		unsigned long end;

		node = rb_entry(rb, struct interval_tree_node, rb);
		rb = node->rb.rb_left;
		if (node->start > last) {
			*next = node->start;
			if (!rb)
				return NULL;
			continue;
		}
		left = pw_tree_node(rb);
		end = node->last;
		if (left)
			end = max(end, left->__subtree_last);
		if (unlikely(end >= start))
			return left && left->__subtree_last >= start ?
			       pw_subtree_first(left, start, last) : node;
		*before = max(*before, end);
		rb = node->rb.rb_right;
		if (!rb)
			return NULL;
	}
}

#endif /* _PW_TREE_H */
