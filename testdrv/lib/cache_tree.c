// SPDX-License-Identifier: MIT
/*
 * Interval tree: which entry covers a range
 *
 * A treap, ordered by start. Each node has the highest end in its subtree: of all entries,
 * and of the entries that are not pending. Random priorities make the expected depth
 * logarithmic for every order of insertion.
 */
#include "cache.h"

/* A total order: entries with equal starts are ordered by address. */
static bool before(const struct pw_cache_entry *a, const struct pw_cache_entry *b)
{
	if (a->start != b->start)
		return a->start < b->start;
	return (uintptr_t)a < (uintptr_t)b;
}

/* The end of @node; 0, which covers no range, if @node is pending and @any is false. */
static uintptr_t node_end(const struct pw_cache_entry *node, bool any)
{
	return any || !node->pending ? node->end : 0;
}

/* The highest node_end() in the subtree of @node. */
static uintptr_t subtree_end(const struct pw_cache_entry *node, bool any)
{
	if (!node)
		return 0;
	return any ? node->max_end : node->max_ready_end;
}

static uintptr_t max3(uintptr_t a, uintptr_t b, uintptr_t c)
{
	if (a < b)
		a = b;
	return a < c ? c : a;
}

static void node_update(struct pw_cache_entry *node)
{
	node->max_end = max3(node_end(node, true), subtree_end(node->left, true),
			     subtree_end(node->right, true));
	node->max_ready_end = max3(node_end(node, false), subtree_end(node->left, false),
				   subtree_end(node->right, false));
}

/* Every node in @left is before every node in @right. */
static struct pw_cache_entry *join(struct pw_cache_entry *left, struct pw_cache_entry *right)
{
	if (!left || !right)
		return left ? left : right;
	if (left->priority > right->priority) {
		left->right = join(left->right, right);
		node_update(left);
		return left;
	}
	right->left = join(left, right->left);
	node_update(right);
	return right;
}

/* Move nodes before @entry to *left, all others to *right. */
static void split(struct pw_cache_entry *node, const struct pw_cache_entry *entry,
		  struct pw_cache_entry **left, struct pw_cache_entry **right)
{
	if (!node) {
		*left = NULL;
		*right = NULL;
		return;
	}
	if (before(node, entry)) {
		split(node->right, entry, &node->right, right);
		*left = node;
	} else {
		split(node->left, entry, left, &node->left);
		*right = node;
	}
	node_update(node);
}

void pw_cache_tree_insert(struct pw_cache_entry **root, struct pw_cache_entry *entry)
{
	struct pw_cache_entry *node = *root;

	if (!node || node->priority <= entry->priority) {
		split(node, entry, &entry->left, &entry->right);
		*root = entry;
	} else {
		pw_cache_tree_insert(before(node, entry) ? &node->right : &node->left, entry);
	}
	node_update(*root);
}

void pw_cache_tree_remove(struct pw_cache_entry **root, struct pw_cache_entry *entry)
{
	struct pw_cache_entry *node = *root;

	if (node == entry) {
		*root = join(entry->left, entry->right);
		return;
	}
	pw_cache_tree_remove(before(node, entry) ? &node->right : &node->left, entry);
	node_update(node);
}

void pw_cache_tree_update(struct pw_cache_entry *node, const struct pw_cache_entry *entry)
{
	if (node != entry)
		pw_cache_tree_update(before(node, entry) ? node->right : node->left, entry);
	node_update(node);
}

/* Returns the first node in order whose end is at least @end. The subtree has such a node. */
static struct pw_cache_entry *first_to_end(struct pw_cache_entry *node, uintptr_t end, bool any)
{
	while (subtree_end(node->left, any) >= end || node_end(node, any) < end)
		node = subtree_end(node->left, any) >= end ? node->left : node->right;
	return node;
}

struct pw_cache_entry *pw_cache_tree_cover(struct pw_cache_entry *node, uintptr_t start,
					   uintptr_t end, bool any)
{
	while (node) {
		if (node->start > start) {
			node = node->left;
			continue;
		}
		/* Every node in the left subtree starts at or before @start, too. */
		if (subtree_end(node->left, any) >= end)
			return first_to_end(node->left, end, any);
		if (node_end(node, any) >= end)
			return node;
		node = node->right;
	}
	return NULL;
}

struct pw_cache_entry *pw_cache_tree_collect(struct pw_cache_entry *node, uintptr_t start,
					     uintptr_t end, bool inside,
					     struct pw_cache_entry *list)
{
	if (!node || node->max_end <= start)
		return list;
	list = pw_cache_tree_collect(node->left, start, end, inside, list);
	if (node->start >= end)
		return list;
	if (inside ? node->start >= start && node->end <= end : node->end > start) {
		node->chain = list;
		list = node;
	}
	return pw_cache_tree_collect(node->right, start, end, inside, list);
}
