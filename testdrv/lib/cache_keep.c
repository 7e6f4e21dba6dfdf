// SPDX-License-Identifier: MIT
/* Lifetime of entries. cache.h has the states. */
#include <stdlib.h>

#include "cache.h"

void pw_cache_lock(struct pinwatch_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
}

static void entry_free(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (entry->added) {
		if (cache->ops.remove)
			cache->ops.remove(cache->ops_arg, &entry->region);
		pinwatch_watch_del(cache->dev, &entry->region.watch);
	}
	free(entry);
}

void pw_cache_unlock(struct pinwatch_cache *cache)
{
	struct pw_cache_entry *entry = cache->dropped, *next;

	cache->dropped = NULL;
	pthread_mutex_unlock(&cache->lock);
	for (; entry; entry = next) {
		next = entry->chain;
		entry_free(cache, entry);
	}
}

static void lru_append(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	entry->older = cache->newest;
	entry->newer = NULL;
	if (cache->newest)
		cache->newest->newer = entry;
	else
		cache->oldest = entry;
	cache->newest = entry;
}

static void lru_unlink(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (cache->sweep == entry)
		cache->sweep = entry->newer;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		cache->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		cache->newest = entry->older;
}

static void entry_drop(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	cache->stats.nr_regions--;
	cache->stats.bytes -= entry->region.length;
	entry->chain = cache->dropped;
	cache->dropped = entry;
}

void pw_cache_use(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (entry->in_tree)
		lru_unlink(cache, entry);
	cache->nr_in_use++;
	cache->stats.bytes_in_use += entry->region.length;
}

void pw_cache_unuse(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	cache->nr_in_use--;
	cache->stats.bytes_in_use -= entry->region.length;
	if (!entry->in_tree) {
		entry_drop(cache, entry);
		return;
	}
	lru_append(cache, entry);
	/* Stale pages must not stay pinned, and entries in use may have exceeded the limit. */
	pw_cache_take_out_stale(cache, entry);
	pw_cache_evict(cache, cache->limit);
}

void pw_cache_take_out(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	pw_cache_tree_remove(&cache->trees[entry->region.intent], entry);
	entry->in_tree = false;
	if (entry->users)
		return;
	lru_unlink(cache, entry);
	entry_drop(cache, entry);
}

bool pw_cache_take_out_stale(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (pinwatch_valid(&entry->region.watch))
		return false;
	cache->stats.stale++;
	pw_cache_take_out(cache, entry);
	return true;
}

size_t pw_cache_sweep(struct pinwatch_cache *cache, size_t nr)
{
	struct pw_cache_entry *entry = cache->sweep ? cache->sweep : cache->oldest;
	size_t nr_stale = 0;

	for (; entry && nr; nr--) {
		struct pw_cache_entry *next = entry->newer;

		cache->sweep = next;
		nr_stale += pw_cache_take_out_stale(cache, entry);
		entry = next;
	}
	return nr_stale;
}

bool pw_cache_evict(struct pinwatch_cache *cache, uint64_t bytes)
{
	bool any = false;

	while (cache->stats.bytes > bytes && cache->oldest) {
		any = true;
		if (pw_cache_take_out_stale(cache, cache->oldest))
			continue;
		cache->stats.evictions++;
		pw_cache_take_out(cache, cache->oldest);
	}
	return any;
}
