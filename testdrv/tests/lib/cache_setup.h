/* SPDX-License-Identifier: MIT */
/* A registration cache on the fake device, and the requests of the tests. */
#ifndef CACHE_SETUP_H
#define CACHE_SETUP_H

#include <pthread.h>

#include "fake.h"
#include "pinwatch_cache.h"
#include "test.h"

#define READ	PINWATCH_CACHE_READ
#define WRITE	PINWATCH_CACHE_WRITE
#define LIMIT	(1000 * FAKE_PAGE)

extern struct pinwatch *dev;
extern struct pinwatch_cache *cache;

/* Open the fake device and create a cache, and undo both: nothing is left pinned. */
void begin(uint64_t limit, unsigned int flags);
void end(void);

const struct pinwatch_cache_region *get(size_t first, size_t nr_pages, unsigned int intent);
void put(const struct pinwatch_cache_region *region);
/* Get and put. Returns whether the cache had the region. */
bool touch(size_t first, size_t nr_pages, unsigned int intent);
struct pinwatch_cache_stats stats(void);

pthread_t start(void *(*run)(void *));
/* Returns the result of @run. */
const struct pinwatch_cache_region *join(pthread_t thread);

#endif /* CACHE_SETUP_H */
