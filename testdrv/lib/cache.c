// SPDX-License-Identifier: MIT
/* pinwatch_cache: the functions of pinwatch_cache.h. cache.h has the states of an entry. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cache.h"

#define NR_SWEPT_BY_MISS 16	/* idle regions checked by a miss */

int pinwatch_cache_create(struct pinwatch_cache **out, struct pinwatch *dev, uint64_t limit,
			  unsigned int flags)
{
	struct pinwatch_cache *cache;

	if (flags & ~PINWATCH_CACHE_F_WRITE)
		return -EINVAL;
	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	cache->dev = dev;
	cache->limit = limit;
	cache->flags = flags;
	cache->page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	cache->random = 1;
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
	if (!cache->stats.nr_regions) {
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
	if (cache->dropped) {
		pw_cache_unlock(cache);
		pw_cache_lock(cache);
	} else {
		pthread_cond_wait(&cache->pinned, &cache->lock);
	}
}

/* Returns an entry covering the range, or NULL. Prefers an entry for writing. */
static struct pw_cache_entry *cache_cover(struct pinwatch_cache *cache, uintptr_t start,
					  uintptr_t end, unsigned int intent)
{
	struct pw_cache_entry *entry;

	entry = pw_cache_tree_cover(cache->trees[PINWATCH_CACHE_WRITE], start, end);
	if (!entry && intent == PINWATCH_CACHE_READ)
		entry = pw_cache_tree_cover(cache->trees[PINWATCH_CACHE_READ], start, end);
	return entry;
}

static void entry_get(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (!entry->users)
		pw_cache_use(cache, entry);
	entry->users++;
}

static void entry_put(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (!--entry->users)
		pw_cache_unuse(cache, entry);
}

/* The caller is a user of @entry. Returns false if the entry was taken out. */
static bool entry_check(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (!pinwatch_valid(&entry->region.watch))
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
		entry_get(cache, entry);
		if (entry_check(cache, entry))
			break;
		entry_put(cache, entry);
	}
	return entry;
}

static struct pw_cache_entry *entry_create(struct pinwatch_cache *cache, uintptr_t start,
					   uintptr_t end, unsigned int intent)
{
	struct pw_cache_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->region.addr = (char *)start;
	entry->region.length = end - start;
	entry->region.intent = intent;
	entry->start = start;
	entry->end = end;
	entry->pending = true;
	entry->priority = random_next(cache);
	cache->stats.nr_regions++;
	cache->stats.bytes += entry->region.length;
	pw_cache_use(cache, entry);
	entry->users = 1;
	pw_cache_tree_insert(&cache->trees[intent], entry);
	entry->in_tree = true;
	return entry;
}

/* Drop idle entries until @bytes are free. False: no entry was idle. */
static bool cache_shrink(struct pinwatch_cache *cache, uint64_t bytes)
{
	bool any;

	pw_cache_lock(cache);
	any = pw_cache_evict(cache, cache->stats.bytes > bytes ? cache->stats.bytes - bytes : 0);
	cache->stats.retries += any;
	pw_cache_unlock(cache);
	return any;
}

static bool is_limit(int error)
{
	return error == -ENOMEM || error == -ENOBUFS || error == -EDQUOT || error == -ENOSPC;
}

/* True: a region of @bytes exceeds a limit by itself, so eviction cannot help. */
static bool is_hopeless(struct pinwatch_cache *cache, uint64_t bytes)
{
	struct pinwatch_info info;
	struct rlimit memlock;

	if (!pinwatch_get_info(cache->dev, &info) && bytes / cache->page_size > info.max_pin_pages)
		return true;
	return !getrlimit(RLIMIT_MEMLOCK, &memlock) && bytes > memlock.rlim_cur;
}

static int watch_add(struct pinwatch_cache *cache, struct pinwatch_cache_region *region)
{
	const struct pinwatch_watch_attr attr = {
		.size = sizeof(attr),
		.flags = PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_PAGES |
			(region->intent == PINWATCH_CACHE_WRITE ? PINWATCH_WATCH_F_WRITE : 0),
		.addr = (uintptr_t)region->addr,
		.length = region->length,
		.cookie = (uintptr_t)region->addr,
		.ignore_events = PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE,
	};
	int ret;

	do {
		ret = pinwatch_watch_add_attr(cache->dev, &attr, &region->watch);
	} while (is_limit(ret) && !is_hopeless(cache, region->length) &&
		 cache_shrink(cache, region->length));
	return ret;
}

