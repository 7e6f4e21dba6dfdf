/* SPDX-License-Identifier: GPL-2.0-only */
/* dup: the node only */
#ifndef _SHIM_LLIST_H
#define _SHIM_LLIST_H
#include <linux/compiler.h>

struct llist_node {
	struct llist_node *next;
};

#define llist_entry(ptr, type, member)	container_of(ptr, type, member)
#endif
