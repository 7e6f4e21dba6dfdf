/* SPDX-License-Identifier: MIT */
/*
 * Internals of pinwatch_cache; private to the library.
 *
 *	cache.c		the functions of pinwatch_cache.h
 *	cache_pin.c	pin the range of an entry: limits and retries
 *	cache_keep.c	lifetime of entries: LRU list, stale entries, eviction
 *	cache_thread.c	a hit without the lock: users, by thread
 *	cache_pool.c	memory of entries
 *	membarrier.c	the system call
 *	cache_tree.c	interval tree: which entry covers a range
 *
 * States of an entry, which is a region and its bookkeeping:
 *
 *	pending		in the tree, one user: the thread that pins the range; or a thread
 *			asks the kernel whether the pages of a stale entry have moved
 *	in use		in the tree, users > 0
 *	idle		in the tree, no user
 *	taken out	not in the tree; dropped by the next unlock, or by the last put
 *	dropped		in cache->dropped only; the next unlock unpins and frees the entry
 *
 * The users of an entry are counted by each thread; pw_cache_users() returns the sum. An
 * entry is ready if it is in the tree and not pending. A hit needs no lock for a ready entry.
 * An entry is dropped only after it was not ready, then pw_cache_barrier(), and then
 * pw_cache_users() was 0: see cache_thread.c.
 */
#ifndef PINWATCH_CACHE_PRIVATE_H
#define PINWATCH_CACHE_PRIVATE_H

#include <pthread.h>

#include "pinwatch_cache.h"

#define PW_CACHE_LINE	64

/*
 * The lock protects all members. While pending, *@region belongs to one thread. A user may
 * read *@region without the lock.
 */
struct pw_cache_entry {
	struct pinwatch_cache_region *region;	/* constant */
	uintptr_t start, end;			/* constant while live */
	uint32_t index;				/* constant; in the pool */
	uint32_t users;				/* less the counts of the threads */
	bool ready;				/* copy of the chunk's; implies pinned */
	bool live;				/* created, and not dropped */
	bool taken;				/* in cache->taken or cache->undropped */
	bool pending;				/* see above: others wait */
	bool in_tree;
	bool added;				/* ops.add succeeded */
	bool kept;				/* answer of the kernel, while pending */
	/* Tree: children, highest ends in the subtree, random heap priority */
	struct pw_cache_entry *left, *right;
	uintptr_t max_end, max_ready_end;	/* of all; of those that are not pending */
	uint32_t priority;
	/* LRU list, while in the tree */
	struct pw_cache_entry *older, *newer;
	/* Singly linked list: result of a collect, candidates of an eviction, dropped, free */
	struct pw_cache_entry *chain;
	/* Singly linked list: cache->taken or cache->undropped */
	struct pw_cache_entry *next_taken;
	/* Singly linked list, while pending: the entries that a thread asks about */
	struct pw_cache_entry *asked;
};

/*
 * Entries that are allocated together. What a hit reads is apart from the rest, so that
 * many regions fit into the caches of a CPU.
 */
#define PW_CACHE_CHUNK	256U

struct pw_cache_chunk {
	struct pinwatch_cache_region regions[PW_CACHE_CHUNK];
	bool ready[PW_CACHE_CHUNK];		/* atomic */
	bool used[PW_CACHE_CHUNK];		/* atomic: hit since an eviction looked */
	struct pw_cache_entry entries[PW_CACHE_CHUNK];
} __attribute__((aligned(PW_CACHE_LINE)));

struct pw_cache_thread;

struct pinwatch_cache {
	/* Read by each hit. Constant, but for the atomic over_limit. */
	uint64_t id;
	bool no_membarrier;
	bool over_limit;			/* a put must evict */
	struct pw_cache_chunk **chunks;		/* nr_chunks; all entries, by index */
	uint32_t nr_chunks;
	/* Constant; ops and ops_arg from the first get on */
	struct pinwatch *dev;
	uint64_t limit;
	uintptr_t page_size;
	unsigned int flags;
	struct pinwatch_cache_ops ops;
	void *ops_arg;

