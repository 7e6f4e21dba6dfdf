/* SPDX-License-Identifier: MIT */
/* A registration cache full of idle regions, to be measured. */
#ifndef CACHE_BENCH_H
#define CACHE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct bench_cache - a cache to be measured
 * @name: In the report.
 * @create: Create the cache. Exits on failure.
 * @hit: Get and put the region at each address of @order, and begin again at the end,
 *	until @nr_hits. Exits if a get fails or was a miss.
 * @destroy: Undo @create.
 *
 * Each region is one page. The loop over the hits is in @hit, so that no indirect call
 * is measured.
 */
struct bench_cache {
	const char *name;
	void (*create)(void);
	void (*hit)(char *const *order, size_t nr_regions, size_t nr_hits);
	void (*destroy)(void);
};

extern const struct bench_cache bench_pinwatch, bench_ucx;

/* Print @what failed and exit. */
void bench_check(bool ok, const char *what);

#endif /* CACHE_BENCH_H */
