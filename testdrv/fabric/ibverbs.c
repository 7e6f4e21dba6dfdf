// SPDX-License-Identifier: MIT
/* Interposition of the registrations of libibverbs. See ibverbs.h. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>

#include "ibverbs.h"

/* Inline functions of <infiniband/verbs.h> stand in front of these functions. */
#undef ibv_reg_mr
#undef ibv_reg_mr_iova

/* Registrations in progress of this thread: libibverbs calls one interposed function in another. */
static __thread unsigned int depth;

static void *symbol_find(const char *name, const char *version)
{
	void *library, *symbol = dlvsym(RTLD_NEXT, name, version);

	if (symbol)
		return symbol;
	/*
	 * A plugin that was loaded with RTLD_LOCAL has brought libibverbs: it is not in the
	 * global scope. The reference is kept, so that the symbol stays where it is.
	 */
	library = dlopen("libibverbs.so.1", RTLD_LAZY | RTLD_NOLOAD);
	return library ? dlvsym(library, name, version) : NULL;
}

void *verbs_find(void **cache, const char *name, const char *version)
{
	void *symbol = __atomic_load_n(cache, __ATOMIC_RELAXED);
	int error = errno;

	if (!symbol) {
		symbol = symbol_find(name, version);
		__atomic_store_n(cache, symbol, __ATOMIC_RELAXED);
	}
	errno = symbol ? error : ENOSYS;
	return symbol;
}

/* Returns whether the hooks are called for this registration. */
static bool register_begin(void *addr, size_t length, unsigned int access, void **token)
{
	bool reported = !depth++ && !(access & IBV_ACCESS_ON_DEMAND);
	int error = errno;

	if (reported)
		*token = verbs_hooks.register_begin(addr, length);
	errno = error;
	return reported;
}

static void register_end(bool reported, void *token, struct ibv_mr *mr)
{
	int error = errno;

	depth--;
	if (reported)
		verbs_hooks.register_end(token, mr);
	errno = error;
}

static void deregister(struct ibv_mr *mr)
{
	int error = errno;

	verbs_hooks.deregister(mr);
	errno = error;
}

VERBS_EXPORT struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access)
{
	static void *cache;
	struct ibv_mr *(*next)(struct ibv_pd *pd, void *addr, size_t length, int access) =
		verbs_find(&cache, "ibv_reg_mr", "IBVERBS_1.1");
	struct ibv_mr *mr;
	void *token = NULL;
	bool reported;

	if (!next)
		return NULL;
	reported = register_begin(addr, length, (unsigned int)access, &token);
	mr = next(pd, addr, length, access);
	register_end(reported, token, mr);
	return mr;
}

VERBS_EXPORT struct ibv_mr *ibv_reg_mr_iova(struct ibv_pd *pd, void *addr, size_t length,
					    uint64_t iova, int access)
{
	static void *cache;
	struct ibv_mr *(*next)(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
			       int access) =
		verbs_find(&cache, "ibv_reg_mr_iova", "IBVERBS_1.7");
	struct ibv_mr *mr;
	void *token = NULL;
	bool reported;

	if (!next)
		return NULL;
	reported = register_begin(addr, length, (unsigned int)access, &token);
	mr = next(pd, addr, length, iova, access);
	register_end(reported, token, mr);
	return mr;
}

VERBS_EXPORT struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length,
					     uint64_t iova, unsigned int access)
{
	static void *cache;
	struct ibv_mr *(*next)(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
			       unsigned int access) =
		verbs_find(&cache, "ibv_reg_mr_iova2", "IBVERBS_1.8");
	struct ibv_mr *mr;
	void *token = NULL;
	bool reported;

	if (!next)
		return NULL;
	reported = register_begin(addr, length, access, &token);
	mr = next(pd, addr, length, iova, access);
	register_end(reported, token, mr);
	return mr;
}

/* @ret: of ibv_rereg_mr() with IBV_REREG_MR_CHANGE_TRANSLATION. */
static void rereg_end(int ret, bool reported, void *token, struct ibv_mr *mr)
{
	if (ret != IBV_REREG_MR_ERR_INPUT && ret != IBV_REREG_MR_ERR_DONT_FORK_NEW)
		deregister(mr);
	register_end(reported, token, ret && ret != IBV_REREG_MR_ERR_DO_FORK_OLD ? NULL : mr);
}

VERBS_EXPORT int ibv_rereg_mr(struct ibv_mr *mr, int flags, struct ibv_pd *pd, void *addr,
			      size_t length, int access)
{
	static void *cache;
	int (*next)(struct ibv_mr *mr, int flags, struct ibv_pd *pd, void *addr, size_t length,
		    int access) = verbs_find(&cache, "ibv_rereg_mr", "IBVERBS_1.1");
	void *token = NULL;
	bool reported;
	int ret;

	if (!next)
		return IBV_REREG_MR_ERR_INPUT;
	if (!(flags & IBV_REREG_MR_CHANGE_TRANSLATION))
		return next(mr, flags, pd, addr, length, access);
	reported = register_begin(addr, length, (unsigned int)access, &token);
	ret = next(mr, flags, pd, addr, length, access);
	rereg_end(ret, reported, token, mr);
	return ret;
}

VERBS_EXPORT int ibv_dereg_mr(struct ibv_mr *mr)
{
	static void *cache;
	int (*next)(struct ibv_mr *mr) = verbs_find(&cache, "ibv_dereg_mr", "IBVERBS_1.1");

	if (!next)
		return errno;
	deregister(mr);
	return next(mr);
}
