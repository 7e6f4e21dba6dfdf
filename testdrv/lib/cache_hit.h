/* SPDX-License-Identifier: MIT */
/*
 * A hit without a lock; private to the library
 *
 * Each thread counts, for each entry, its gets less its puts. The users of an entry are the
 * sum of the counts of all threads and of entry->users. The count of one thread is negative
 * if the thread puts what another thread got.
 *
 * A hit must not return an entry that another thread unpins:
 *
 *	hit				dropping an entry, with the lock
 *	count++				entry->ready = false
 *	compiler barrier		membarrier()
 *	if (!entry->ready)		if (the sum of the counts == 0)
 *		count--, not a hit		drop the entry
 *
 * membarrier() is a full barrier in each thread. Either the sum includes the new count, or
 * the hit sees that the entry is not ready. After membarrier() no count of an entry that is
 * not ready increases, except for a hit that takes the increase back. So a sum of 0 is the
 * number of users, although the counts are not read at one instant.
 *
 * A put is count--, compiler barrier, load of entry->ready: if the entry is not ready, the
 * put takes the lock, and the last of these puts finds the sum 0 and drops the entry. The
 * same order makes a put see cache->over_limit.
 *
 * Stores of a count are releases and the loads for the sum are acquires, so that a user is
 * done with the entry before the entry is unpinned. Without membarrier(), the count is
 * changed by a sequentially consistent read-modify-write, and so are the other accesses.
 *
 * A hit must not return a stale region. The thread has a record of the entry: a copy of the
 * members of the region, and the value that pinwatch_hits() had before the thread saw that
 * the watch was valid. As long as pinwatch_hits() has this value, no watch of the handle has
 * been invalidated or deleted since. So the region is valid, and the entry still has the
 * region of the copy. The load of pinwatch_hits() comes after that of entry->ready: an entry
 * that is ready with another region was unpinned before.
 *
 * A hit loads three cache lines that depend on the address: the bucket of the page and the
 * record, which belong to the thread, and the flags of the entry. No branch depends on the
 * way of the bucket that has the page: a mispredicted branch would keep the CPU from loading
 * the lines of the next hit meanwhile.
 */
#ifndef PINWATCH_CACHE_HIT_H
#define PINWATCH_CACHE_HIT_H

#include "cache.h"

#define PW_CACHE_WAYS		8U
#define PW_CACHE_KEY_SHIFT	12	/* requests of one page share a slot */

/* A CPU compares four tags at once. */
typedef uint32_t pw_cache_ways __attribute__((vector_size(16)));
typedef uint64_t pw_cache_way_pairs __attribute__((vector_size(16)));

/**
 * struct pw_cache_bucket - entries of the last requests, by the hash of the page
 * @tags: High bits of the hash. The same for two pages rarely; never twice in a bucket, but
 *	0 in free slots.
 * @tag_vectors: The same tags, four in a vector.
 * @indexes: entry->index, which is not 0; 0: free.
 * @index_vectors: The same indexes, four in a vector.
 */
struct pw_cache_bucket {
	union {
		uint32_t tags[PW_CACHE_WAYS];
		pw_cache_ways tag_vectors[2];
	};
	union {
		uint32_t indexes[PW_CACHE_WAYS];
		pw_cache_ways index_vectors[2];
	};
} __attribute__((aligned(PW_CACHE_LINE)));

/**
 * struct pw_cache_record - what one thread knows of one entry
 * @start: Copy of region->addr.
 * @length: Copy of region->length.
 * @hits: pinwatch_hits() before the region was last seen to be valid.
 * @users: Gets less puts of the thread. Written by the thread, read with the lock.
 *	Unsigned: a thread that only gets may overflow its count, and the sum stays right.
 * @intent: Copy of region->intent.
 */
struct pw_cache_record {
	uintptr_t start;
	size_t length;
	uint64_t hits;
	uint32_t users;
	uint32_t intent;
};

