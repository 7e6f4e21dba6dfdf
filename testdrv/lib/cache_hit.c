// SPDX-License-Identifier: MIT
/* The parts of a hit that are rare. cache_hit.h has the others. */
#include "cache_hit.h"

int pw_cache_get_switch(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
			unsigned int intent, const struct pinwatch_cache_region **region)
{
	if (pw_cache_thread_find(cache))
		return pw_cache_hit_get(cache, addr, length, intent, region);
	return pw_cache_get_locked(cache, addr, length, intent, region);
}

/* Copy the region. Returns false if it is stale. Caller is a user of the entry, which is ready. */
static bool record_renew(const struct pinwatch_cache *cache, struct pw_cache_record *record,
			 uint32_t index)
{
	const struct pinwatch_cache_region *region = &cache->regions[index];
	/* Loaded before the watch is seen to be valid. */
	uint64_t hits = pw_cache_hits_word(cache);

	if (!pinwatch_valid(&region->watch))
		return false;
	record->start = (uintptr_t)region->addr;
	record->length = region->length;
	record->intent = region->intent;
	record->hits = hits;
	return true;
}

/* The caller is a user of the entry. */
static bool record_serves(const struct pinwatch_cache *cache, struct pw_cache_record *record,
			  uint32_t index, uintptr_t addr, size_t length, unsigned int intent)
{
	return pw_cache_flags(cache, index).ready &&
	       (pw_cache_record_current(cache, record) || record_renew(cache, record, index)) &&
	       pw_cache_record_covers(record, addr, length, intent);
}

int pw_cache_get_counted(struct pinwatch_cache *cache, uintptr_t addr, size_t length,
			 unsigned int intent, const struct pinwatch_cache_region **region)
{
	struct pw_cache_thread *thread = pw_cache_last_thread;
	uint32_t tag = pw_cache_tag(addr);
	uint32_t index = pw_cache_bucket_find(pw_cache_bucket(thread, tag), tag);
	struct pw_cache_record *record = &thread->records[index];

	if (record_serves(cache, record, index, addr, length, intent)) {
		__atomic_store_n(&cache->flags[index].used, true, __ATOMIC_RELAXED);
		pw_cache_hit_count(thread);
		*region = &cache->regions[index];
		return 0;
	}
	pw_cache_users_add(cache, record, -1U);
	if (!pw_cache_flags(cache, index).ready || pw_cache_over_limit(cache))
		pw_cache_release(cache, index);
	return pw_cache_get_locked(cache, addr, length, intent, region);
}

void pw_cache_put_slow(struct pinwatch_cache *cache, const struct pinwatch_cache_region *region)
{
	struct pw_cache_thread *thread = pw_cache_thread_find(cache);
	/* Read before the count: afterwards another thread may drop the region. */
	bool valid = pinwatch_valid(&region->watch);
	uint32_t index = region->index;

	if (!thread || index >= thread->nr_records) {
		pw_cache_put_locked(cache, index);
		return;
	}
	pw_cache_users_add(cache, &thread->records[index], -1U);
	if (!valid || !pw_cache_flags(cache, index).ready || pw_cache_over_limit(cache))
		pw_cache_release(cache, index);
}
