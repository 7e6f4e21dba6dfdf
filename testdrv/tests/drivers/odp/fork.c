// SPDX-License-Identifier: MIT
/* odp: copy-on-write after fork, before, during and after transfers of the peer. */
#include <sys/mman.h>

#include "child.h"
#include "odp.h"

enum { OLD = 0x2001, NEW, PEER };

static void loop_open_touched(struct loop *loop)
{
	loop_open(loop, memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	loop_touch(loop, OLD);
}

TEST(odp_fork_then_process_writes)
{
	const uint64_t old = OLD;
	struct child child;
	struct loop loop;
	uint64_t callbacks;

	loop_open_touched(&loop);
	callbacks = engine_callbacks();
	child = child_start(loop.memory, &old);
	memory_write(loop.memory, NEW);
	engine_called_since(callbacks);
	loop_reads(&loop, NEW);
	loop_writes(&loop, PEER);
	child_end(&child);
}

TEST(odp_fork_then_peer_writes)
{
	const uint64_t old = OLD;
	struct child child;
	struct loop loop;
	uint64_t callbacks;

	loop_open_touched(&loop);
	callbacks = engine_callbacks();
	child = child_start(loop.memory, &old);
	engine_called_since(callbacks);
	loop_writes(&loop, PEER);
	loop_reads(&loop, PEER);
	child_end(&child);
}

/* Returns the number of transfers that did not succeed. */
static int completions_wait(struct peer *requester, int nr)
{
	int i, failed = 0;

	for (i = 0; i < nr; i++)
		failed += peer_wait(requester) != IBV_WC_SUCCESS;
	return failed;
}

/* No write that is in flight during fork reaches the child's pages after fork. */
TEST(odp_fork_amid_writes)
{
	int i, round, lost = 0;
	struct child child;
	struct loop loop;
	uint64_t callbacks;

	loop_open_touched(&loop);
	callbacks = engine_callbacks();
	for (round = 0; round < 4; round++) {
		memory_write(loop.requester.buffer, PEER + round);
		for (i = 0; i < PEER_DEPTH; i++)
			peer_post(&loop.requester, &loop.remote, IBV_WR_RDMA_WRITE, LENGTH);
		child = child_start(loop.memory, NULL);
		lost += !!completions_wait(&loop.requester, PEER_DEPTH);
		loop_writes(&loop, PEER + round);
		child_end(&child);
	}
	engine_called_since(callbacks);
	CHECK(lost < round);
}