/**
 * struct pw_cache_thread - what one thread keeps of one cache
 * @cache_id: Constant. Caches never share an id, so the thread finds its own structure.
 * @buckets: Belongs to the thread.
 * @records: Indexed by entry->index. Belongs to the thread, except for the users.
 * @nr_hits: Written by the thread.
 * @shift: 32 less the binary logarithm of the number of buckets.
 * @nr_records: Length of @records. Changed by the thread, with the lock.
 * @next_way: Slot to be replaced in a full bucket.
 * @cache: NULL: the cache is destroyed.
 * @next: In cache->threads, under the lock.
 * @next_own: List of the caches of the thread.
 */
struct pw_cache_thread {
	uint64_t cache_id;
	struct pw_cache_bucket *buckets;
	struct pw_cache_record *records;
	uint64_t nr_hits;
	unsigned int shift;
	uint32_t nr_records;
	unsigned int next_way;
	struct pinwatch_cache *cache;
	struct pw_cache_thread *next;
	struct pw_cache_thread *next_own;
} __attribute__((aligned(PW_CACHE_LINE)));

/*
 * Never NULL: of the last cache that this thread used. A load from a fixed offset, where a
 * shared library otherwise calls __tls_get_addr().
 */
extern __thread struct pw_cache_thread *pw_cache_last_thread
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* cache_thread.c */
/* Returns the structure of this thread, or NULL. */
struct pw_cache_thread *pw_cache_thread_find(const struct pinwatch_cache *cache);
/* Caller holds the lock. Returns NULL without memory. */
struct pw_cache_thread *pw_cache_thread_create(struct pinwatch_cache *cache);

/* cache_table.c. Returns false if the thread has no buckets. */
bool pw_cache_buckets_grow(struct pw_cache_thread *thread, uint64_t nr_regions);

/*
 * cache_hit.c: the parts of a hit that are rare. A hit calls them last and with its own
 * arguments, so that a hit saves no register.
 */
/* The last cache of this thread was another one. */
int pw_cache_get_switch(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
			unsigned int intent, const struct pinwatch_cache_region **region);
/* The caller is a user of the entry that its bucket has, but this may be no hit. */
int pw_cache_get_counted(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
			 unsigned int intent, const struct pinwatch_cache_region **region);
void pw_cache_put_slow(struct pinwatch_cache *cache, const struct pinwatch_cache_region *region);

/* cache.c: get and put with the lock. */
int pw_cache_get_locked(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
			unsigned int intent, const struct pinwatch_cache_region **region);
void pw_cache_put_locked(struct pinwatch_cache *cache, uint32_t index);

static inline uint32_t pw_cache_tag(uintptr_t addr)
{
	return (uint32_t)((uint64_t)(addr >> PW_CACHE_KEY_SHIFT) * 0x9e3779b97f4a7c15ULL >> 32);
}

/* The high bits of the tag choose the bucket, so that a larger table needs no address. */
static inline struct pw_cache_bucket *pw_cache_bucket(const struct pw_cache_thread *thread,
						      uint32_t tag)
{
	return &thread->buckets[tag >> thread->shift];
}

/* Returns the index of the entry, or 0. At most one way has the tag and an index. */
static inline uint32_t pw_cache_bucket_find(const struct pw_cache_bucket *bucket, uint32_t tag)
{
	const pw_cache_ways *tags = bucket->tag_vectors, *indexes = bucket->index_vectors;
	pw_cache_way_pairs found;
	uint64_t pair;

	found = (pw_cache_way_pairs)(((pw_cache_ways)(tags[0] == tag) & indexes[0]) |
				     ((pw_cache_ways)(tags[1] == tag) & indexes[1]));
	pair = found[0] | found[1];
	return (uint32_t)(pair | pair >> 32);
}

static inline void pw_cache_users_add(const struct pinwatch_cache *cache,
				      struct pw_cache_record *record, uint32_t n)
{
	uint32_t users;

