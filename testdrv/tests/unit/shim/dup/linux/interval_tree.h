/* SPDX-License-Identifier: GPL-2.0-only */
/* dup: the node only; the tree is module/core/tree.c */
#ifndef _SHIM_INTERVAL_TREE_H
#define _SHIM_INTERVAL_TREE_H
#include <linux/rbtree.h>

struct interval_tree_node {
	struct rb_node rb;
	unsigned long start;
	unsigned long last;
	unsigned long __subtree_last;
};
#endif
