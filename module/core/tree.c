// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: insertion into and removal from the interval tree
 */
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include "tree.h"

#define NODE_LAST(node) ((node)->last)

RB_DECLARE_CALLBACKS_MAX(static, tree_augment, struct interval_tree_node, rb,
			 unsigned long, __subtree_last, NODE_LAST)

/* Nodes with equal start are in the order of insertion. */
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
