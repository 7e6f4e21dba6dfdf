// SPDX-License-Identifier: MIT
/*
 * The memory of entries and regions
 *
 * The memory of an entry stays that entry, with the same index, until the cache is
 * destroyed: a thread may have the index of a dropped entry in its table. The thread then
 * reads no more than whether the entry is ready.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"

void *pw_cache_zalloc(size_t size)
{
	void *memory;

	size = (size + PW_CACHE_LINE - 1) & ~(size_t)(PW_CACHE_LINE - 1);
	memory = aligned_alloc(PW_CACHE_LINE, size);
	if (memory)
		memset(memory, 0, size);
	return memory;
}

/*
 * The list of chunks never moves, because hits read the list without the lock. There are
 * never more pinned regions than watches. As many again may be dropped and not unpinned yet.
 */
bool pw_cache_pool_init(struct pinwatch_cache *cache, struct pinwatch *dev)
{
	size_t nr_words;

	pinwatch_map_generations(dev, &nr_words);
	cache->nr_chunks = (uint32_t)(2 * nr_words / PW_CACHE_CHUNK) + 2;
	cache->chunks = calloc(cache->nr_chunks, sizeof(*cache->chunks));
	return cache->chunks;
}

static bool chunk_add(struct pinwatch_cache *cache)
{
	uint32_t i, nr = cache->nr_entries / PW_CACHE_CHUNK;
	struct pw_cache_chunk *chunk;

	if (nr == cache->nr_chunks)
		return false;
	chunk = pw_cache_zalloc(sizeof(*chunk));
	if (!chunk)
		return false;
	cache->chunks[nr] = chunk;
	for (i = 0; i < PW_CACHE_CHUNK; i++) {
		chunk->entries[i].region = &chunk->regions[i];
		chunk->entries[i].index = cache->nr_entries++;
		pw_cache_free(cache, &chunk->entries[i]);
	}
	return true;
}

struct pw_cache_entry *pw_cache_alloc(struct pinwatch_cache *cache)
{
	struct pw_cache_entry *entry;

	if (!cache->free && !chunk_add(cache))
		return NULL;
	entry = cache->free;
	cache->free = entry->chain;
	return entry;
}

void pw_cache_free(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	entry->chain = cache->free;
	cache->free = entry;
}

struct pw_cache_entry *pw_cache_entry(struct pinwatch_cache *cache, uint32_t index)
{
	return &cache->chunks[index / PW_CACHE_CHUNK]->entries[index % PW_CACHE_CHUNK];
}

void pw_cache_pool_exit(struct pinwatch_cache *cache)
{
	uint32_t i;

	for (i = 0; i < cache->nr_entries / PW_CACHE_CHUNK; i++)
		free(cache->chunks[i]);
	free(cache->chunks);
}
