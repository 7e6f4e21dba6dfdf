// SPDX-License-Identifier: MIT
/* The registration cache of UCX. Registration does nothing, and no memory event is hooked. */
#include <limits.h>
#include <ucs/memory/rcache.h>

#include "bench.h"

#define PAGE	4096UL

static ucs_rcache_t *rcache;

static ucs_status_t mem_reg(void *context, ucs_rcache_t *cache, void *arg,
			    ucs_rcache_region_t *region, uint16_t flags)
{
	(void)context;
	(void)cache;
	(void)arg;
	(void)region;
	(void)flags;
	return UCS_OK;
}

static void mem_dereg(void *context, ucs_rcache_t *cache, ucs_rcache_region_t *region)
{
	(void)context;
	(void)cache;
	(void)region;
}

static void dump_region(void *context, ucs_rcache_t *cache, ucs_rcache_region_t *region,
			char *text, size_t size)
{
	(void)context;
	(void)cache;
	(void)region;
	if (size)
		text[0] = '\0';
}

static void create(void)
{
	static const ucs_rcache_ops_t ops = {
		.mem_reg = mem_reg, .mem_dereg = mem_dereg, .dump_region = dump_region,
	};
	const ucs_rcache_params_t params = {
		.region_struct_size = sizeof(ucs_rcache_region_t),
		.alignment = UCS_RCACHE_MIN_ALIGNMENT,
		.max_alignment = PAGE,
		.ops = &ops,
		.flags = UCS_RCACHE_FLAG_NO_PFN_CHECK,
		.max_regions = ULONG_MAX,
		.max_size = SIZE_MAX,
		.max_unreleased = SIZE_MAX,
	};

	bench_check(ucs_rcache_create(&params, "bench", NULL, &rcache) == UCS_OK,
		    "ucs_rcache_create");
}

static void hit(char *const *order, size_t nr_regions, size_t nr_hits)
{
	ucs_rcache_region_t *region;
	size_t i = 0;

	for (; nr_hits; nr_hits--) {
		bench_check(ucs_rcache_get(rcache, order[i], PAGE, PROT_READ, NULL,
					   &region) == UCS_OK, "ucs_rcache_get");
		ucs_rcache_region_put(rcache, region);
		if (++i == nr_regions)
			i = 0;
	}
}

static void destroy(void)
{
	ucs_rcache_destroy(rcache);
}

const struct bench_cache bench_ucx = {
	.name = "ucx", .create = create, .hit = hit, .destroy = destroy,
};
