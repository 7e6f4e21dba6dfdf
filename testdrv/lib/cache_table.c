// SPDX-License-Identifier: MIT
/* The memory in which a thread looks for a hit: buckets and records. */
#include <stdlib.h>
#include <string.h>

#include "cache_hit.h"

#define MIN_BITS	6U		/* of the number of buckets */
#define MAX_BITS	15U
#define MIN_RECORDS	256U

/* Returns the way that has @tag, or a free one, or the one to replace. */
static unsigned int way_choose(struct pw_cache_thread *thread,
			       const struct pw_cache_bucket *bucket, uint32_t tag)
{
	unsigned int i;

	for (i = 0; i < PW_CACHE_WAYS; i++)
		if (bucket->tags[i] == tag)
			return i;
	for (i = 0; i < PW_CACHE_WAYS; i++)
		if (!bucket->indexes[i])
			return i;
	return thread->next_way++ % PW_CACHE_WAYS;
}

static void way_set(struct pw_cache_thread *thread, uint32_t tag, uint32_t index)
{
	struct pw_cache_bucket *bucket = pw_cache_bucket(thread, tag);
	unsigned int way = way_choose(thread, bucket, tag);

	bucket->tags[way] = tag;
	bucket->indexes[way] = index;
}

static void bucket_copy(struct pw_cache_thread *thread, const struct pw_cache_bucket *bucket)
{
	unsigned int i;

	for (i = 0; i < PW_CACHE_WAYS; i++)
		if (bucket->indexes[i])
			way_set(thread, bucket->tags[i], bucket->indexes[i]);
}

/* Two ways for each region at least. */
static unsigned int bits_for(uint64_t nr_regions)
{
	unsigned int bits = MIN_BITS;

	while (bits < MAX_BITS && nr_regions > (uint64_t)PW_CACHE_WAYS / 2 << bits)
		bits++;
	return bits;
}

bool pw_cache_buckets_grow(struct pw_cache_thread *thread, uint64_t nr_regions)
{
	size_t i, nr_old = thread->buckets ? (size_t)1 << (32 - thread->shift) : 0;
	struct pw_cache_bucket *buckets, *old = thread->buckets;
	unsigned int bits = bits_for(nr_regions);

	if (nr_old >> bits)
		return true;
	buckets = pw_cache_zalloc(sizeof(*buckets) << bits);
	if (!buckets)
		return old;
	thread->buckets = buckets;
	thread->shift = 32 - bits;
	for (i = 0; i < nr_old; i++)
		bucket_copy(thread, &old[i]);
	free(old);
	return true;
}

static bool records_grow(struct pw_cache_thread *thread, uint32_t index)
{
	uint32_t nr = thread->nr_records ? thread->nr_records : MIN_RECORDS;
	struct pw_cache_record *records;

	if (index < thread->nr_records)
		return true;
	while (nr <= index)
		nr *= 2;
	records = pw_cache_zalloc(nr * sizeof(*records));
	if (!records)
		return false;
	if (thread->nr_records)
		memcpy(records, thread->records, thread->nr_records * sizeof(*records));
	free(thread->records);
	thread->records = records;
	thread->nr_records = nr;
	return true;
}

void pw_cache_thread_note(struct pinwatch_cache *cache, uintptr_t addr,
			  struct pw_cache_entry *entry)
{
	struct pw_cache_thread *thread = pw_cache_thread_find(cache);

	if (!thread)
		thread = pw_cache_thread_create(cache);
	if (thread && records_grow(thread, entry->index) &&
	    pw_cache_buckets_grow(thread, cache->stats.nr_regions))
		way_set(thread, pw_cache_tag(addr), entry->index);
}
