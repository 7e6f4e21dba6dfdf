// SPDX-License-Identifier: MIT
/* Lifetime of entries. cache.h has the states. */
#include "cache.h"
#include "handle.h"

void pw_cache_lock(struct pinwatch_cache *cache)
{
	pthread_mutex_lock(&cache->lock);
}

static void entry_unpin(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (!entry->added)
		return;
	if (cache->ops.remove)
		cache->ops.remove(cache->ops_arg, entry->region);
	pw_cache_unpin(cache, entry);
}

/* @nr entries are unpinned, or are no longer swept. @pinned: Some of them were pinned. */
static void entries_left(struct pinwatch_cache *cache, uint64_t nr, bool pinned)
{
	cache->nr_leaving -= nr;
	cache->nr_left += pinned;
	pthread_cond_broadcast(&cache->pinned);
}

static void entry_drop(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	entry->live = false;
	cache->stats.nr_regions--;
	cache->stats.bytes -= entry->region->length;
	cache->nr_leaving++;
	entry->chain = cache->dropped;
	cache->dropped = entry;
}

/* @entry is not in the tree. pw_cache_barrier() has succeeded since, unless @entry->taken. */
static void entry_drop_unused(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (!entry->pending && !entry->taken && !pw_cache_users(cache, entry))
		entry_drop(cache, entry);
}

/* Drop the entries that were taken out, or keep them as undropped for the next call. */
static void taken_drop(struct pinwatch_cache *cache)
{
	struct pw_cache_entry **link = &cache->undropped, *entry;

	while (*link)
		link = &(*link)->next_taken;
	*link = cache->taken;
	cache->taken = NULL;
	if (!cache->undropped || !pw_cache_barrier(cache))
		return;
	for (entry = cache->undropped; entry; entry = entry->next_taken) {
		entry->taken = false;
		entry_drop_unused(cache, entry);
	}
	cache->undropped = NULL;
}

void pw_cache_unlock(struct pinwatch_cache *cache)
{
	struct pw_cache_entry *dropped, *entry, *next;
	bool pinned = false;
	uint64_t nr = 0;

	taken_drop(cache);
	dropped = cache->dropped;
	cache->dropped = NULL;
	pthread_mutex_unlock(&cache->lock);
	if (!dropped)
		return;
	for (entry = dropped; entry; entry = entry->chain)
		entry_unpin(cache, entry);
	pthread_mutex_lock(&cache->lock);
	for (entry = dropped; entry; entry = next, nr++) {
		next = entry->chain;
		pinned |= entry->added;
		pw_cache_free(cache, entry);
	}
	entries_left(cache, nr, pinned);
	pthread_mutex_unlock(&cache->lock);
}

static void ready_update(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	pw_cache_set_ready(cache, entry, entry->in_tree && !entry->pending);
}

