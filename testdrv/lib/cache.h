/* SPDX-License-Identifier: MIT */
/*
 * Internals of pinwatch_cache; private to the library.
 *
 *	cache.c		the functions of pinwatch_cache.h
 *	cache_pin.c	pin the range of an entry: limits and retries
 *	cache_keep.c	lifetime of entries: users, LRU list, stale entries, eviction
 *	cache_tree.c	interval tree: which entry covers a range
 *
 * States of an entry, which is a region and its bookkeeping:
 *
 *	pending		in the tree, one user: the thread that pins the range; or a thread
 *			asks the kernel whether the pages of a stale entry have moved
 *	in use		in the tree, users > 0
 *	idle		in the tree, no user, in the LRU list
 *	taken out	not in the tree, users > 0; the last put drops the entry
 *	dropped		in cache->dropped only; the next unlock unpins and frees the entry
 */
#ifndef PINWATCH_CACHE_PRIVATE_H
#define PINWATCH_CACHE_PRIVATE_H

#include <pthread.h>

#include "pinwatch_cache.h"

/* The lock protects all members. While pending, @region belongs to one thread. */
struct pw_cache_entry {
	struct pinwatch_cache_region region;	/* first: callers have the address */
	uintptr_t start, end;			/* constant */
	unsigned int users;
	bool pending;				/* see above: others wait */
	bool in_tree;
	bool added;				/* ops.add succeeded */
	bool kept;				/* answer of the kernel, while pending */
	/* Tree: children, highest ends in the subtree, random heap priority */
	struct pw_cache_entry *left, *right;
	uintptr_t max_end, max_ready_end;	/* of all; of those that are not pending */
	uint32_t priority;
	/* LRU list, while idle */
	struct pw_cache_entry *older, *newer;
	/* Singly linked list: result of a collect, or cache->dropped */
	struct pw_cache_entry *chain;
	/* Singly linked list, while pending: the entries that a thread asks about */
	struct pw_cache_entry *asked;
};

struct pinwatch_cache {
	/* Constant; ops and ops_arg from the first get on */
	struct pinwatch *dev;
	uint64_t limit;
	uintptr_t page_size;
	unsigned int flags;
	struct pinwatch_cache_ops ops;
	void *ops_arg;

	pthread_mutex_t lock;
	pthread_cond_t pinned;			/* an entry is no longer pending, or is unpinned */
	/* The lock protects the following members. */
	struct pw_cache_entry *trees[2];	/* PINWATCH_CACHE_READ and _WRITE */
	struct pw_cache_entry *oldest, *newest;
	struct pw_cache_entry *sweep;		/* next idle entry to check, or NULL */
	struct pw_cache_entry *dropped;
	uint64_t bytes_pinning;			/* part of stats.bytes: not pinned yet */
	uint64_t nr_leaving;			/* dropped and not unpinned yet, or being swept */
	uint64_t nr_left;			/* how often nr_leaving has decreased */
	uint64_t nr_in_use;
	uint32_t random;
	struct pinwatch_cache_stats stats;
};

/* cache_tree.c. Caller holds the lock. @root is one of trees[]. */
void pw_cache_tree_insert(struct pw_cache_entry **root, struct pw_cache_entry *entry);
void pw_cache_tree_remove(struct pw_cache_entry **root, struct pw_cache_entry *entry);
/* @entry->pending has changed. */
void pw_cache_tree_update(struct pw_cache_entry *root, const struct pw_cache_entry *entry);
/* Returns an entry covering [start, end), or NULL. Pending entries count only with @any. */
struct pw_cache_entry *pw_cache_tree_cover(struct pw_cache_entry *root, uintptr_t start,
					   uintptr_t end, bool any);
/*
 * Prepend to @list the entries that overlap [start, end), or with @inside only the
 * entries that lie inside [start, end). Returns the new list, linked by entry->chain.
 */
struct pw_cache_entry *pw_cache_tree_collect(struct pw_cache_entry *root, uintptr_t start,
					     uintptr_t end, bool inside,
					     struct pw_cache_entry *list);

/* cache_pin.c. Called without the lock. */
/* Pin @entry and call ops.add. Drops idle entries if a limit refuses the pin. */
int pw_cache_pin(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Returns true, and makes the watch of @entry valid again, if no page has moved. */
bool pw_cache_ask(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
void pw_cache_unpin(struct pinwatch_cache *cache, struct pw_cache_entry *entry);

/* cache_keep.c. Caller holds the lock, except for pw_cache_lock(). */
void pw_cache_lock(struct pinwatch_cache *cache);
void pw_cache_set_pending(struct pinwatch_cache *cache, struct pw_cache_entry *entry,
			  bool pending);
/* Unlocks, and then unpins and frees the dropped entries. */
void pw_cache_unlock(struct pinwatch_cache *cache);
/* Account the first user of an idle or new entry. */
void pw_cache_use(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Account the departure of the last user. */
void pw_cache_unuse(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Remove from the tree. Drops the entry now, or when the last user leaves. */
void pw_cache_take_out(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Returns true if the entry was stale, and takes the entry out then. */
bool pw_cache_take_out_stale(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/*
 * Keep a stale entry whose pages have not moved, or take the entry out. The caller is a
 * user of @entry, which is not pending. Drops the lock meanwhile.
 */
void pw_cache_keep(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Check the next @nr idle entries. Returns the number of dropped entries. May drop the lock. */
size_t pw_cache_sweep(struct pinwatch_cache *cache, size_t nr);
/* Drop idle entries, oldest first, until @bytes are pinned. Returns true if any was dropped. */
bool pw_cache_evict(struct pinwatch_cache *cache, uint64_t bytes);

#endif /* PINWATCH_CACHE_PRIVATE_H */
