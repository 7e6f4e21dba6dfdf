/* SPDX-License-Identifier: MIT */
/*
 * pinwatch_cache: a registration cache on top of libpinwatch
 *
 * RDMA, MPI and GPU libraries keep such a cache, so that a buffer that is sent twice is
 * pinned, and registered with the network card, only once:
 *
 *	pinwatch_cache_create(&cache, dev, 64 << 20, 0);
 *	...
 *	pinwatch_cache_get(cache, buffer, length, PINWATCH_CACHE_READ, &region);
 *	transfer(region->data, buffer, length);
 *	pinwatch_cache_put(cache, region);
 *
 * Validity: a region from pinwatch_cache_get() is pinned, and holds the pages that were
 * mapped at buffer during the call. A stale region, whose mapping was changed since the
 * region was pinned (munmap and mmap at the same address, for example), is never
 * returned. The check is one load from shared memory. mprotect(), fork() and NUMA scans
 * move no page and make no region stale (PINWATCH_WATCH_F_PAGES): a region for writing may
 * be returned although its mapping has become read-only. If the kernel reports a change that
 * moved no page, the cache keeps the region and what the add function made of it.
 *
 * Reuse: a region serves every request inside its range. A region for writing also
 * serves requests for reading.
 *
 * Eviction: a region that was put stays pinned until it is found stale, or until the
 * cache needs room and the region is one of those that were used longest ago: the cache
 * passes once over each region that was hit since its last look. A region in use is never
 * dropped. If a region in use is stale, the cache no longer returns it, and
 * the last pinwatch_cache_put() unpins it.
 *
 * Limits: @limit of pinwatch_cache_create() bounds the bytes that stay pinned without a
 * user; regions in use may exceed it. RLIMIT_MEMLOCK is the hard limit. When the kernel
 * refuses a pin for a limit, the cache drops idle regions and tries again.
 *
 * Threads: several threads may call any function at the same time, except
 * pinwatch_cache_destroy(). While one thread pins a range, hits of other threads
 * proceed; a request for the range that is being pinned waits. Another thread than the
 * thread of the get may put a region. No function is a cancellation point. No function may
 * be called from a signal handler, nor by a child after fork().
 *
 * Cost: a repeated request of a thread takes no lock and writes no memory that another
 * thread writes. Each thread has a table of its requests, of at most 2 MiB, and 32 bytes for
 * each region, until the thread exits or the cache is destroyed.
 */
#ifndef PINWATCH_CACHE_H
#define PINWATCH_CACHE_H

#include <libpinwatch.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pinwatch_cache;

/* Flags of pinwatch_cache_create() */
#define PINWATCH_CACHE_F_WRITE	(1U << 0) /* pin for writing where permitted */

/* Intents of pinwatch_cache_get() */
#define PINWATCH_CACHE_READ	0U	/* the device reads the memory */
#define PINWATCH_CACHE_WRITE	1U	/* the device reads and writes */

/**
 * struct pinwatch_cache_region - a pinned range
 * @addr: First byte, aligned to a page.
 * @length: Bytes, whole pages.
 * @intent: PINWATCH_CACHE_*.
 * @index: Of no use to the caller.
 * @watch: For pinwatch_valid(): was the mapping changed since the region was pinned?
 * @data: Set by the add function of struct pinwatch_cache_ops.
 *
 * The cache owns the region, which stays until pinwatch_cache_put(). Later versions may
 * append members.
 */
struct pinwatch_cache_region {
	char *addr;
	size_t length;
	unsigned int intent;
	uint32_t index;
	struct pinwatch_watch watch;
	void *data;
};

/**
 * struct pinwatch_cache_ops - functions that the cache calls for its regions
 * @add: Called after a region was pinned and before pinwatch_cache_get() returns the
 *	region. May set @region->data. Returns 0 or a negative errno, which
 *	pinwatch_cache_get() then returns. May be NULL.
 * @remove: Called before a region is unpinned, if @add succeeded. May be NULL.
 *
 * Any thread that calls the cache may call these functions, without a lock. They must not
 * call the cache. Later versions may append members.
 */
struct pinwatch_cache_ops {
	int (*add)(void *arg, struct pinwatch_cache_region *region);
	void (*remove)(void *arg, struct pinwatch_cache_region *region);
};

/**
 * struct pinwatch_cache_stats - counters of a cache since its creation
 * @hits: Requests that an existing region served.
 * @misses: Requests that pinned a range, or failed to.
 * @stale: Regions that were dropped because their mapping was changed.
 * @evictions: Regions that were dropped to make room.
 * @retries: Pins that hit a limit and were tried again.
 * @nr_regions: Regions now.
 * @bytes: Bytes of all regions now, which are pinned.
 * @bytes_in_use: Bytes of the regions in use now.
 * @kept: How often a stale region was kept, because its pages had not moved.
 * @reserved: 0.
 *
 * Later versions may append members.
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
	uint64_t kept;
	uint64_t reserved[3];
};

/* What the inline functions of the same name call; @size: of the structure. */
int pinwatch_cache_set_ops_sized(struct pinwatch_cache *cache,
				 const struct pinwatch_cache_ops *ops, void *arg, size_t size);