void pw_cache_set_pending(struct pinwatch_cache *cache, struct pw_cache_entry *entry,
			  bool pending)
{
	entry->pending = pending;
	ready_update(cache, entry);
	if (entry->in_tree)
		pw_cache_tree_update(cache->trees[entry->region->intent], entry);
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

void pw_cache_insert(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	pw_cache_tree_insert(&cache->trees[entry->region->intent], entry);
	entry->in_tree = true;
	lru_append(cache, entry);
	ready_update(cache, entry);
}

static void entry_remove(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	pw_cache_tree_remove(&cache->trees[entry->region->intent], entry);
	entry->in_tree = false;
	lru_unlink(cache, entry);
	ready_update(cache, entry);
}

void pw_cache_take_out(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (entry->in_tree)
		entry_remove(cache, entry);
	if (entry->taken)
		return;
	entry->taken = true;
	entry->next_taken = cache->taken;
	cache->taken = entry;
}

/* Without the lock: ask the kernel whether the pages of each entry have moved. */
static void list_ask(struct pinwatch_cache *cache, struct pw_cache_entry *list, bool once)
{
	for (; list; list = list->asked)
		list->answer = pw_cache_ask(cache, list, once);
}

/* Mark @entry pending, and prepend it to @list. */
static struct pw_cache_entry *list_add(struct pinwatch_cache *cache, struct pw_cache_entry *entry,
				       struct pw_cache_entry *list)
{
	pw_cache_set_pending(cache, entry, true);
	entry->asked = list;
	return entry;
}

/* End the pending state. Returns true if pages have moved, and takes the entry out then. */
static bool entry_settle(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	pw_cache_set_pending(cache, entry, false);
	cache->stats.kept += entry->answer == PW_CACHE_KEPT;
	cache->stats.stale += entry->answer == PW_CACHE_MOVED;
	if (entry->answer == PW_CACHE_MOVED || !entry->in_tree)
		pw_cache_take_out(cache, entry);
	return entry->answer == PW_CACHE_MOVED;
}

void pw_cache_keep(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	list_add(cache, entry, NULL);
	/* A get that needs room waits for the answer: the entry may leave. */
	cache->nr_leaving++;
	pw_cache_unlock(cache);
	list_ask(cache, entry, false);
	pw_cache_lock(cache);
	entries_left(cache, 1, entry->answer == PW_CACHE_MOVED);
	entry_settle(cache, entry);
	pthread_cond_broadcast(&cache->pinned);
}

/* An entry that is taken out, or stale, must not stay pinned without a user. */
static void entry_release(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	/* The last of the puts after the barrier of the taking out sees no user. */
	if (!entry->in_tree) {
		entry_drop_unused(cache, entry);
	} else if (!pinwatch_valid(&entry->region->watch) && !pw_cache_users(cache, entry)) {
		entry->users++;
		pw_cache_keep(cache, entry);
		entry->users--;
	}
}

/* The next @nr entries that are idle and stale, with one user, so that they stay. */
static struct pw_cache_entry *sweep_collect(struct pinwatch_cache *cache, size_t nr)
{
	struct pw_cache_entry *entry = cache->sweep ? cache->sweep : cache->oldest, *list = NULL;

	for (; entry && nr; nr--, entry = entry->newer) {
		if (entry->pending || pinwatch_valid(&entry->region->watch) ||
		    pw_cache_users(cache, entry))
			continue;
		entry->users++;
		list = list_add(cache, entry, list);
		cache->nr_leaving++;
	}
	cache->sweep = entry;
	return list;
}

/* Returns true if pages of the entry have moved. */
static bool sweep_settle(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	bool flushed = !entry->in_tree;

	entry->users--;
	entries_left(cache, 1, true);
	if (!flushed)
		return entry_settle(cache, entry);
	pw_cache_set_pending(cache, entry, false);
	pw_cache_take_out(cache, entry);
	return false;
}

size_t pw_cache_sweep(struct pinwatch_cache *cache, size_t nr)
{
	struct pw_cache_entry *list = sweep_collect(cache, nr), *next;
	size_t nr_stale = 0;

	if (!list)
		return 0;
	pw_cache_unlock(cache);
	list_ask(cache, list, true);
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

/* Which entries an eviction makes not ready, to drop those without a user */
enum evict {
	EVICT_COLD,	/* no user is seen, and there was no hit since the last look */
	EVICT_IDLE,	/* no user is seen */
	EVICT_ANY,	/* a user that is seen may have left before the barrier */
	NR_EVICTS,
};

/* Take the oldest entry to the end of the LRU list. Returns the entry if it is chosen. */
static struct pw_cache_entry *evict_look(struct pinwatch_cache *cache, enum evict which)
{
	struct pw_cache_entry *entry = cache->oldest;
	bool used;

	lru_unlink(cache, entry);
	lru_append(cache, entry);
	if (!entry->ready || (which != EVICT_ANY && pw_cache_users(cache, entry)))
		return NULL;
	used = pw_cache_set_used(cache, entry, false);
	return which == EVICT_COLD && used ? NULL : entry;
}

/* Make entries not ready, oldest first: of @bytes, or with EVICT_ANY all. */
static struct pw_cache_entry *evict_collect(struct pinwatch_cache *cache, uint64_t bytes,
					    enum evict which)
{
	uint64_t nr = cache->oldest ? cache->stats.nr_regions : 0, found = 0;
	struct pw_cache_entry *entry, *list = NULL, **link = &list;

	for (; nr && (found < bytes || which == EVICT_ANY); nr--) {
		entry = evict_look(cache, which);
		if (!entry)
			continue;
		pw_cache_set_ready(cache, entry, false);
		found += entry->region->length;
		entry->chain = NULL;
		*link = entry;
		link = &entry->chain;
	}
	return list;
}

/* Drop the entries of @list without a user, until @bytes are pinned. */
static bool evict_settle(struct pinwatch_cache *cache, struct pw_cache_entry *list,
			 uint64_t bytes)
{
	bool any = false, safe = list && pw_cache_barrier(cache);
	struct pw_cache_entry *next;

	for (; list; list = next) {
		next = list->chain;
		if (!safe || cache_pinned(cache) <= bytes || pw_cache_users(cache, list)) {
			ready_update(cache, list);
			continue;
		}
		if (pinwatch_valid(&list->region->watch))
			cache->stats.evictions++;
		else
			cache->stats.stale++;
		entry_remove(cache, list);
		entry_drop(cache, list);
		any = true;
	}
	return any;
}

static bool evict_pass(struct pinwatch_cache *cache, uint64_t bytes)
{
	struct pw_cache_entry *list;
	unsigned int which;
	bool any = false;

	for (which = 0; which < NR_EVICTS && cache_pinned(cache) > bytes; which++) {
		list = evict_collect(cache, cache_pinned(cache) - bytes, which);
		any |= evict_settle(cache, list, bytes);
	}
	return any;
}

static void over_limit_set(struct pinwatch_cache *cache)
{
	bool over = cache_pinned(cache) > cache->limit;

	if (cache->over_limit != over)
		__atomic_store_n(&cache->over_limit, over, __ATOMIC_SEQ_CST);
}

/*
 * The last eviction has left no idle entry, and the cache is over its limit. Drop @entry if
 * this put, or another one, has made @entry idle.
 */
static void entry_evict(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	if (!entry->live || !entry->ready || pw_cache_users(cache, entry))
		return;
	pw_cache_set_ready(cache, entry, false);
	entry->chain = NULL;
	evict_settle(cache, entry, cache->limit);
	over_limit_set(cache);
}

void pw_cache_release(struct pinwatch_cache *cache, uint32_t index)
{
	int state = pw_cancel_disable();
	struct pw_cache_entry *entry;

	pw_cache_lock(cache);
	entry = &cache->entries[index];
	if (entry->live && !entry->pending)
		entry_release(cache, entry);
	if (cache->over_limit)
		over_limit_set(cache);
	if (cache->over_limit)
		entry_evict(cache, entry);
	pw_cache_unlock(cache);
	pw_cancel_restore(state);
}

bool pw_cache_evict(struct pinwatch_cache *cache, uint64_t bytes)
{
	bool any = evict_pass(cache, bytes);

	over_limit_set(cache);
	if (cache->over_limit) {
		/* A put that has not seen over_limit is counted after the barrier. */
		pw_cache_barrier(cache);
		any |= evict_pass(cache, bytes);
		over_limit_set(cache);
	}
	return any;
}
