/* SPDX-License-Identifier: MIT */
/*
 * odp: a peer reads and writes on-demand memory by RDMA while the memory changes.
 * ib_core is bound to pinwatch, or, as the control, to the kernel's own notifier.
 */
#ifndef ODP_H
#define ODP_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "memory.h"
#include "peer.h"
#include "test.h"

/**
 * struct loop - a responder and a requester in one process, and the memory
 * @memory: NR_WORDS words, registered by the responder for on-demand paging.
 */
struct loop {
	struct peer responder;
	struct peer requester;
	struct remote remote;
	struct ibv_mr *mr;
	uint64_t *memory;
};

/* Register @memory, which the caller has mapped. */
void loop_open(struct loop *loop, void *memory);
/* Transfer, and reconnect unless it succeeds. Returns the status of the completion. */
int loop_transfer(struct loop *loop, enum ibv_wr_opcode opcode, size_t length);
/* The requester reads @value in every word. */
void loop_reads(struct loop *loop, uint64_t value);
/* The requester writes @value, and the process sees it. */
void loop_writes(struct loop *loop, uint64_t value);
/* A transfer completes with an error. */
void loop_is_refused(struct loop *loop, enum ibv_wr_opcode opcode);
/* The requester has written and read the memory: its pages are mapped for the device. */
void loop_touch(struct loop *loop, uint64_t value);

#endif /* ODP_H */
