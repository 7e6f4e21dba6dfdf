// SPDX-License-Identifier: MIT
/* See registration.h. */
#include <dlfcn.h>
#include <err.h>
#include <stddef.h>
#include <infiniband/verbs.h>

#include "registration.h"

/* Inline functions of <infiniband/verbs.h> stand in front of this function. */
#undef ibv_reg_mr

static struct memory *followed;

void registration_follow(struct memory *memory)
{
	followed = memory;
}

static void *next_find(const char *name, const char *version)
{
	void *next = dlvsym(RTLD_NEXT, name, version);

	if (!next)
		errx(2, "libibverbs has no %s", name);
	return next;
}

static void registered(const struct ibv_mr *mr, const void *addr, size_t length)
{
	if (mr && followed && (size_t)(followed->start - (const unsigned char *)addr) < length)
		memory_registered(followed);
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access)
{
	struct ibv_mr *(*next)(struct ibv_pd *pd, void *addr, size_t length, int access) =
		next_find("ibv_reg_mr", "IBVERBS_1.1");
	struct ibv_mr *mr = next(pd, addr, length, access);

	registered(mr, addr, length);
	return mr;
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				unsigned int access)
{
	struct ibv_mr *(*next)(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
			       unsigned int access) =
		next_find("ibv_reg_mr_iova2", "IBVERBS_1.8");
	struct ibv_mr *mr = next(pd, addr, length, iova, access);

	registered(mr, addr, length);
	return mr;
}
