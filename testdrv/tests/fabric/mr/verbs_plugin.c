// SPDX-License-Identifier: MIT
/* A plugin that brings libibverbs into a program: verbs_test.c loads it with RTLD_LOCAL. */
#include "fake_verbs.h"

struct ibv_mr *plugin_register(struct ibv_pd *pd, void *addr, size_t length, int access)
{
	return ibv_reg_mr(pd, addr, length, access);
}

int plugin_deregister(struct ibv_mr *mr)
{
	return ibv_dereg_mr(mr);
}

struct fake_verbs *plugin_fake(void)
{
	return &fake_verbs;
}
