// SPDX-License-Identifier: MIT
/* See fake_ucx.h. Built with FAKE_OLD, the library has no ucs_pgtable_lookup(). */
#include <stdlib.h>

#include "fake_ucx.h"

#ifndef FAKE_OLD
void *ucs_pgtable_lookup(const void *pgtable, unsigned long address)
{
	(void)address;
	__atomic_add_fetch(&fake_ucs.nr_lookups, 1, __ATOMIC_RELAXED);
	return (void *)pgtable;
}
#else
#define ucs_pgtable_lookup(pgtable, address)	((void)(address), (void *)(pgtable))
#endif

uintptr_t ucs_pgtable_init(void *pgtable, void *alloc_cb, void *release_cb)
{
	(void)pgtable, (void)alloc_cb, (void)release_cb;
	return 0;
}

void ucs_pgtable_cleanup(void *pgtable)
{
	(void)pgtable;
}

uintptr_t ucs_rcache_create(const void *params, const char *name, void *parent, void **rcache)
{
	struct fake_rcache *cache = calloc(1, sizeof(*cache));

	(void)params, (void)name, (void)parent;
	ucs_pgtable_init(&cache->pgtable, NULL, NULL);
	*rcache = cache;
	return 0;
}

/* The look-up of ucs_rcache_get(), then its slow path, which ends as the look-up would. */
uintptr_t ucs_rcache_get(uintptr_t rcache, uintptr_t address, uintptr_t length, uintptr_t a3,
			 uintptr_t a4, uintptr_t a5, uintptr_t a6)
{
	struct fake_get *get = (void *)a6;

	*get = (struct fake_get){
		.words = { rcache, address, length, a3, a4, a5 },
		.nr_munmaps = fake_ucs.nr_munmaps ? fake_ucs.nr_munmaps() : 0,
		.region = ucs_pgtable_lookup(&((struct fake_rcache *)rcache)->pgtable, address),
	};
	return 7;
}

static struct fake_rcache *create(void)
{
	void *rcache;

	return ucs_rcache_create(NULL, "fake", NULL, &rcache) ? NULL : rcache;
}

static uintptr_t get(struct fake_rcache *rcache, uintptr_t address, struct fake_get *get)
{
	return ucs_rcache_get((uintptr_t)rcache, address, 3, 4, 5, 6, (uintptr_t)get);
}

static void *lookup(const void *pgtable)
{
	return ucs_pgtable_lookup(pgtable, 1);
}

static void init(void *pgtable)
{
	ucs_pgtable_init(pgtable, NULL, NULL);
}

struct fake_ucs fake_ucs = {
	.create = create,
	.get = get,
	.lookup = lookup,
	.init = init,
};