	pthread_mutex_t lock __attribute__((aligned(PW_CACHE_LINE)));
	pthread_cond_t pinned;			/* an entry is no longer pending, or is unpinned */
	/* The lock protects the following members. */
	struct pw_cache_entry *trees[2];	/* PINWATCH_CACHE_READ and _WRITE */
	struct pw_cache_entry *oldest, *newest;
	struct pw_cache_entry *sweep;		/* next entry to check, or NULL */
	struct pw_cache_entry *taken;		/* taken out since the last unlock */
	struct pw_cache_entry *undropped;	/* taken out, and then membarrier() failed */
	struct pw_cache_entry *dropped;
	struct pw_cache_entry *free;
	uint32_t nr_entries;
	struct pw_cache_thread *threads;
	uint64_t bytes_pinning;			/* part of stats.bytes: not pinned yet */
	uint64_t nr_leaving;			/* dropped and not unpinned yet, or being swept */
	uint64_t nr_left;			/* how often pinned entries have left */
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

/* membarrier.c. Returns 0 or -errno. */
int pw_membarrier(int cmd);

/* cache_pool.c. */
/* Zeroed, aligned and padded to PW_CACHE_LINE. */
void *pw_cache_zalloc(size_t size);
bool pw_cache_pool_init(struct pinwatch_cache *cache, struct pinwatch *dev);
/* cache_pool.c. Caller holds the lock. */
struct pw_cache_entry *pw_cache_alloc(struct pinwatch_cache *cache);
void pw_cache_free(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
struct pw_cache_entry *pw_cache_entry(struct pinwatch_cache *cache, uint32_t index);
void pw_cache_pool_exit(struct pinwatch_cache *cache);

/* cache_thread.c. Called without the lock. */
void pw_cache_threads_init(struct pinwatch_cache *cache);
/* Move the counts of all threads to the entries. No thread uses the cache. */
void pw_cache_threads_exit(struct pinwatch_cache *cache);
/* Returns a valid region with the caller as a user; or false: try with the lock. */
bool pw_cache_thread_get(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
			 unsigned int intent, const struct pinwatch_cache_region **region);
/* Returns false if nothing was done: put with the lock. */
bool pw_cache_thread_put(struct pinwatch_cache *cache,
			 const struct pinwatch_cache_region *region);
/* cache_thread.c. Caller holds the lock. */
/* The next pw_cache_thread_get() of @addr by this thread may find @entry. */
void pw_cache_thread_note(struct pinwatch_cache *cache, uintptr_t addr,
			  struct pw_cache_entry *entry);
void pw_cache_set_ready(struct pinwatch_cache *cache, struct pw_cache_entry *entry, bool ready);
/* Returns the old value. */
bool pw_cache_set_used(struct pinwatch_cache *cache, const struct pw_cache_entry *entry,
		       bool used);
/*
 * Afterwards each hit of an entry that was made not ready is counted or fails. Returns false
 * if that cannot be had now: then no entry may be dropped.
 */
bool pw_cache_barrier(struct pinwatch_cache *cache);
/* Exact if the entry was not ready at a barrier; otherwise a hint. */
uint32_t pw_cache_users(const struct pinwatch_cache *cache, const struct pw_cache_entry *entry);
uint64_t pw_cache_hits(const struct pinwatch_cache *cache);

/* cache_keep.c. Caller holds the lock, except for the next two functions. */
void pw_cache_lock(struct pinwatch_cache *cache);
/* The caller was a user of the entry @index, which may be dropped or stale by now. */
void pw_cache_release(struct pinwatch_cache *cache, uint32_t index);
void pw_cache_set_pending(struct pinwatch_cache *cache, struct pw_cache_entry *entry,
			  bool pending);
/* Drops the entries that were taken out, unlocks, and unpins the dropped entries. */
void pw_cache_unlock(struct pinwatch_cache *cache);
/* Insert a new entry into the tree and the LRU list. */
void pw_cache_insert(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
/* Take out of the tree, if not done, and drop at the next unlock, or at the last put. */
void pw_cache_take_out(struct pinwatch_cache *cache, struct pw_cache_entry *entry);
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
