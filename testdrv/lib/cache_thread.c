// SPDX-License-Identifier: MIT
/*
 * A hit without a lock: what each thread keeps of a cache
 *
 * Each thread has a table of the entries that it requested lately, and for each entry a
 * count of its gets less its puts. The users of an entry are the sum of the counts of all
 * threads and of entry->users. The count of one thread is negative if the thread puts
 * what another thread got.
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
 */
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define NR_WAYS		8U
#define MIN_BITS	6U		/* of the number of buckets */
#define MAX_BITS	15U
#define MIN_COUNTS	256U

struct slot {
	uint32_t tag;			/* of the address; may be the same for two addresses */
	uint32_t number;		/* index of the entry, plus 1; 0: free */
};

struct bucket {
	struct slot slots[NR_WAYS];
};

/**
 * struct pw_cache_thread - what one thread keeps of one cache
 * @cache_id: Constant. Caches never share an id, so the thread finds its own structure.
 * @buckets: Belongs to the thread: hash of an address to the entry of the last request.
 * @bits: Binary logarithm of the number of buckets.
 * @next_way: Slot to be replaced in a full bucket.
 * @nr_counts: Length of @counts. Changed by the thread, with the lock.
 * @counts: Indexed by entry->index. Written by the thread, read with the lock. Unsigned: a
 *	thread that only gets may overflow its count, and the sum stays right.
 * @hits: Written by the thread.
 * @cache: NULL: the cache is destroyed.
 * @next: In cache->threads, under the lock.
 * @next_own: List of the caches of the thread.
 */
struct pw_cache_thread {
	uint64_t cache_id;
	struct bucket *buckets;
	unsigned int bits;
	unsigned int next_way;
	uint32_t nr_counts;
	uint32_t *counts;
	uint64_t hits;
	struct pinwatch_cache *cache;
	struct pw_cache_thread *next;
	struct pw_cache_thread *next_own;
} __attribute__((aligned(PW_CACHE_LINE)));

/* Of this thread: the last cache, and the list of all caches. A load from a fixed offset. */
#define INITIAL_EXEC	__attribute__((tls_model("initial-exec")))

static __thread uint64_t last_id INITIAL_EXEC;
static __thread struct pw_cache_thread *last_thread INITIAL_EXEC;
static __thread struct pw_cache_thread *own_threads INITIAL_EXEC;

/* Thread exit excludes pinwatch_cache_destroy(). Before the lock of a cache. */
static pthread_mutex_t exit_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_created;
static uint64_t last_cache_id;

static struct pw_cache_thread *thread_find(const struct pinwatch_cache *cache)
{
	struct pw_cache_thread *thread;

	if (last_id == cache->id)
		return last_thread;
	for (thread = own_threads; thread; thread = thread->next_own) {
		if (thread->cache_id != cache->id)
			continue;
		last_id = cache->id;
		last_thread = thread;
		break;
	}
	return thread;
}

