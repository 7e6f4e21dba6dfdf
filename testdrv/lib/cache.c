// SPDX-License-Identifier: MIT
/* pinwatch_cache: the functions of pinwatch_cache.h. cache.h has the states of an entry. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache.h"

#define NR_SWEPT_BY_MISS 16	/* idle regions checked by a miss */

int pinwatch_cache_create(struct pinwatch_cache **out, struct pinwatch *dev, uint64_t limit,
			  unsigned int flags)
{
	struct pinwatch_cache *cache;

	if (flags & ~PINWATCH_CACHE_F_WRITE)
		return -EINVAL;
	cache = pw_cache_zalloc(sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	if (!pw_cache_pool_init(cache, dev)) {
		free(cache);
		return -ENOMEM;
	}
	cache->dev = dev;
	cache->limit = limit;
	cache->flags = flags;
	cache->page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	cache->random = 1;
	pw_cache_threads_init(cache);
	pthread_mutex_init(&cache->lock, NULL);
	pthread_cond_init(&cache->pinned, NULL);
	*out = cache;
	return 0;
}

int pinwatch_cache_set_ops(struct pinwatch_cache *cache, const struct pinwatch_cache_ops *ops,
			   void *arg)
{
	int ret = -EBUSY;

	pw_cache_lock(cache);
	if (!cache->stats.nr_regions && !cache->nr_leaving) {
		cache->ops = *ops;
		cache->ops_arg = arg;
		ret = 0;
	}
	pw_cache_unlock(cache);
	return ret;
}

/* xorshift: tree priorities may be predictable. */
static uint32_t random_next(struct pinwatch_cache *cache)
{
	cache->random ^= cache->random << 13;
	cache->random ^= cache->random >> 17;
	cache->random ^= cache->random << 5;
	return cache->random;
}

static int range_round(const struct pinwatch_cache *cache, const void *addr, size_t length,
		       uintptr_t *start, uintptr_t *end)
{
	uintptr_t mask = cache->page_size - 1;

	if (!length)
		return -EINVAL;
	if (length > UINTPTR_MAX - mask || (uintptr_t)addr > UINTPTR_MAX - mask - length)
		return -EOVERFLOW;
	*start = (uintptr_t)addr & ~mask;
	*end = ((uintptr_t)addr + length + mask) & ~mask;
	return 0;
}

/* Wait until a pin has finished, but first unpin and free the dropped entries. */
static void cache_wait(struct pinwatch_cache *cache)
{
	if (cache->dropped || cache->taken) {
		pw_cache_unlock(cache);
		pw_cache_lock(cache);
	} else {
		pthread_cond_wait(&cache->pinned, &cache->lock);
	}
}

static struct pw_cache_entry *trees_cover(struct pinwatch_cache *cache, uintptr_t start,
					  uintptr_t end, unsigned int intent, bool any)
{
	struct pw_cache_entry *entry;

	entry = pw_cache_tree_cover(cache->trees[PINWATCH_CACHE_WRITE], start, end, any);
	if (!entry && intent == PINWATCH_CACHE_READ)
		entry = pw_cache_tree_cover(cache->trees[PINWATCH_CACHE_READ], start, end, any);
	return entry;
}

/*
 * Returns an entry covering the range, or NULL. Prefers an entry that is not pending, and
 * then an entry for writing.
 */
static struct pw_cache_entry *cache_cover(struct pinwatch_cache *cache, uintptr_t start,
					  uintptr_t end, unsigned int intent)
{
	struct pw_cache_entry *entry = trees_cover(cache, start, end, intent, false);

	return entry ? entry : trees_cover(cache, start, end, intent, true);
}

/* The caller is a user of @entry. Returns false if the entry was taken out. */
static bool entry_check(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (!pinwatch_valid(&entry->region->watch))
		pw_cache_keep(cache, entry);
	return entry->in_tree;
}

/*
 * Returns a valid entry covering the range, with the caller as a user, or NULL. Takes
 * stale entries out, unless their pages have not moved.
 */
static struct pw_cache_entry *cache_find(struct pinwatch_cache *cache, uintptr_t start,
					 uintptr_t end, unsigned int intent)
{
	struct pw_cache_entry *entry;

	while ((entry = cache_cover(cache, start, end, intent))) {
		if (entry->pending) {
			cache_wait(cache);
			continue;
		}
		entry->users++;
		if (entry_check(cache, entry)) {
			pw_cache_set_used(cache, entry, true);
			break;
		}
		entry->users--;
	}
	return entry;
}

static struct pw_cache_entry *entry_create(struct pinwatch_cache *cache, uintptr_t start,
					   uintptr_t end, unsigned int intent)
{
	struct pw_cache_entry *entry = pw_cache_alloc(cache);

	if (!entry)
		return NULL;
	*entry->region = (struct pinwatch_cache_region){
		.addr = (char *)start, .length = end - start, .intent = intent,
		.index = entry->index,
	};
	entry->start = start;
	entry->end = end;
	entry->live = true;
	entry->added = false;
	entry->pending = true;
	entry->priority = random_next(cache);
	cache->stats.nr_regions++;
	cache->stats.bytes += entry->region->length;
	cache->bytes_pinning += entry->region->length;
	entry->users++;
	pw_cache_set_used(cache, entry, false);
	pw_cache_insert(cache, entry);
	return entry;
}

/* Take out the idle entries inside @entry: @entry can serve their requests. */
static void cache_subsume(struct pinwatch_cache *cache, const struct pw_cache_entry *entry)
{
	struct pw_cache_entry *list = NULL, *next;
	unsigned int intent;

	for (intent = 0; intent <= entry->region->intent; intent++)
		list = pw_cache_tree_collect(cache->trees[intent], entry->start, entry->end,
					     true, list);
	for (; list; list = next) {
		next = list->chain;
		if (!pw_cache_users(cache, list))
			pw_cache_take_out(cache, list);
	}
}

/* Caller holds the lock. Ends the pending state of @entry. */
static void entry_finish(struct pinwatch_cache *cache, struct pw_cache_entry *entry, int ret)
{
	/* First: a hit may read the watch of an entry that is ready. */
	if (ret)
		pw_cache_take_out(cache, entry);
	pw_cache_set_pending(cache, entry, false);
	entry->added = !ret;
	cache->bytes_pinning -= entry->region->length;
	if (!ret && entry->in_tree)
		cache_subsume(cache, entry);
	/* Not earlier: a pin that fails must not empty the cache. */
	if (!ret)
		pw_cache_evict(cache, cache->limit);
	if (ret)
		entry->users--;
	if (ret || !entry->in_tree)
		pw_cache_take_out(cache, entry);
	pthread_cond_broadcast(&cache->pinned);
}

/* Caller holds the lock. Drops the lock while pinning. */
static int cache_miss(struct pinwatch_cache *cache, uintptr_t start, uintptr_t end,
		      unsigned int intent, struct pw_cache_entry **out)
{
	struct pw_cache_entry *entry;
	int ret;

	entry = entry_create(cache, start, end, intent);
	if (!entry)
		return -ENOMEM;
	pw_cache_sweep(cache, NR_SWEPT_BY_MISS);
	pw_cache_unlock(cache);

	ret = pw_cache_pin(cache, entry);

	pw_cache_lock(cache);
	entry_finish(cache, entry, ret);
	if (!ret)
		*out = entry;
	return ret;
}

/* Caller holds the lock, which may be dropped meanwhile. */
static int cache_get(struct pinwatch_cache *cache, uintptr_t start, uintptr_t end,
		     unsigned int intent, struct pw_cache_entry **entry)
{
	*entry = cache_find(cache, start, end, intent);
	if (*entry) {
		cache->stats.hits++;
		return 0;
	}
	cache->stats.misses++;
	if (intent == PINWATCH_CACHE_READ && cache->flags & PINWATCH_CACHE_F_WRITE) {
		if (!cache_miss(cache, start, end, PINWATCH_CACHE_WRITE, entry))
			return 0;
		/* Another thread may have pinned the range for reading meanwhile. */
		*entry = cache_find(cache, start, end, PINWATCH_CACHE_READ);
		if (*entry)
			return 0;
	}
	return cache_miss(cache, start, end, intent, entry);
}

int pinwatch_cache_get(struct pinwatch_cache *cache, const void *addr, size_t length,
		       unsigned int intent, const struct pinwatch_cache_region **region)
{
	struct pw_cache_entry *entry;
	uintptr_t start, end;
	int ret;

	if (pw_cache_thread_get(cache, (uintptr_t)addr, length, intent, region))
		return 0;
	if (intent > PINWATCH_CACHE_WRITE)
		return -EINVAL;
	ret = range_round(cache, addr, length, &start, &end);
	if (ret)
		return ret;
	pw_cache_lock(cache);
	ret = cache_get(cache, start, end, intent, &entry);
	if (!ret)
		pw_cache_thread_note(cache, (uintptr_t)addr, entry);
	pw_cache_unlock(cache);
	if (!ret)
		*region = entry->region;
	return ret;
}

void pinwatch_cache_put(struct pinwatch_cache *cache, const struct pinwatch_cache_region *region)
{
	struct pw_cache_entry *entry;

	if (pw_cache_thread_put(cache, region))
		return;
	pw_cache_lock(cache);
	entry = pw_cache_entry(cache, region->index);
	entry->users--;
	pw_cache_unlock(cache);
	pw_cache_release(cache, entry->index);
}

size_t pinwatch_cache_reap(struct pinwatch_cache *cache)
{
	size_t nr;

	pw_cache_lock(cache);
	cache->sweep = NULL;
	nr = pw_cache_sweep(cache, SIZE_MAX);
	pw_cache_unlock(cache);
	return nr;
}

size_t pinwatch_cache_flush(struct pinwatch_cache *cache, const void *addr, size_t length)
{
	uintptr_t start = (uintptr_t)addr, end = start + length;
	struct pw_cache_entry *list = NULL, *next;
	size_t nr = 0;

	if (!length)
		return 0;
	if (end < start)
		end = UINTPTR_MAX;
	pw_cache_lock(cache);
	list = pw_cache_tree_collect(cache->trees[PINWATCH_CACHE_READ], start, end, false, list);
	list = pw_cache_tree_collect(cache->trees[PINWATCH_CACHE_WRITE], start, end, false, list);
	for (; list; list = next, nr++) {
		next = list->chain;
		pw_cache_take_out(cache, list);
	}
	pw_cache_unlock(cache);
	return nr;
}

/* Bytes of the regions in use. */
static uint64_t bytes_in_use(struct pinwatch_cache *cache)
{
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < cache->nr_entries; i++) {
		const struct pw_cache_entry *entry = pw_cache_entry(cache, i);

		if (entry->live && pw_cache_users(cache, entry))
			bytes += entry->region->length;
	}
	return bytes;
}

void pinwatch_cache_get_stats(struct pinwatch_cache *cache, struct pinwatch_cache_stats *stats)
{
	pw_cache_lock(cache);
	*stats = cache->stats;
	stats->hits = pw_cache_hits(cache);
	stats->bytes_in_use = bytes_in_use(cache);
	pw_cache_unlock(cache);
}

int pinwatch_cache_destroy(struct pinwatch_cache *cache)
{
	uint64_t in_use;

	if (!cache)
		return 0;
	pw_cache_lock(cache);
	in_use = bytes_in_use(cache);
	pw_cache_unlock(cache);
	if (in_use)
		return -EBUSY;
	pw_cache_threads_exit(cache);
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
	pw_cache_pool_exit(cache);
	pthread_cond_destroy(&cache->pinned);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
	return 0;
}
