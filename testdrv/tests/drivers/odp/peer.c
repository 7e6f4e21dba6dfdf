// SPDX-License-Identifier: MIT
/* See peer.h. */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "peer.h"
#include "rxe.h"
#include "test.h"

/*
 * rdma_rxe itself loses a completion now and then, with the kernel's own notifier too: the
 * queue pair of the responder fails, and the requester waits for ever.
 */
#define WAIT_NS		(3 * NS_PER_S)
#define READY_NS	(5 * NS_PER_S)

/*
 * A packet has one whole page. rdma_rxe of 7.3 takes a packet that begins inside a page of an
 * on-demand registration for the beginning of the page, with the kernel's notifier too.
 */
#define PATH_MTU	IBV_MTU_4096

/* The time between two attempts of the requester is 4.096 us << ACK_TIMEOUT (67 ms). */
#define ACK_TIMEOUT	14
#define NR_RETRIES	7

#define REMOTE_ACCESS	(IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE)

static const uint8_t address[16] = { [10] = 0xff, 0xff, 10, 9, 0, 1 };

static struct ibv_context *context_open(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *context = list && list[0] ? ibv_open_device(list[0]) : NULL;

	if (list)
		ibv_free_device_list(list);
	return context;
}

/* Returns the index of the entry with the address, or -1. */
static int gid_find(struct ibv_context *context, union ibv_gid *gid)
{
	struct ibv_port_attr port;
	int i;

	if (ibv_query_port(context, RXE_PORT, &port))
		return -1;
	for (i = 0; i < port.gid_tbl_len; i++)
		if (!ibv_query_gid(context, RXE_PORT, i, gid) &&
		    !memcmp(gid->raw, address, sizeof(address)))
			return i;
	return -1;
}

static bool device_has_gid(void)
{
	struct ibv_context *context = context_open();
	union ibv_gid gid;
	bool found;

	if (!context)
		return false;
	found = gid_find(context, &gid) >= 0;
	ibv_close_device(context);
	return found;
}

bool peer_device_ready(void)
{
	uint64_t deadline = now_ns() + READY_NS;

	while (!device_has_gid()) {
		if (now_ns() > deadline)
			return false;
		usleep(10000);
	}
	return true;
}

static void check_odp(struct ibv_context *context)
{
	struct ibv_device_attr_ex attr = { 0 };

	CHECK(!ibv_query_device_ex(context, NULL, &attr));
	CHECK(attr.odp_caps.general_caps & IBV_ODP_SUPPORT);
}

void peer_open(struct peer *peer)
{
	struct ibv_qp_init_attr init = {
		.cap = { .max_send_wr = PEER_DEPTH, .max_recv_wr = 1, .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
	};

	*peer = (struct peer) { .context = context_open() };
	CHECK(peer->context);
	check_odp(peer->context);
	peer->gid_index = gid_find(peer->context, &peer->gid);
	CHECK(peer->gid_index >= 0);
	peer->pd = ibv_alloc_pd(peer->context);
	peer->cq = ibv_create_cq(peer->context, 2 * PEER_DEPTH, NULL, NULL, 0);
	CHECK(peer->pd && peer->cq);
	init.send_cq = peer->cq;
	init.recv_cq = peer->cq;
	peer->qp = ibv_create_qp(peer->pd, &init);
	CHECK(peer->qp);
}

void peer_open_requester(struct peer *peer)
{
	peer_open(peer);
	peer->buffer = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	CHECK(peer->buffer != MAP_FAILED);
	peer->local = ibv_reg_mr(peer->pd, peer->buffer, LENGTH, IBV_ACCESS_LOCAL_WRITE);
	CHECK(peer->local);
}

static void qp_reset(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };

	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_STATE), 0);
}

static void qp_init(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = RXE_PORT,
		.qp_access_flags = REMOTE_ACCESS,
	};

	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			       IBV_QP_ACCESS_FLAGS), 0);
}

static void qp_receive(const struct peer *peer, uint32_t qp_num)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = PATH_MTU,
		.dest_qp_num = qp_num,
		.max_dest_rd_atomic = 4,
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1,
			.port_num = RXE_PORT,
			.grh = { .dgid = peer->gid, .sgid_index = (uint8_t)peer->gid_index,
				 .hop_limit = 4 },
		},
	};

	CHECK_EQ(ibv_modify_qp(peer->qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
			       IBV_QP_DEST_QPN | IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
			       IBV_QP_MIN_RNR_TIMER), 0);
}

static void qp_send(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.timeout = ACK_TIMEOUT,
		.retry_cnt = NR_RETRIES,
		.rnr_retry = NR_RETRIES,
		.max_rd_atomic = 4,
	};

	CHECK_EQ(ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			       IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC), 0);
}

static void completions_drain(struct peer *peer)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(peer->cq, 1, &wc) > 0)
		;
}

/*
 * Reset twice: a task of rdma_rxe that completed a transfer with an error may set the error
 * state during the first reset, which waits for the task at its end.
 */
void peer_connect(struct peer *peer, uint32_t qp_num)
{
	qp_reset(peer->qp);
	qp_reset(peer->qp);
	completions_drain(peer);
	qp_init(peer->qp);
	qp_receive(peer, qp_num);
	qp_send(peer->qp);
}

struct ibv_mr *peer_register(struct peer *peer, void *addr, size_t length)
{
	struct ibv_mr *mr = ibv_reg_mr(peer->pd, addr, length, IBV_ACCESS_ON_DEMAND |
				       IBV_ACCESS_LOCAL_WRITE | REMOTE_ACCESS);

	CHECK(mr);
	return mr;
}

void peer_post(struct peer *peer, const struct remote *remote, enum ibv_wr_opcode opcode,
	       size_t length)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)peer->buffer,
		.length = (uint32_t)length,
		.lkey = peer->local->lkey,
	};
	struct ibv_send_wr *bad, wr = {
		.opcode = opcode,
		.sg_list = &sge,
		.num_sge = 1,
		.wr.rdma = { .remote_addr = remote->addr, .rkey = remote->rkey },
	};

	CHECK_EQ(ibv_post_send(peer->qp, &wr, &bad), 0);
}

int peer_wait(struct peer *peer)
{
	uint64_t deadline = now_ns() + WAIT_NS;
	struct ibv_wc wc;
	int nr;

	while (!(nr = ibv_poll_cq(peer->cq, 1, &wc))) {
		if (now_ns() > deadline)
			return PEER_LOST;
		sched_yield();
	}
	CHECK_EQ(nr, 1);
	return (int)wc.status;
}

int peer_transfer(struct peer *peer, const struct remote *remote, enum ibv_wr_opcode opcode,
		  size_t length)
{
	peer_post(peer, remote, opcode, length);
	return peer_wait(peer);
}
