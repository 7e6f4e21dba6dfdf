/* SPDX-License-Identifier: MIT */
/*
 * Fake libraries for ucx_test.c, each a shared object that the test loads with dlopen():
 * libucs.so.0, libucm.so.0 and libibverbs.so.1 record their calls. As in the real ones, calls
 * of interposed functions go through the PLT.
 */
#ifndef FAKE_UCX_H
#define FAKE_UCX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <infiniband/verbs.h>

struct pinwatch;

#define FAKE_MAX_MUNMAPS	64UL

/* A registration cache of libucs, whose table has one region: the cache itself */
struct fake_rcache {
	long pgtable;
};

/* What ucs_rcache_get() saw, at its last argument */
struct fake_get {
	uintptr_t words[6];
	size_t nr_munmaps;	/* calls of ucm_vm_munmap() until then */
	void *region;		/* result of the look-up */
};

struct fake_munmap {
	void *addr;
	size_t length;
};

/**
 * struct fake_ucs - the fake libucs
 * @create: Calls ucs_rcache_create() as a transport of UCX does.
 * @get: Calls ucs_rcache_get() as a transport does.
 * @lookup: Calls ucs_pgtable_lookup() as libucp does inline.
 * @init: Calls ucs_pgtable_init() for the table of another user, such as the memory type cache.
 * @nr_lookups: Look-ups that have reached libucs. Atomic.
 * @nr_munmaps: Set by the test: returns the number of calls of ucm_vm_munmap().
 */
struct fake_ucs {
	struct fake_rcache *(*create)(void);
	uintptr_t (*get)(struct fake_rcache *rcache, uintptr_t address, struct fake_get *get);
	void *(*lookup)(const void *pgtable);
	void (*init)(void *pgtable);
	size_t nr_lookups;
	size_t (*nr_munmaps)(void);
};

struct fake_ucm {
	size_t nr_munmaps;		/* atomic */
	struct fake_munmap munmaps[FAKE_MAX_MUNMAPS];
	int external_events;
	void (*on_munmap)(void);	/* called in ucm_vm_munmap() */
};

struct fake_verbs {
	struct ibv_mr *(*reg)(void *addr, size_t length);
	int (*dereg)(struct ibv_mr *mr);
	void (*on_reg)(void);		/* called in the registration */
	bool fail;			/* each registration fails */
};

extern struct fake_ucs fake_ucs;
extern struct fake_ucm fake_ucm;
extern struct fake_verbs fake_verbs;

/* The functions of the fakes, which the preloaded object interposes or calls. */
uintptr_t ucs_rcache_create(const void *params, const char *name, void *parent, void **rcache);
uintptr_t ucs_rcache_get(uintptr_t rcache, uintptr_t address, uintptr_t length, uintptr_t a3,
			 uintptr_t a4, uintptr_t a5, uintptr_t a6);
uintptr_t ucs_pgtable_init(void *pgtable, void *alloc_cb, void *release_cb);
void ucs_pgtable_cleanup(void *pgtable);
void *ucs_pgtable_lookup(const void *pgtable, unsigned long address);
void ucm_vm_munmap(void *addr, size_t length);
void ucm_set_external_event(int events);

/* In place of pinwatch_open(): defined by the test. */
int __wrap_pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags);

#endif /* FAKE_UCX_H */
