// SPDX-License-Identifier: MIT
/* See fake_verbs.h. */
#include <errno.h>
#include <stdlib.h>

#include "fake_verbs.h"

#undef ibv_reg_mr
#undef ibv_reg_mr_iova

struct fake_verbs fake_verbs;

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	(void)qp;
	*bad = NULL;
	for (; wr; wr = wr->next)
		__atomic_add_fetch(&fake_verbs.nr_posts, 1, __ATOMIC_RELAXED);
	return 0;
}

static int recv_count(struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	*bad = NULL;
	for (; wr; wr = wr->next)
		__atomic_add_fetch(&fake_verbs.nr_posts, 1, __ATOMIC_RELAXED);
	return 0;
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	(void)qp;
	return recv_count(wr, bad);
}

static int post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	(void)srq;
	return recv_count(wr, bad);
}

struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	struct ibv_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	context->device = device;
	context->ops.post_send = post_send;
	context->ops.post_recv = post_recv;
	context->ops.post_srq_recv = post_srq_recv;
	return context;
}

int ibv_close_device(struct ibv_context *context)
{
	free(context);
	return 0;
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				unsigned int access)
{
	struct ibv_mr *mr = fake_verbs.error ? NULL : calloc(1, sizeof(*mr));

	(void)iova;
	(void)access;
	if (fake_verbs.on_register)
		fake_verbs.on_register();
	if (!mr) {
		errno = fake_verbs.error;
		return NULL;
	}
	mr->context = pd->context;
	mr->pd = pd;
	mr->addr = addr;
	mr->length = length;
	mr->lkey = __atomic_add_fetch(&fake_verbs.last_lkey, 1, __ATOMIC_RELAXED);
	return mr;
}

/* Through the PLT, as in rdma-core. */
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
	(void)pd;
	(void)access;
	if (flags & IBV_REREG_MR_CHANGE_TRANSLATION &&
	    (!fake_verbs.rereg || fake_verbs.rereg == IBV_REREG_MR_ERR_DO_FORK_OLD)) {
		mr->addr = addr;
		mr->length = length;
	}
	return fake_verbs.rereg;
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	free(mr);
	return 0;
}