/* Called without the lock, by the creator of @entry. */
static int entry_pin(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	int ret = watch_add(cache, &entry->region);

	if (ret)
		return ret;
	if (cache->ops.add)
		ret = cache->ops.add(cache->ops_arg, &entry->region);
	if (ret)
		pinwatch_watch_del(cache->dev, &entry->region.watch);
	return ret;
}

/* Take out the idle entries inside @entry: @entry can serve their requests. */
static void cache_subsume(struct pinwatch_cache *cache, const struct pw_cache_entry *entry)
{
	struct pw_cache_entry *list = NULL, *next;
	unsigned int intent;

	for (intent = 0; intent <= entry->region.intent; intent++)
		list = pw_cache_tree_collect(cache->trees[intent], entry->start, entry->end,
					     true, list);
	for (; list; list = next) {
		next = list->chain;
		if (!list->users)
			pw_cache_take_out(cache, list);
	}
}

/* Caller holds the lock. Ends the pending state of @entry. */
static void entry_finish(struct pinwatch_cache *cache, struct pw_cache_entry *entry, int ret)
{
	entry->pending = false;
	entry->added = !ret;
	if (!ret && entry->in_tree)
		cache_subsume(cache, entry);
	if (ret) {
		if (entry->in_tree)
			pw_cache_take_out(cache, entry);
		entry->users = 0;
		pw_cache_unuse(cache, entry);
	}
	pthread_cond_broadcast(&cache->pinned);
}

/* Caller holds the lock. Drops the lock while pinning. */
static int cache_miss(struct pinwatch_cache *cache, uintptr_t start, uintptr_t end,
		      unsigned int intent, struct pw_cache_entry **out)
{
	struct pw_cache_entry *entry;
	int ret;

	cache->stats.misses++;
	entry = entry_create(cache, start, end, intent);
	if (!entry)
		return -ENOMEM;
	pw_cache_sweep(cache, NR_SWEPT_BY_MISS);
	pw_cache_evict(cache, cache->limit);
	pw_cache_unlock(cache);

	ret = entry_pin(cache, entry);

	pw_cache_lock(cache);
	entry_finish(cache, entry, ret);
	if (!ret)
		*out = entry;
	return ret;
}

int pinwatch_cache_get(struct pinwatch_cache *cache, const void *addr, size_t length,
		       unsigned int intent, const struct pinwatch_cache_region **region)
{
	struct pw_cache_entry *entry;
	uintptr_t start, end;
	int ret;

	if (intent > PINWATCH_CACHE_WRITE)
		return -EINVAL;
	ret = range_round(cache, addr, length, &start, &end);
	if (ret)
		return ret;
	if (cache->flags & PINWATCH_CACHE_F_WRITE)
		intent = PINWATCH_CACHE_WRITE;

	pw_cache_lock(cache);
	entry = cache_find(cache, start, end, intent);
	if (entry)
		cache->stats.hits++;
	else
		ret = cache_miss(cache, start, end, intent, &entry);
	pw_cache_unlock(cache);
	if (!ret)
		*region = &entry->region;
	return ret;
}

void pinwatch_cache_put(struct pinwatch_cache *cache, const struct pinwatch_cache_region *region)
{
	/* Valid cast: region is the first member of struct pw_cache_entry. */
	struct pw_cache_entry *entry = (struct pw_cache_entry *)(uintptr_t)region;

	pw_cache_lock(cache);
	/* Stale pages must not stay pinned without a user. */
	if (entry->users == 1 && entry->in_tree)
		entry_check(cache, entry);
	entry_put(cache, entry);
	pw_cache_unlock(cache);
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

void pinwatch_cache_get_stats(struct pinwatch_cache *cache, struct pinwatch_cache_stats *stats)
{
	pw_cache_lock(cache);
	*stats = cache->stats;
	pw_cache_unlock(cache);
}

int pinwatch_cache_destroy(struct pinwatch_cache *cache)
{
	uint64_t nr_in_use;

	if (!cache)
		return 0;
	pw_cache_lock(cache);
	nr_in_use = cache->nr_in_use;
	pw_cache_unlock(cache);
	if (nr_in_use)
		return -EBUSY;
	pinwatch_cache_flush(cache, NULL, SIZE_MAX);
	pthread_cond_destroy(&cache->pinned);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
	return 0;
}