	if (cache->no_membarrier) {
		__atomic_fetch_add(&record->users, n, __ATOMIC_SEQ_CST);
		return;
	}
	users = __atomic_load_n(&record->users, __ATOMIC_RELAXED);
	__atomic_store_n(&record->users, users + n, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline struct pw_cache_flags pw_cache_flags(const struct pinwatch_cache *cache,
						   uint32_t index)
{
	struct pw_cache_flags flags;

	__atomic_load(&cache->flags[index], &flags, __ATOMIC_SEQ_CST);
	return flags;
}

static inline uint64_t pw_cache_hits_word(const struct pinwatch_cache *cache)
{
#if __SIZEOF_POINTER__ >= 8
	return __atomic_load_n(&cache->hits_word->generation, __ATOMIC_ACQUIRE);
#else
	return __atomic_load_n(&cache->hits_word->generation32, __ATOMIC_ACQUIRE);
#endif
}

/* 32-bit machines cannot load the whole word, and 32 bits may come round to the old value. */
static inline bool pw_cache_record_current(const struct pinwatch_cache *cache,
					   const struct pw_cache_record *record)
{
	return sizeof(void *) >= sizeof(uint64_t) && record->hits == pw_cache_hits_word(cache);
}

static inline bool pw_cache_record_covers(const struct pw_cache_record *record, uintptr_t addr,
					  size_t length, unsigned int intent)
{
	/* The subtractions wrap for an @addr before the region and for a @length of 0. */
	uintptr_t offset = addr - record->start;

	return offset < record->length && length - 1 < record->length - offset &&
	       intent <= record->intent;
}

static inline void pw_cache_hit_count(struct pw_cache_thread *thread)
{
	__atomic_store_n(&thread->nr_hits, thread->nr_hits + 1, __ATOMIC_RELAXED);
}

static inline bool pw_cache_over_limit(const struct pinwatch_cache *cache)
{
	return __atomic_load_n(&cache->over_limit, __ATOMIC_SEQ_CST);
}

static inline int pw_cache_hit_get(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
				   unsigned int intent,
				   const struct pinwatch_cache_region **region)
{
	struct pw_cache_thread *thread = pw_cache_last_thread;
	uint32_t index, tag = pw_cache_tag(addr);
	struct pw_cache_record *record;
	struct pw_cache_flags flags;

	if (pw_cache_unlikely(thread->cache_id != cache->id))
		return pw_cache_get_switch(cache, addr, length, intent, region);
	index = pw_cache_bucket_find(pw_cache_bucket(thread, tag), tag);
	if (pw_cache_unlikely(!index))
		return pw_cache_get_locked(cache, addr, length, intent, region);
	record = &thread->records[index];
	pw_cache_users_add(cache, record, 1);
	flags = pw_cache_flags(cache, index);
	if (pw_cache_unlikely(!(flags.ready & flags.used) ||
			      !pw_cache_record_current(cache, record) ||
			      !pw_cache_record_covers(record, addr, length, intent)))
		return pw_cache_get_counted(cache, addr, length, intent, region);
	pw_cache_hit_count(thread);
	*region = &cache->regions[index];
	return 0;
}

static inline void pw_cache_hit_put(struct pinwatch_cache *cache,
				    const struct pinwatch_cache_region *region)
{
	struct pw_cache_thread *thread = pw_cache_last_thread;
	uint32_t index = (uint32_t)(region - cache->regions);
	struct pw_cache_record *record;

	if (pw_cache_unlikely(thread->cache_id != cache->id || index >= thread->nr_records))
		return pw_cache_put_slow(cache, region);
	record = &thread->records[index];
	if (pw_cache_unlikely(!pw_cache_record_current(cache, record)))
		return pw_cache_put_slow(cache, region);
	pw_cache_users_add(cache, record, -1U);
	if (pw_cache_unlikely(!pw_cache_flags(cache, index).ready ||
			      pw_cache_over_limit(cache)))
		pw_cache_release(cache, index);
}

#endif /* PINWATCH_CACHE_HIT_H */
