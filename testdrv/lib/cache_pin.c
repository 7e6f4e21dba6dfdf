// SPDX-License-Identifier: MIT
/* Pin and unpin the range of an entry. Called without the lock. */
#include <errno.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cache.h"

#define MIN_PAUSE_NS	1000L
#define MAX_PAUSE_NS	1000000L
#define NR_ASKED_AGAIN	8	/* for EAGAIN of pinwatch_watch_keep() */

/* No region is larger than the memory of the machine. */
static uint64_t memory_bytes(struct pinwatch_cache *cache)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * cache->page_size;
}

static uint64_t memlock_bytes(struct pinwatch_cache *cache)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_MEMLOCK, &limit) ? memory_bytes(cache) : limit.rlim_cur;
}

/*
 * The errors of a pin that dropping idle regions may cure, and the bytes of the largest
 * region that the limit behind the error may admit.
 */
static const struct {
	int error;
	uint64_t (*bytes)(struct pinwatch_cache *cache);
} limits[] = {
	{ -ENOMEM, memory_bytes },
	{ -ENOBUFS, memlock_bytes },	/* RLIMIT_MEMLOCK */
	{ -ENOSPC, memory_bytes },	/* watches of the handle */
	{ -EDQUOT, memory_bytes },	/* watches or pinned pages of the user */
};

/* Returns whether dropping idle regions may cure @error for a region of @bytes. */
static bool is_curable(struct pinwatch_cache *cache, int error, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].error == error)
			return bytes <= limits[i].bytes(cache);
	return false;
}

/*
 * Drop idle entries until @bytes are free. If no entry is idle, but other threads are
 * unpinning entries: wait until nr_left, which was @nr_left before the pin was tried, has
 * changed. Returns false if there was nothing to drop or to wait for.
 */
static bool make_room(struct pinwatch_cache *cache, uint64_t bytes, uint64_t nr_left)
{
	uint64_t pinned;
	bool any;

	pw_cache_lock(cache);
	pinned = cache->stats.bytes - cache->bytes_pinning;
	any = pw_cache_evict(cache, pinned > bytes ? pinned - bytes : 0);
	while (!any && cache->nr_left == nr_left && cache->nr_leaving)
		pthread_cond_wait(&cache->pinned, &cache->lock);
	any |= cache->nr_left != nr_left;
	cache->stats.retries += any;
	pw_cache_unlock(cache);
	return any;
}

static uint64_t nr_left_read(struct pinwatch_cache *cache)
{
	uint64_t nr_left;

	pw_cache_lock(cache);
	nr_left = cache->nr_left;
	pw_cache_unlock(cache);
	return nr_left;
}

/* Let an invalidation pass. Each pause is twice as long as the last pause. */
static void pause_longer(long *ns)
{
	struct timespec time = { .tv_nsec = *ns };

	nanosleep(&time, NULL);
	if (*ns < MAX_PAUSE_NS)
		*ns *= 2;
}

/* EINTR and EAGAIN say nothing about the range, so the caller of a get never sees them. */
static int watch_add_attr(struct pinwatch_cache *cache, const struct pinwatch_watch_attr *attr,
			  struct pinwatch_watch *watch)
{
	long pause_ns = MIN_PAUSE_NS;
	int ret;

	for (;;) {
		ret = pinwatch_watch_add_attr(cache->dev, attr, watch);
		if (ret == -EAGAIN)
			pause_longer(&pause_ns);
		else if (ret != -EINTR)
			return ret;
	}
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
	uint64_t nr_left;
	int ret;

	do {
		nr_left = nr_left_read(cache);
		ret = watch_add_attr(cache, &attr, &region->watch);
	} while (ret && is_curable(cache, ret, region->length) &&
		 make_room(cache, region->length, nr_left));
	return ret;
}

int pw_cache_pin(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	int ret = watch_add(cache, entry->region);

	if (ret)
		return ret;
	if (cache->ops.add)
		ret = cache->ops.add(cache->ops_arg, entry->region);
	if (ret)
		pw_cache_unpin(cache, entry);
	return ret;
}

/* Invalidated too often to be compared, again and again: the caller pins the range anew. */
bool pw_cache_ask(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	long pause_ns = MIN_PAUSE_NS;
	int ret, nr_tries = 0;

	for (;;) {
		ret = pinwatch_watch_keep(cache->dev, &entry->region->watch);
		if (ret == -EAGAIN && nr_tries++ < NR_ASKED_AGAIN)
			pause_longer(&pause_ns);
		else if (ret != -EINTR)
			return !ret;
	}
}

void pw_cache_unpin(struct pinwatch_cache *cache, struct pw_cache_entry *entry)
{
	while (pinwatch_watch_del(cache->dev, &entry->region->watch) == -EINTR)
		;
}
