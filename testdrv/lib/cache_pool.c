// SPDX-License-Identifier: MIT
/*
 * The memory of entries
 *
 * The memory of an entry stays an entry, with the same index, until the cache is
 * destroyed: a thread may follow a pointer from its table to a freed entry. The thread then
 * reads only @ready and @index.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define CHUNK_ENTRIES	64U

static void *aligned_zalloc(size_t size)
{
	void *memory = aligned_alloc(PW_CACHE_LINE, size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

static bool chunk_add(struct pinwatch_cache *cache)
{
	struct pw_cache_entry *chunk, **chunks;
	uint32_t i, nr = cache->nr_entries / CHUNK_ENTRIES;

	chunks = realloc(cache->chunks, (nr + 1) * sizeof(*chunks));
	if (!chunks)
		return false;
	cache->chunks = chunks;
	chunk = aligned_zalloc(CHUNK_ENTRIES * sizeof(*chunk));
	if (!chunk)
		return false;
	chunks[nr] = chunk;
	for (i = 0; i < CHUNK_ENTRIES; i++) {
		chunk[i].index = cache->nr_entries++;
		pw_cache_free(cache, &chunk[i]);
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
	return &cache->chunks[index / CHUNK_ENTRIES][index % CHUNK_ENTRIES];
}

void pw_cache_pool_exit(struct pinwatch_cache *cache)
{
	uint32_t i;

	for (i = 0; i < cache->nr_entries / CHUNK_ENTRIES; i++)
		free(cache->chunks[i]);
	free(cache->chunks);
}
