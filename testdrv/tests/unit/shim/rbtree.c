// SPDX-License-Identifier: GPL-2.0-only
/* An augmented treap behind the kernel's rbtree interface. */
#include <linux/rbtree_augmented.h>
#include "shim.h"

/* The child of @node on one side goes up, @node down to the other side. */
static void rotate_up(struct rb_node *child, struct rb_root *root,
		      const struct rb_augment_callbacks *augment)
{
	struct rb_node *node = child->parent, *grand = node->parent, *moved;

	if (node->rb_left == child) {
		moved = child->rb_right;
		node->rb_left = moved;
		child->rb_right = node;
	} else {
		moved = child->rb_left;
		node->rb_right = moved;
		child->rb_left = node;
	}
	if (moved)
		moved->parent = node;
	node->parent = child;
	child->parent = grand;
	if (!grand)
		root->rb_node = child;
	else if (grand->rb_left == node)
		grand->rb_left = child;
	else
		grand->rb_right = child;
	augment->rotate(node, child);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment)
{
	node->prio = shim_tree_prio();
	while (node->parent && node->parent->prio < node->prio)
		rotate_up(node, root, augment);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent;

	while (node->rb_left || node->rb_right) {
		struct rb_node *left = node->rb_left, *right = node->rb_right;

		if (!left || (right && right->prio > left->prio))
			rotate_up(right, root, augment);
		else
			rotate_up(left, root, augment);
	}
	parent = node->parent;
	if (!parent)
		root->rb_node = NULL;
	else if (parent->rb_left == node)
		parent->rb_left = NULL;
	else
		parent->rb_right = NULL;
	augment->propagate(parent, NULL);
	/* A use after this is a fault. */
	node->parent = (struct rb_node *)0x100;
	node->rb_left = (struct rb_node *)0x110;
	node->rb_right = (struct rb_node *)0x122;
}

static void no_propagate(struct rb_node *node, struct rb_node *stop)
{
}

static void no_rotate(struct rb_node *old, struct rb_node *new)
{
}

static const struct rb_augment_callbacks no_augment = {
	.propagate = no_propagate, .rotate = no_rotate,
};

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	rb_insert_augmented(node, root, &no_augment);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	rb_erase_augmented(node, root, &no_augment);
}
