// SPDX-License-Identifier: MIT
/*
 * Posts
 *
 * ibv_post_send(), ibv_post_recv() and ibv_post_srq_recv() are inline functions that call
 * through context->ops. Each context is wrapped when memory is registered with it, before
 * ibv_reg_mr() returns the lkey: it does not matter which function opened the device.
 */
#include <pthread.h>

#include "mr.h"

#define NR_CONTEXTS	64

/*
 * struct wrapped - a context and its own functions
 *
 * An entry is written under the lock, and published by nr_wrapped or by the store of
 * post_send. A context may be freed, and another one made at the same address: the entry is
 * written again before the program has an lkey of the new context.
 */
struct wrapped {
	struct ibv_context *context;
	int (*post_send)(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad);
	int (*post_recv)(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
	int (*post_srq_recv)(struct ibv_srq *srq, struct ibv_recv_wr *wr,
			     struct ibv_recv_wr **bad);
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wrapped wrapped[NR_CONTEXTS];
static unsigned int nr_wrapped;	/* atomic; grows only */

static struct wrapped *wrapped_find(const struct ibv_context *context)
{
	unsigned int i, nr = __atomic_load_n(&nr_wrapped, __ATOMIC_ACQUIRE);

	for (i = 0; i < nr; i++)
		if (wrapped[i].context == context)
			return &wrapped[i];
	return NULL;
}

/* Other requests take nothing from sg_list, and a program may leave the list undefined. */
static bool sends_memory(const struct ibv_send_wr *wr)
{
	if (wr->send_flags & IBV_SEND_INLINE)
		return false;
	return wr->opcode != IBV_WR_LOCAL_INV && wr->opcode != IBV_WR_BIND_MW &&
	       wr->opcode != IBV_WR_DRIVER1;
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	const struct ibv_send_wr *each;

	if (mr_use_possible())
		for (each = wr; each; each = each->next)
			if (sends_memory(each))
				mr_use(qp->context, each->sg_list, each->num_sge);
	return wrapped_find(qp->context)->post_send(qp, wr, bad);
}

static void recv_use(struct ibv_context *context, const struct ibv_recv_wr *wr)
{
	if (mr_use_possible())
		for (; wr; wr = wr->next)
			mr_use(context, wr->sg_list, wr->num_sge);
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	recv_use(qp->context, wr);
	return wrapped_find(qp->context)->post_recv(qp, wr, bad);
}

static int post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	recv_use(srq->context, wr);
	return wrapped_find(srq->context)->post_srq_recv(srq, wr, bad);
}

static void context_wrap(struct ibv_context *context)
{
	struct wrapped *entry = wrapped_find(context);

	if (!entry && nr_wrapped == NR_CONTEXTS)
		return;
	if (!entry) {
		entry = &wrapped[nr_wrapped];
		entry->context = context;
	}
	if (context->ops.post_recv != post_recv)
		entry->post_recv = context->ops.post_recv;
	if (context->ops.post_srq_recv != post_srq_recv)
		entry->post_srq_recv = context->ops.post_srq_recv;
	entry->post_send = context->ops.post_send;
	if (entry == &wrapped[nr_wrapped])
		__atomic_store_n(&nr_wrapped, nr_wrapped + 1, __ATOMIC_RELEASE);
	/* Release: a thread that posts sees the entry. */
	__atomic_store_n(&context->ops.post_recv, post_recv, __ATOMIC_RELEASE);
	__atomic_store_n(&context->ops.post_srq_recv, post_srq_recv, __ATOMIC_RELEASE);
	__atomic_store_n(&context->ops.post_send, post_send, __ATOMIC_RELEASE);
}

void mr_post_wrap(struct ibv_context *context)
{
	if (__atomic_load_n(&context->ops.post_send, __ATOMIC_RELAXED) == post_send)
		return;
	pthread_mutex_lock(&lock);
	if (context->ops.post_send != post_send)
		context_wrap(context);
	pthread_mutex_unlock(&lock);
}

static void fork_prepare(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_done(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void handlers_register(void)
{
	(void)pthread_atfork(fork_prepare, fork_done, fork_done);
}
