// SPDX-License-Identifier: MIT
/*
 * The memory of entries and regions
 *
 * The memory of an entry stays that entry, with the same index, until the cache is
 * destroyed: a thread may have the index of a dropped entry in its table. The thread then
 * reads no more than whether the entry is ready.
 *
 * Regions, entries and flags are one array each, so that the index of a region follows from
 * its address. No entry has the index 0. The address space of the arrays is reserved when the
 * cache is created; memory is accessible, and charged, only for the entries that were used.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cache.h"

/*
 * LeakSanitizer does not look for pointers in a mapping, but the member data of a region may
 * be the only pointer to memory of the caller.
 */
void __lsan_register_root_region(const void *begin, size_t size) __attribute__((weak));
void __lsan_unregister_root_region(const void *begin, size_t size) __attribute__((weak));

void *pw_cache_zalloc(size_t size)
{
	void *memory;

	size = (size + PW_CACHE_LINE - 1) & ~(size_t)(PW_CACHE_LINE - 1);
	memory = aligned_alloc(PW_CACHE_LINE, size);
	if (memory)
		memset(memory, 0, size);
	return memory;
}

/* Entries that become accessible together: each array of them has whole pages. */
static uint32_t pool_step(const struct pinwatch_cache *cache)
{
	return (uint32_t)(cache->page_size / sizeof(*cache->flags));
}

/*
 * There are never more pinned regions than watches. As many again may be dropped and not
 * unpinned yet.
 */
bool pw_cache_pool_init(struct pinwatch_cache *cache, struct pinwatch *dev)
{
	uint32_t step = pool_step(cache);
	size_t nr_words;
	void *pool;

	_Static_assert(sizeof(*cache->flags) == 2 && sizeof(*cache->entries) % 2 == 0 &&
		       sizeof(*cache->regions) % 2 == 0, "see pool_step()");
	pinwatch_map_generations(dev, &nr_words);
	cache->max_entries = (uint32_t)(2 * nr_words / step + 1) * step;
	cache->pool_size = cache->max_entries * (sizeof(*cache->regions) +
						 sizeof(*cache->entries) +
						 sizeof(*cache->flags));
	pool = mmap(NULL, cache->pool_size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pool == MAP_FAILED)
		return false;
	cache->regions = pool;
	cache->entries = (struct pw_cache_entry *)(cache->regions + cache->max_entries);
	cache->flags = (struct pw_cache_flags *)(cache->entries + cache->max_entries);
	if (__lsan_register_root_region)
		__lsan_register_root_region(pool, cache->pool_size);
	return true;
}

static bool array_open(void *begin, size_t size)
{
	return !mprotect(begin, size, PROT_READ | PROT_WRITE);
}

static bool pool_grow(struct pinwatch_cache *cache)
{
	uint32_t nr = cache->nr_accessible, step = pool_step(cache);

	if (nr == cache->max_entries ||
	    !array_open(cache->regions + nr, step * sizeof(*cache->regions)) ||
	    !array_open(cache->entries + nr, step * sizeof(*cache->entries)) ||
	    !array_open(cache->flags + nr, step * sizeof(*cache->flags)))
		return false;
	cache->nr_accessible += step;
	return true;
}

/* An entry that was not used before, or NULL. */
static struct pw_cache_entry *entry_new(struct pinwatch_cache *cache)
{
	uint32_t index = cache->last_entry + 1;
	struct pw_cache_entry *entry;

	if (index >= cache->nr_accessible && !pool_grow(cache))
		return NULL;
	cache->last_entry = index;
	entry = &cache->entries[index];
	entry->region = &cache->regions[index];
	entry->index = index;
	return entry;
}

struct pw_cache_entry *pw_cache_alloc(struct pinwatch_cache *cache)
{
	struct pw_cache_entry *entry = cache->free;

	if (!entry)
		return entry_new(cache);
	cache->free = entry->chain;
	return entry;
}

void pw_cache_free(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	entry->chain = cache->free;
	cache->free = entry;
}

void pw_cache_pool_exit(struct pinwatch_cache *cache)
{
	if (__lsan_unregister_root_region)
		__lsan_unregister_root_region(cache->regions, cache->pool_size);
	munmap(cache->regions, cache->pool_size);
}
