/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Overlaps: how many watches of one user overlap a page of one address space
 *
 * An invalidation of a page calls each watch that overlaps the page, and the task that
 * invalidates pays for the calls. That task may belong to another user, for example when
 * the page belongs to a file. So a user can have max_watches_per_page watches of a page.
 */
#ifndef _PW_OVERLAP_H
#define _PW_OVERLAP_H

#include <linux/rbtree.h>

struct mm_struct;
struct pw_overlap_set;
struct pw_user;

/* What the edges of a subtree do to the number of watches, from left to right */
struct pw_overlap_fold {
	int sum;
	int max;	/* largest sum of leading edges, at least 0 */
};

/**
 * struct pw_overlap_edge - an end of a range; under the lock of the set
 * @rb: In the tree of the set. Ordered by @addr, then by @delta.
 * @addr: From @addr on, there are @delta more watches.
 * @delta: 1 or -1.
 * @all: The edges of the subtree.
 */
struct pw_overlap_edge {
	struct rb_node rb;
	unsigned long addr;
	int delta;
	struct pw_overlap_fold all;
};

/**
 * struct pw_overlap - a charged range
 * @set: The ranges of the same user in the same address space. Holds a reference.
 * @first: The edge at the first byte.
 * @end: The edge at the first byte behind the range.
 */
struct pw_overlap {
	struct pw_overlap_set *set;
	struct pw_overlap_edge first;
	struct pw_overlap_edge end;
};

/**
 * pw_overlap_charge() - charge a user for a watch of a range
 * @overlap: Filled in.
 * @user: The user. Not freed before pw_overlap_uncharge().
 * @mm: The address space. Not freed before pw_overlap_uncharge().
 * @start: First byte, at a page boundary.
 * @length: Length in bytes, a multiple of PAGE_SIZE; not 0.
 *
 * Context: process context, may sleep.
 * Return: 0; -EDQUOT if max_watches_per_page watches of @user overlap a page of the range
 * already; -ENOMEM.
 */
int pw_overlap_charge(struct pw_overlap *overlap, struct pw_user *user, struct mm_struct *mm,
		      unsigned long start, unsigned long length);

/**
 * pw_overlap_uncharge() - undo pw_overlap_charge()
 * @overlap: From pw_overlap_charge().
 *
 * Context: process context. Does not sleep.
 */
void pw_overlap_uncharge(struct pw_overlap *overlap);

#endif /* _PW_OVERLAP_H */
