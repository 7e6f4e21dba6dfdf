/* SPDX-License-Identifier: MIT */
/*
 * The inside of pinwatch_cache; private to the library.
 *
 *	cache.c		what a user calls
 *	cache_keep.c	what stays and what goes: LRU, stale ones, the limit
 *	cache_tree.c	which region covers a range
 *
 * A region's life, in terms of an entry's members:
 *
 *	pending		in the tree, one user: the thread that pins it
 *	in use		in the tree, users > 0
 *	idle		in the tree, no user, in the LRU list
 *	taken out	not in the tree, users > 0; the last put drops it
 *	dropped		in cache->dropped only; the next unlock unpins and frees it
 */
#ifndef PINWATCH_CACHE_PRIVATE_H
#define PINWATCH_CACHE_PRIVATE_H

#include <pthread.h>

#include "pinwatch_cache.h"

/* All but @region.data is protected by the cache's lock; see pending for @region. */
struct pw_cache_entry {
	struct pinwatch_cache_region region;	/* first: users have its address */
	uintptr_t start, end;			/* constant */
	unsigned int users;
	bool pending;				/* @region is its owner's alone */
	bool in_tree;
	bool added;				/* ops.add succeeded */
	/* The tree: children, the highest end below, a random priority */
	struct pw_cache_entry *left, *right;
	uintptr_t max_end;
	uint32_t priority;
	/* The LRU list, while idle */
	struct pw_cache_entry *older, *newer;
	/* In one list or another on the way out */
	struct pw_cache_entry *chain;
};

struct pinwatch_cache {
	/* Constant, but for ops and ops_arg, which are so from the first get on */
	struct pinwatch *dev;
	uint64_t limit;
	uintptr_t page_size;
	unsigned int flags;
	struct pinwatch_cache_ops ops;
	void *ops_arg;

	pthread_mutex_t lock;
	pthread_cond_t pinned;			/* a pending one is not so any more */
	/* All that follows is protected by the lock. */
	struct pw_cache_entry *trees[2];	/* PINWATCH_CACHE_READ and _WRITE */
	struct pw_cache_entry *oldest, *newest;
	struct pw_cache_entry *sweep;		/* the idle one to be looked at next, or NULL */
	struct pw_cache_entry *dropped;
	uint64_t nr_in_use;
	uint32_t random;
	struct pinwatch_cache_stats stats;
};

/* cache_tree.c: @root is one of trees[]. */
void pw_cache_tree_insert(struct pw_cache_entry **root, struct pw_cache_entry *entry);
void pw_cache_tree_remove(struct pw_cache_entry **root, struct pw_cache_entry *entry);
/* One that covers [start, end), or NULL. */
struct pw_cache_entry *pw_cache_tree_cover(struct pw_cache_entry *root, uintptr_t start,
					   uintptr_t end);
/*
 * Those that overlap [start, end), or lie inside it altogether, put by their chain in
 * front of @list, which is returned.
 */
struct pw_cache_entry *pw_cache_tree_collect(struct pw_cache_entry *root, uintptr_t start,
					     uintptr_t end, bool inside,
					     struct pw_cache_entry *list);

/* cache_keep.c: under the lock, but for unlock, which ends with it. */
void pw_cache_lock(struct pinwatch_cache *cache);
/* Unlocks, and then unpins and frees what was dropped. */
void pw_cache_unlock(struct pinwatch_cache *cache);
/* A first user of what is idle or new. */
void pw_cache_use(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* The last user is gone. */
void pw_cache_unuse(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Nobody finds it any more; it is dropped as soon as it has no user. */
void pw_cache_take_out(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* The same, if it is stale. */
bool pw_cache_take_out_stale(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Look at the next @nr idle ones. Returns how many were stale. */
size_t pw_cache_sweep(struct pinwatch_cache *cache, size_t nr);
/* Drop the oldest idle ones until no more than @bytes are left or none is idle. */
bool pw_cache_evict(struct pinwatch_cache *cache, uint64_t bytes);

#endif /* PINWATCH_CACHE_PRIVATE_H */