void pinwatch_cache_get_stats_sized(struct pinwatch_cache *cache,
				    struct pinwatch_cache_stats *stats, size_t size);

/**
 * pinwatch_cache_create() - make an empty cache
 * @cache: Out. Unchanged on failure.
 * @dev: Handle for the watches of the cache; must outlive the cache. The caller still owns
 *	@dev, and may add other watches. The cookie of the cache's watches is the address
 *	of the region.
 * @limit: Bytes that may stay pinned while no region is in use.
 * @flags: PINWATCH_CACHE_F_*.
 *
 * The watches of the cache queue no events but PINWATCH_EVENT_RELEASE.
 *
 * Return: 0; -EINVAL (unknown flag); -ENOMEM.
 */
int pinwatch_cache_create(struct pinwatch_cache **cache, struct pinwatch *dev, uint64_t limit,
			  unsigned int flags);

/**
 * pinwatch_cache_set_ops() - set the functions that are called for each region
 * @cache: The cache.
 * @ops: Copied.
 * @arg: First argument of the functions.
 *
 * Return: 0; -EBUSY (the cache has regions already); -E2BIG (a function that the library does
 * not know is not NULL).
 */
static inline int pinwatch_cache_set_ops(struct pinwatch_cache *cache,
					 const struct pinwatch_cache_ops *ops, void *arg)
{
	return pinwatch_cache_set_ops_sized(cache, ops, arg, sizeof(*ops));
}

/**
 * pinwatch_cache_get() - get a valid region that covers a range
 * @cache: The cache.
 * @addr: First byte.
 * @length: Bytes, not 0.
 * @intent: PINWATCH_CACHE_*.
 * @region: Out. For pinwatch_cache_put(). Unchanged on failure.
 *
 * Return: 0; -EINVAL (@length 0, or unknown intent); -EOVERFLOW (the range wraps); an
 * error of the add function; and the errors of pinwatch_watch_add(), such as -EFAULT (not
 * mapped, or no permission). -ENOMEM, -ENOBUFS, -EDQUOT and -ENOSPC of
 * pinwatch_watch_add() are returned only if no idle region was left to drop, or if dropping
 * could not help. -EINTR and -EAGAIN of pinwatch_watch_add() are never returned: the pin is
 * tried again until the kernel decides.
 */
int pinwatch_cache_get(struct pinwatch_cache *cache, const void *addr, size_t length,
		       unsigned int intent, const struct pinwatch_cache_region **region);

/**
 * pinwatch_cache_put() - give a region back
 * @cache: The cache.
 * @region: From pinwatch_cache_get(); once for each get, by any thread.
 */
void pinwatch_cache_put(struct pinwatch_cache *cache, const struct pinwatch_cache_region *region);

/**
 * pinwatch_cache_reap() - drop all regions that are stale and not in use
 * @cache: The cache.
 *
 * Not needed in the long run: each miss checks some idle regions. A region stays if the kernel
 * does not know whether its pages have moved, because the range is being invalidated.
 *
 * Return: the number of dropped regions.
 */
size_t pinwatch_cache_reap(struct pinwatch_cache *cache);

/**
 * pinwatch_cache_flush() - drop all regions that overlap a range
 * @cache: The cache.
 * @addr: First byte.
 * @length: Bytes; SIZE_MAX: to the end of the address space.
 *
 * A region in use is not returned any more, and is dropped when it is put.
 *
 * Return: the number of regions that were dropped or will be.
 */
size_t pinwatch_cache_flush(struct pinwatch_cache *cache, const void *addr, size_t length);

/**
 * pinwatch_cache_get_stats() - read the counters
 * @cache: The cache. The call looks at each region.
 * @stats: Out. All members are set; those that the library does not know become 0.
 */
static inline void pinwatch_cache_get_stats(struct pinwatch_cache *cache,
					    struct pinwatch_cache_stats *stats)
{
	pinwatch_cache_get_stats_sized(cache, stats, sizeof(*stats));
}

/**
 * pinwatch_cache_destroy() - unpin all regions and free the cache
 * @cache: The cache; NULL: no effect. No other thread may be in a function of the cache.
 *
 * Return: 0; -EBUSY (a region is in use; nothing was done).
 */
int pinwatch_cache_destroy(struct pinwatch_cache *cache);

#ifdef __cplusplus
}
#endif

#endif /* PINWATCH_CACHE_H */
