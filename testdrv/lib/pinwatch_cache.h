/* SPDX-License-Identifier: MIT */
/*
 * pinwatch_cache: a registration cache on top of libpinwatch
 *
 * What RDMA, MPI and GPU libraries keep so that a buffer that is sent twice is pinned
 * (and told to the network card) once:
 *
 *	pinwatch_cache_create(&cache, dev, 64 << 20, 0);
 *	...
 *	pinwatch_cache_get(cache, buffer, length, PINWATCH_CACHE_READ, &region);
 *	transfer(region->data, buffer, length);
 *	pinwatch_cache_put(cache, region);
 *
 * A region that get returns is pinned, and its pages are those that were mapped at
 * buffer when get looked: a region whose mapping was changed since it was pinned
 * (munmap and mmap at the same address, for example) is never returned. That costs
 * one load from shared memory, no system call.
 *
 * A region serves any request that lies inside it; one for writing serves one for
 * reading. What was put stays pinned, until it is found to be stale, or has to make
 * room: the one that was put longest ago first. What is in use is never dropped, only
 * taken out of the cache if it is stale, and unpinned when it is put.
 *
 * The limit is on what stays when nobody uses it. What is in use may exceed it; the
 * hard limit is RLIMIT_MEMLOCK. Where that (or a limit on watches) is hit, idle regions
 * are dropped and the request tried again.
 *
 * Threads. Every function but pinwatch_cache_destroy() may be called by several
 * threads at once. While one pins a range the others' hits go on; a request for what is
 * being pinned waits for it. No function may be called from a signal handler, nor by a
 * child after fork().
 */
#ifndef PINWATCH_CACHE_H
#define PINWATCH_CACHE_H

#include <libpinwatch.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pinwatch_cache;

/* Flags of pinwatch_cache_create() */
#define PINWATCH_CACHE_F_WRITE	(1U << 0) /* pin everything for writing: one region for both */

/* What a region is to be used for */
#define PINWATCH_CACHE_READ	0U	/* the device reads the memory */
#define PINWATCH_CACHE_WRITE	1U	/* it writes, too */

/**
 * struct pinwatch_cache_region - a range that is pinned
 * @addr: First byte: of a page.
 * @length: Bytes, whole pages.
 * @intent: PINWATCH_CACHE_*.
 * @watch: For pinwatch_valid(): has the mapping been changed since?
 * @data: Whatever the add function of struct pinwatch_cache_ops stored.
 *
 * The cache's; it stays until pinwatch_cache_put(). Later versions may append members.
 */
struct pinwatch_cache_region {
	char *addr;
	size_t length;
	unsigned int intent;
	struct pinwatch_watch watch;
	void *data;
};

/**
 * struct pinwatch_cache_ops - what else is to be done with a region
 * @add: It was pinned; before anybody gets it. May set @region->data. 0, or a negative
 *	errno, which pinwatch_cache_get() then returns.
 * @remove: It is about to be unpinned; for each one that was added. May be NULL.
 *
 * Called without a lock held, by whichever thread needs it, and must not call the cache.
 */
struct pinwatch_cache_ops {
	int (*add)(void *arg, struct pinwatch_cache_region *region);
	void (*remove)(void *arg, struct pinwatch_cache_region *region);
};

/**
 * struct pinwatch_cache_stats - what the cache did since it was created
 * @hits: Requests that were served by a region that was there.
 * @misses: Requests for which a range was pinned, or was to be.
 * @stale: Regions that were dropped because their mapping was changed.
 * @evictions: Regions that were dropped to make room.
 * @retries: Times that pinning hit a limit and was tried again.
 * @nr_regions: Regions now.
 * @bytes: Bytes of them, which are pinned.
 * @bytes_in_use: Bytes of those that somebody has.
 * @reserved: 0.
 */
struct pinwatch_cache_stats {
	uint64_t hits;
	uint64_t misses;
	uint64_t stale;
	uint64_t evictions;
	uint64_t retries;
	uint64_t nr_regions;
	uint64_t bytes;
	uint64_t bytes_in_use;
	uint64_t reserved[4];
};

/**
 * pinwatch_cache_create() - make an empty cache
 * @cache: Out. Untouched on failure.
 * @dev: Whose watches it uses; stays the caller's, who may have others on it, and
 *	outlives the cache. The cache's have the region's address for a cookie.
 * @limit: Bytes that may stay pinned while nobody uses them.
 * @flags: PINWATCH_CACHE_F_*.
 *
 * The cache's watches queue no events, but for PINWATCH_EVENT_RELEASE in the end.
 *
 * Return: 0; -EINVAL (unknown flag); -ENOMEM.
 */
int pinwatch_cache_create(struct pinwatch_cache **cache, struct pinwatch *dev, uint64_t limit,
			  unsigned int flags);

/**
 * pinwatch_cache_set_ops() - say what else is to be done with a region
 * @cache: The cache.
 * @ops: Copied.
 * @arg: Handed to them.
 *
 * Return: 0; -EBUSY (there are regions already).
 */
int pinwatch_cache_set_ops(struct pinwatch_cache *cache, const struct pinwatch_cache_ops *ops,
			   void *arg);

/**
 * pinwatch_cache_get() - a region that covers a range and is valid now
 * @cache: The cache.
 * @addr: First byte.
 * @length: Bytes, not 0.
 * @intent: PINWATCH_CACHE_*.
 * @region: Out. For pinwatch_cache_put(). Untouched on failure.
 *
 * Return: 0; -EINVAL (@length 0, unknown intent); -EOVERFLOW (the range wraps); -ENOMEM;
 * and as pinwatch_watch_add(), notably -EFAULT (not mapped so), and -ENOMEM, -EDQUOT
 * and -ENOSPC only when there was nothing left to drop.
 */
int pinwatch_cache_get(struct pinwatch_cache *cache, const void *addr, size_t length,
		       unsigned int intent, const struct pinwatch_cache_region **region);

/**
 * pinwatch_cache_put() - give a region back
 * @cache: The cache.
 * @region: From pinwatch_cache_get(), once for each get. Any thread may do it.
 */
void pinwatch_cache_put(struct pinwatch_cache *cache, const struct pinwatch_cache_region *region);

/**
 * pinwatch_cache_reap() - drop all regions that are stale and not in use
 * @cache: The cache.
 *
 * Each miss looks at some: in the long run this happens by itself.
 *
 * Return: how many were dropped.
 */
size_t pinwatch_cache_reap(struct pinwatch_cache *cache);

/**
 * pinwatch_cache_flush() - drop what touches a range
 * @cache: The cache.
 * @addr: First byte.
 * @length: Bytes; SIZE_MAX: to the end.
 *
 * What is in use is taken out of the cache, and dropped when it is put.
 *
 * Return: how many were dropped or taken out.
 */
size_t pinwatch_cache_flush(struct pinwatch_cache *cache, const void *addr, size_t length);

/**
 * pinwatch_cache_get_stats() - figures
 * @cache: The cache.
 * @stats: Out. All members are set.
 */
void pinwatch_cache_get_stats(struct pinwatch_cache *cache, struct pinwatch_cache_stats *stats);

/**
 * pinwatch_cache_destroy() - unpin everything, and end the cache
 * @cache: The cache, or NULL. No other thread may be in a function of it.
 *
 * Return: 0; -EBUSY (a region is in use, and nothing was done).
 */
int pinwatch_cache_destroy(struct pinwatch_cache *cache);

#ifdef __cplusplus
}
#endif

#endif /* PINWATCH_CACHE_H */
