// SPDX-License-Identifier: MIT
/* See fake_ucx.h. */
#include <stdlib.h>

#include "fake_ucx.h"

#undef ibv_reg_mr
#undef ibv_reg_mr_iova

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				unsigned int access)
{
	struct ibv_mr *mr;

	(void)pd, (void)iova, (void)access;
	if (fake_verbs.on_reg)
		fake_verbs.on_reg();
	if (fake_verbs.fail)
		return NULL;
	mr = calloc(1, sizeof(*mr));
	mr->addr = addr;
	mr->length = length;
	return mr;
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access)
{
	return ibv_reg_mr_iova2(pd, addr, length, (uintptr_t)addr, (unsigned int)access);
}

struct ibv_mr *ibv_reg_mr_iova(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
			       int access)
{
	return ibv_reg_mr_iova2(pd, addr, length, iova, (unsigned int)access);
}

int ibv_rereg_mr(struct ibv_mr *mr, int flags, struct ibv_pd *pd, void *addr, size_t length,
		 int access)
{
	(void)mr, (void)flags, (void)pd, (void)addr, (void)length, (void)access;
	return -1;
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	free(mr);
	return 0;
}

static struct ibv_mr *reg(void *addr, size_t length)
{
	return ibv_reg_mr_iova2(NULL, addr, length, 0, 0);
}

static int dereg(struct ibv_mr *mr)
{
	return ibv_dereg_mr(mr);
}

struct fake_verbs fake_verbs = {
	.reg = reg,
	.dereg = dereg,
};
