// SPDX-License-Identifier: MIT
/*
 * odp: the process with the registration dies or executes another program amid transfers.
 * The peer is another process. A transfer that succeeds had the contents from before.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "odp.h"

#define VALUE	0x3001

/* How the descriptor of the device outlives the memory of the victim. */
enum keep { KEEP_NOTHING, KEEP_IN_CHILD, KEEP_ACROSS_EXEC };

/**
 * struct victim - a process with a registration, and the peer in this process
 * @shared: What the victim and this process tell each other, in turn.
 */
struct victim {
	pid_t pid;
	int channel;
	struct peer requester;
	struct shared {
		struct remote remote;
		uint32_t requester;
	} *shared;
};

/* A child has the descriptors of the victim, until this process closes the channel. */
static void keeper_start(const struct victim *victim)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return;
	CHECK_EQ(channel_receive(victim->channel, NULL), -EPIPE);
	_exit(0);
}

static void victim_main(struct victim *victim, enum keep keep)
{
	uint64_t *memory = memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct peer responder;
	struct ibv_mr *mr;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memory_write(memory, VALUE);
	peer_open(&responder);
	mr = peer_register(&responder, memory, LENGTH);
	victim->shared->remote = (struct remote) {
		.qp_num = responder.qp->qp_num,
		.rkey = mr->rkey,
		.addr = (uintptr_t)memory,
	};
	CHECK_EQ(channel_send(victim->channel, -1), 0);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	peer_connect(&responder, victim->shared->requester);
	if (keep == KEEP_IN_CHILD)
		keeper_start(victim);
	if (keep == KEEP_ACROSS_EXEC)
		CHECK(!fcntl(responder.context->cmd_fd, F_SETFD, 0));
	CHECK_EQ(channel_send(victim->channel, -1), 0);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	/* The channel closes on exec, which tells the parent. */
	execl("/proc/self/exe", "odp", "--pause", NULL);
	_exit(1);
}

static void victim_start(struct victim *victim, enum keep keep)
{
	int ends[2];

	victim->shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	CHECK(victim->shared != MAP_FAILED);
	CHECK_EQ(channel_open(ends), 0);
	victim->pid = fork();
	CHECK(victim->pid >= 0);
	victim->channel = ends[!victim->pid];
	close(ends[!!victim->pid]);
	if (!victim->pid)
		victim_main(victim, keep);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	peer_open_requester(&victim->requester);
	victim->shared->requester = victim->requester.qp->qp_num;
	CHECK_EQ(channel_send(victim->channel, -1), 0);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	peer_connect(&victim->requester, victim->shared->remote.qp_num);
	CHECK(engine_has_subscriptions(1));
}

/* Returns the status of a read. A read that succeeds has VALUE in every word. */
static int victim_read(struct victim *victim)
{
	int status;

	memory_write(victim->requester.buffer, 0);
	status = peer_transfer(&victim->requester, &victim->shared->remote, IBV_WR_RDMA_READ,
			       LENGTH);
	if (status == IBV_WC_SUCCESS)
		CHECK_EQ(memory_other_than(victim->requester.buffer, VALUE), VALUE);
	return status;
}

static void victim_post(struct victim *victim)
{
	int i;

	memory_write(victim->requester.buffer, VALUE);
	for (i = 0; i < PEER_DEPTH; i++)
		peer_post(&victim->requester, &victim->shared->remote, IBV_WR_RDMA_READ, LENGTH);
}

/* The buffer had VALUE before the reads, and no read brought another value. */
static void victim_complete(struct victim *victim)
{
	int i;

	for (i = 0; i < PEER_DEPTH; i++)
		if (peer_wait(&victim->requester) == PEER_LOST)
			break;
	CHECK_EQ(memory_other_than(victim->requester.buffer, VALUE), VALUE);
}

TEST(odp_kill_amid_reads)
{
	struct victim victim;

	victim_start(&victim, KEEP_NOTHING);
	CHECK_EQ(victim_read(&victim), IBV_WC_SUCCESS);
	victim_post(&victim);
	child_kill(victim.pid);
	victim_complete(&victim);
	CHECK(engine_has_subscriptions(0));
}

/* The registration outlives the memory, and the peer reaches nothing through it. */
TEST(odp_kill_with_kept_descriptor)
{
	struct victim victim;
	uint64_t callbacks;

	victim_start(&victim, KEEP_IN_CHILD);
	CHECK_EQ(victim_read(&victim), IBV_WC_SUCCESS);
	victim_post(&victim);
	callbacks = engine_callbacks();
	child_kill(victim.pid);
	engine_called_since(callbacks);
	victim_complete(&victim);
	CHECK(engine_has_subscriptions(1));
	CHECK(victim_read(&victim) != IBV_WC_SUCCESS);
	close(victim.channel);
	CHECK(engine_has_subscriptions(0));
}

TEST(odp_exec_amid_reads)
{
	struct victim victim;
	uint64_t callbacks;

	victim_start(&victim, KEEP_ACROSS_EXEC);
	CHECK_EQ(victim_read(&victim), IBV_WC_SUCCESS);
	victim_post(&victim);
	callbacks = engine_callbacks();
	CHECK_EQ(channel_send(victim.channel, -1), 0);
	CHECK_EQ(channel_receive(victim.channel, NULL), -EPIPE);
	engine_called_since(callbacks);
	victim_complete(&victim);
	CHECK(engine_has_subscriptions(1));
	CHECK(victim_read(&victim) != IBV_WC_SUCCESS);
	child_kill(victim.pid);
	CHECK(engine_has_subscriptions(0));
}

/* The memory stays until the process exits. */
TEST(odp_mrelease)
{
	struct victim victim;

	victim_start(&victim, KEEP_NOTHING);
	CHECK_EQ(victim_read(&victim), IBV_WC_SUCCESS);
	victim_post(&victim);
	engine_hold(victim.pid);
	engine_refuses_mrelease(victim.pid);
	victim_complete(&victim);
	victim_read(&victim);
	engine_release(victim.pid);
	CHECK(engine_has_subscriptions(0));
	CHECK(victim_read(&victim) != IBV_WC_SUCCESS);
}