static void count_add(const struct pinwatch_cache *cache, uint32_t *count, uint32_t n)
{
	if (cache->no_membarrier) {
		__atomic_fetch_add(count, n, __ATOMIC_SEQ_CST);
		return;
	}
	__atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + n, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Where a hit looks for an entry */
struct place {
	struct pw_cache_chunk *chunk;
	uint32_t i;
};

static struct place place_of(const struct pinwatch_cache *cache, uint32_t index)
{
	return (struct place){ cache->chunks[index / PW_CACHE_CHUNK], index % PW_CACHE_CHUNK };
}

static bool place_ready(struct place place)
{
	return __atomic_load_n(&place.chunk->ready[place.i], __ATOMIC_SEQ_CST);
}

/* The caller is a user of the region, if it is ready. Only then may the members be read. */
static bool place_serves(struct place place, uintptr_t addr, size_t length,
			 unsigned int intent)
{
	const struct pinwatch_cache_region *region = &place.chunk->regions[place.i];
	uintptr_t offset;

	if (!place_ready(place))
		return false;
	/* The subtractions wrap for an @addr before the region and for a @length of 0. */
	offset = addr - (uintptr_t)region->addr;
	return offset < region->length && length - 1 < region->length - offset &&
	       intent <= region->intent && pinwatch_valid(&region->watch);
}

static uint64_t addr_hash(uintptr_t addr)
{
	return (uint64_t)addr * 0x9e3779b97f4a7c15ULL;
}

/* The high bits of the hash choose the bucket, and the next 32 bits are the tag. */
static uint32_t addr_tag(uintptr_t addr)
{
	return (uint32_t)(addr_hash(addr) >> (32 - MAX_BITS));
}

static struct bucket *bucket_of(const struct pw_cache_thread *thread, uintptr_t addr)
{
	return &thread->buckets[addr_hash(addr) >> (64 - thread->bits)];
}

/* Returns the number of the entry, or 0. */
static uint32_t slot_find(const struct pw_cache_thread *thread, uintptr_t addr)
{
	const struct bucket *bucket = bucket_of(thread, addr);
	uint32_t tag = addr_tag(addr);
	unsigned int i;

	for (i = 0; i < NR_WAYS; i++)
		if (bucket->slots[i].tag == tag)
			return bucket->slots[i].number;
	return 0;
}

/* Undo a count++ that was no hit. */
static void count_undo(struct pinwatch_cache *cache, uint32_t *count, uint32_t index,
		       struct place place)
{
	count_add(cache, count, -1U);
	if (!place_ready(place) || __atomic_load_n(&cache->over_limit, __ATOMIC_SEQ_CST))
		pw_cache_release(cache, index);
}

bool pw_cache_thread_get(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
			 unsigned int intent, const struct pinwatch_cache_region **region)
{
	struct pw_cache_thread *thread = thread_find(cache);
	uint32_t number = thread ? slot_find(thread, addr) : 0;
	struct place place;
	uint32_t *count;

	if (!number)
		return false;
	place = place_of(cache, number - 1);
	count = &thread->counts[number - 1];
	count_add(cache, count, 1);
	if (!place_serves(place, addr, length, intent)) {
		count_undo(cache, count, number - 1, place);
		return false;
	}
	if (!__atomic_load_n(&place.chunk->used[place.i], __ATOMIC_RELAXED))
		__atomic_store_n(&place.chunk->used[place.i], true, __ATOMIC_RELAXED);
	__atomic_store_n(&thread->hits, thread->hits + 1, __ATOMIC_RELAXED);
	*region = &place.chunk->regions[place.i];
	return true;
}

bool pw_cache_thread_put(struct pinwatch_cache *cache,
			 const struct pinwatch_cache_region *region)
{
	struct pw_cache_thread *thread = thread_find(cache);
	/* Read before the count: afterwards another thread may drop the region. */
	bool valid = pinwatch_valid(&region->watch);
	uint32_t index = region->index;

	if (!thread || index >= thread->nr_counts)
		return false;
	count_add(cache, &thread->counts[index], -1U);
	if (!valid || !place_ready(place_of(cache, index)) ||
	    __atomic_load_n(&cache->over_limit, __ATOMIC_SEQ_CST))
		pw_cache_release(cache, index);
	return true;
}

void pw_cache_set_ready(struct pinwatch_cache *cache, struct pw_cache_entry *entry, bool ready)
{
	struct place place = place_of(cache, entry->index);

	entry->ready = ready;
	__atomic_store_n(&place.chunk->ready[place.i], ready, __ATOMIC_SEQ_CST);
}

bool pw_cache_set_used(struct pinwatch_cache *cache, const struct pw_cache_entry *entry,
		       bool used)
{
	struct place place = place_of(cache, entry->index);

	return __atomic_exchange_n(&place.chunk->used[place.i], used, __ATOMIC_RELAXED);
}

bool pw_cache_barrier(struct pinwatch_cache *cache)
{
	const struct pw_cache_thread *first = cache->threads;

	if (cache->no_membarrier || !first || (!first->next && first == thread_find(cache)))
		return true;
	return !pw_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

uint32_t pw_cache_users(const struct pinwatch_cache *cache, const struct pw_cache_entry *entry)
{
	const struct pw_cache_thread *thread;
	uint32_t users = entry->users;

	for (thread = cache->threads; thread; thread = thread->next)
		if (entry->index < thread->nr_counts)
			users += __atomic_load_n(&thread->counts[entry->index], __ATOMIC_SEQ_CST);
	return users;
}

uint64_t pw_cache_hits(const struct pinwatch_cache *cache)
{
	const struct pw_cache_thread *thread;
	uint64_t hits = cache->stats.hits;

	for (thread = cache->threads; thread; thread = thread->next)
		hits += __atomic_load_n(&thread->hits, __ATOMIC_RELAXED);
	return hits;
}

/* Add the counts of @thread to the entries. Caller holds the lock. */
static void thread_fold(struct pinwatch_cache *cache, struct pw_cache_thread *thread)
{
	uint32_t i;

	for (i = 0; i < thread->nr_counts && i < cache->nr_entries; i++)
		pw_cache_entry(cache, i)->users += thread->counts[i];
	cache->stats.hits += thread->hits;
	free(thread->counts);
	free(thread->buckets);
}

/* This thread exits. */
static void thread_detach(struct pw_cache_thread *thread)
{
	struct pinwatch_cache *cache = __atomic_load_n(&thread->cache, __ATOMIC_ACQUIRE);
	struct pw_cache_thread **link;

	if (!cache)
		return;
	pw_cache_lock(cache);
	for (link = &cache->threads; *link != thread; link = &(*link)->next)
		;
	*link = thread->next;
	thread_fold(cache, thread);
	pw_cache_unlock(cache);
}

static void threads_exit(void *unused)
{
	struct pw_cache_thread *thread = own_threads, *next;

	(void)unused;
	own_threads = NULL;
	last_id = 0;
	pthread_mutex_lock(&exit_lock);
	for (; thread; thread = next) {
		next = thread->next_own;
		thread_detach(thread);
		free(thread);
	}
	pthread_mutex_unlock(&exit_lock);
}

/* The child has no use for the caches of its parent, and must not wait for lost locks. */
static void threads_forget(void)
{
	own_threads = NULL;
	last_id = 0;
	pthread_mutex_init(&exit_lock, NULL);
}

static void key_create(void)
{
	key_created = !pthread_atfork(NULL, NULL, threads_forget) &&
		      !pthread_key_create(&key, threads_exit);
}

/* The destructor of the key must not outlive the library. */
__attribute__((destructor)) static void key_delete(void)
{
	/* A thread may still run while the process exits. */
	if (__atomic_exchange_n(&key_created, false, __ATOMIC_SEQ_CST))
		pthread_key_delete(key);
}

void pw_cache_threads_init(struct pinwatch_cache *cache)
{
	pthread_once(&once, key_create);
	cache->id = __atomic_add_fetch(&last_cache_id, 1, __ATOMIC_RELAXED);
	cache->no_membarrier = pw_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0;
}

void pw_cache_threads_exit(struct pinwatch_cache *cache)
{
	struct pw_cache_thread *thread, *next;

	pthread_mutex_lock(&exit_lock);
	pw_cache_lock(cache);
	thread = cache->threads;
	cache->threads = NULL;
	for (; thread; thread = next) {
		next = thread->next;
		thread_fold(cache, thread);
		/* Pairs with the acquire of the thread, which then frees the structure. */
		__atomic_store_n(&thread->cache, NULL, __ATOMIC_RELEASE);
	}
	pw_cache_unlock(cache);
	pthread_mutex_unlock(&exit_lock);
}

/* Free the structures of this thread that belong to destroyed caches. */
static void threads_free(void)
{
	struct pw_cache_thread **link = &own_threads, *thread;

	while ((thread = *link)) {
		if (__atomic_load_n(&thread->cache, __ATOMIC_ACQUIRE)) {
			link = &thread->next_own;
		} else {
			*link = thread->next_own;
			free(thread);
		}
	}
}

/* Two slots for each region at least. The table forgets its entries when it grows. */
static bool buckets_grow(struct pw_cache_thread *thread, uint64_t nr_regions)
{
	unsigned int bits = MIN_BITS;
	struct bucket *buckets;

	while (bits < MAX_BITS && nr_regions > (uint64_t)NR_WAYS / 2 << bits)
		bits++;
	if (thread->buckets && bits <= thread->bits)
		return true;
	buckets = pw_cache_zalloc(sizeof(*buckets) << bits);
	if (!buckets)
		return thread->buckets;
	free(thread->buckets);
	thread->buckets = buckets;
	thread->bits = bits;
	return true;
}

static struct pw_cache_thread *thread_create(struct pinwatch_cache *cache)
{
	struct pw_cache_thread *thread;

	threads_free();
	if (!__atomic_load_n(&key_created, __ATOMIC_SEQ_CST) || pthread_setspecific(key, &key))
		return NULL;
	thread = pw_cache_zalloc(sizeof(*thread));
	if (!thread)
		return NULL;
	if (!buckets_grow(thread, 0)) {
		free(thread);
		return NULL;
	}
	thread->cache_id = cache->id;
	thread->cache = cache;
	thread->next = cache->threads;
	cache->threads = thread;
	thread->next_own = own_threads;
	own_threads = thread;
	return thread;
}

static bool counts_grow(struct pw_cache_thread *thread, uint32_t index)
{
	uint32_t nr = thread->nr_counts ? thread->nr_counts : MIN_COUNTS, *counts;

	if (index < thread->nr_counts)
		return true;
	while (nr <= index)
		nr *= 2;
	counts = pw_cache_zalloc(nr * sizeof(*counts));
	if (!counts)
		return false;
	if (thread->nr_counts)
		memcpy(counts, thread->counts, thread->nr_counts * sizeof(*counts));
	free(thread->counts);
	thread->counts = counts;
	thread->nr_counts = nr;
	return true;
}

static struct slot *slot_choose(struct pw_cache_thread *thread, uintptr_t addr)
{
	struct bucket *bucket = bucket_of(thread, addr);
	uint32_t tag = addr_tag(addr);
	unsigned int i;

	for (i = 0; i < NR_WAYS; i++)
		if (bucket->slots[i].tag == tag)
			return &bucket->slots[i];
	for (i = 0; i < NR_WAYS; i++)
		if (!bucket->slots[i].number)
			return &bucket->slots[i];
	return &bucket->slots[thread->next_way++ % NR_WAYS];
}

void pw_cache_thread_note(struct pinwatch_cache *cache, uintptr_t addr,
			  struct pw_cache_entry *entry)
{
	struct pw_cache_thread *thread = thread_find(cache);

	if (!thread)
		thread = thread_create(cache);
	if (thread && counts_grow(thread, entry->index) &&
	    buckets_grow(thread, cache->stats.nr_regions))
		*slot_choose(thread, addr) = (struct slot){
			.tag = addr_tag(addr), .number = entry->index + 1,
		};
}
