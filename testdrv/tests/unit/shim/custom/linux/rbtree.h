/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: the kernel's interface over a treap (shim/rbtree.c): balanced by a
 * random priority, so that one seed gives one shape.
 */
#ifndef _SHIM_RBTREE_H
#define _SHIM_RBTREE_H
#include <linux/compiler.h>

struct rb_node {
	struct rb_node *parent;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
	u32 prio;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT			((struct rb_root) { NULL })
#define RB_EMPTY_ROOT(root)	(!(root)->rb_node)
void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);
#define rb_parent(rb)		((rb)->parent)
#define rb_entry(ptr, type, member) container_of(ptr, type, member)

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	node->parent = parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	*link = node;
}
#endif
