// SPDX-License-Identifier: MIT
/* The two ends in one process. */
#include "odp.h"

/* rdma_rxe may lose the completion of a transfer (peer.c), but not of so many in a row. */
#define NR_ATTEMPTS	4

static void loop_connect(struct loop *loop)
{
	peer_connect(&loop->responder, loop->requester.qp->qp_num);
	peer_connect(&loop->requester, loop->responder.qp->qp_num);
}

void loop_open(struct loop *loop, void *memory)
{
	peer_open(&loop->responder);
	peer_open_requester(&loop->requester);
	loop->memory = memory;
	loop->mr = peer_register(&loop->responder, memory, LENGTH);
	loop->remote = (struct remote) {
		.qp_num = loop->responder.qp->qp_num,
		.rkey = loop->mr->rkey,
		.addr = (uintptr_t)memory,
	};
	loop_connect(loop);
	CHECK(engine_has_subscriptions(1));
}

int loop_transfer(struct loop *loop, enum ibv_wr_opcode opcode, size_t length)
{
	int i, status = PEER_LOST;

	for (i = 0; i < NR_ATTEMPTS && status == PEER_LOST; i++) {
		status = peer_transfer(&loop->requester, &loop->remote, opcode, length);
		if (status == PEER_LOST)
			test_note("rdma_rxe lost a completion");
		if (status != IBV_WC_SUCCESS)
			loop_connect(loop);
	}
	return status;
}

void loop_reads(struct loop *loop, uint64_t value)
{
	memory_write(loop->requester.buffer, ~value);
	CHECK_EQ(loop_transfer(loop, IBV_WR_RDMA_READ, LENGTH), IBV_WC_SUCCESS);
	CHECK_EQ(memory_other_than(loop->requester.buffer, value), value);
}

void loop_writes(struct loop *loop, uint64_t value)
{
	memory_write(loop->requester.buffer, value);
	CHECK_EQ(loop_transfer(loop, IBV_WR_RDMA_WRITE, LENGTH), IBV_WC_SUCCESS);
	CHECK_EQ(memory_other_than(loop->memory, value), value);
}

void loop_is_refused(struct loop *loop, enum ibv_wr_opcode opcode)
{
	int status = loop_transfer(loop, opcode, LENGTH);

	CHECK(status != IBV_WC_SUCCESS);
	CHECK(status != PEER_LOST);
}

void loop_touch(struct loop *loop, uint64_t value)
{
	memory_write(loop->memory, 0);
	loop_writes(loop, value);
	loop_reads(loop, value);
}
