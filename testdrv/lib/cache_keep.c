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
		pw_cache_unpin(cache, entry);
	}
	free(entry);
}

/* @nr entries are unpinned, or are no longer swept. */
static void entries_left(struct pinwatch_cache *cache, uint64_t nr)
{
	cache->nr_leaving -= nr;
	cache->nr_left++;
	pthread_cond_broadcast(&cache->pinned);
}

void pw_cache_unlock(struct pinwatch_cache *cache)
{
	struct pw_cache_entry *entry = cache->dropped, *next;
	uint64_t nr;

	cache->dropped = NULL;
	pthread_mutex_unlock(&cache->lock);
	if (!entry)
		return;
	for (nr = 0; entry; entry = next, nr++) {
		next = entry->chain;
		entry_free(cache, entry);
	}
	pthread_mutex_lock(&cache->lock);
	entries_left(cache, nr);
	pthread_mutex_unlock(&cache->lock);
}

void pw_cache_set_pending(struct pinwatch_cache *cache, struct pw_cache_entry *entry,
			  bool pending)
{
	entry->pending = pending;
	if (entry->in_tree)
		pw_cache_tree_update(cache->trees[entry->region.intent], entry);
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
	cache->nr_leaving++;
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
	/* Entries in use may have exceeded the limit. */
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

/* Without the lock: ask the kernel whether the pages of each entry have moved. */
static void list_ask(struct pinwatch_cache *cache, struct pw_cache_entry *list)
{
	for (; list; list = list->asked)
		list->kept = pw_cache_ask(cache, list);
}

/* Mark @entry pending, and prepend it to @list. */
static struct pw_cache_entry *list_add(struct pinwatch_cache *cache, struct pw_cache_entry *entry,
				       struct pw_cache_entry *list)
{
	pw_cache_set_pending(cache, entry, true);
	entry->asked = list;
	return entry;
}

/* End the pending state. Returns true if the entry is stale, and takes the entry out then. */
static bool entry_settle(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	pw_cache_set_pending(cache, entry, false);
	cache->stats.kept += entry->kept;
	cache->stats.stale += !entry->kept;
	if (!entry->kept && entry->in_tree)
		pw_cache_take_out(cache, entry);
	return !entry->kept;
}

void pw_cache_keep(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	list_add(cache, entry, NULL);
	pw_cache_unlock(cache);
	list_ask(cache, entry);
	pw_cache_lock(cache);
	entry_settle(cache, entry);
	pthread_cond_broadcast(&cache->pinned);
}

/*
 * The next @nr idle entries that are stale. They stay in the LRU list, with one user, so
 * that no other thread drops them.
 */
static struct pw_cache_entry *sweep_collect(struct pinwatch_cache *cache, size_t nr)
{
	struct pw_cache_entry *entry = cache->sweep ? cache->sweep : cache->oldest, *list = NULL;

	for (; entry && nr; nr--, entry = entry->newer) {
		if (entry->pending || pinwatch_valid(&entry->region.watch))
			continue;
		entry->users = 1;
		list = list_add(cache, entry, list);
		cache->nr_leaving++;
	}
	cache->sweep = entry;
	return list;
}

/* Returns true if the entry was dropped. */
static bool sweep_settle(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	entry->users = 0;
	entries_left(cache, 1);
	if (!entry->in_tree) {
		/* A flush has taken the entry out. */
		entry->pending = false;
		lru_unlink(cache, entry);
		entry_drop(cache, entry);
		return false;
	}
	return entry_settle(cache, entry);
}

size_t pw_cache_sweep(struct pinwatch_cache *cache, size_t nr)
{
	struct pw_cache_entry *list = sweep_collect(cache, nr), *next;
	size_t nr_stale = 0;

	if (!list)
		return 0;
	pw_cache_unlock(cache);
	list_ask(cache, list);
	pw_cache_lock(cache);
	for (; list; list = next) {
		next = list->asked;
		nr_stale += sweep_settle(cache, list);
	}
	/* Other threads have not evicted pending entries. */
	pw_cache_evict(cache, cache->limit);
	pthread_cond_broadcast(&cache->pinned);
	return nr_stale;
}

static uint64_t cache_pinned(const struct pinwatch_cache *cache)
{
	return cache->stats.bytes - cache->bytes_pinning;
}

bool pw_cache_evict(struct pinwatch_cache *cache, uint64_t bytes)
{
	struct pw_cache_entry *entry, *newer;
	bool any = false;

	for (entry = cache->oldest; entry && cache_pinned(cache) > bytes; entry = newer) {
		newer = entry->newer;
		if (entry->pending)
			continue;
		any = true;
		if (pw_cache_take_out_stale(cache, entry))
			continue;
		cache->stats.evictions++;
		pw_cache_take_out(cache, entry);
	}
	return any;
}
