/* SPDX-License-Identifier: MIT */
/*
 * One end of a reliable connection over the software RDMA device. The requester posts RDMA
 * reads and writes of the memory that the responder has registered. Both ends may be in one
 * process, or each in its own.
 */
#ifndef PEER_H
#define PEER_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/* At most so many transfers are posted at a time. */
#define PEER_DEPTH	16

/* The result of peer_wait() if no completion arrived in time. */
#define PEER_LOST	(-1)

/**
 * struct peer - an end
 * @buffer: LENGTH bytes of the requester, shared and pinned: the destination of reads, and
 *	the source of writes.
 * @local: The registration of @buffer.
 */
struct peer {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	union ibv_gid gid;
	int gid_index;
	uint64_t *buffer;
	struct ibv_mr *local;
};

/**
 * struct remote - what the requester needs to know of the responder
 */
struct remote {
	uint32_t qp_num;
	uint32_t rkey;
	uint64_t addr;
};

/* Wait until the device has its address. False: the address did not appear in time. */
bool peer_device_ready(void);
/* Open the device, and make a queue pair. A failure fails the test. */
void peer_open(struct peer *peer);
/* Also make @buffer. */
void peer_open_requester(struct peer *peer);
/* Connect the queue pair, again if it was connected, with the other end's. */
void peer_connect(struct peer *peer, uint32_t qp_num);
/* Register memory for on-demand paging. The other end may read and write. */
struct ibv_mr *peer_register(struct peer *peer, void *addr, size_t length);

/* Post a read or a write of the first @length bytes. */
void peer_post(struct peer *peer, const struct remote *remote, enum ibv_wr_opcode opcode,
	       size_t length);
/* Wait for the next completion. Returns its status (enum ibv_wc_status), or PEER_LOST. */
int peer_wait(struct peer *peer);
/* Both. */
int peer_transfer(struct peer *peer, const struct remote *remote, enum ibv_wr_opcode opcode,
		  size_t length);

#endif /* PEER_H */
