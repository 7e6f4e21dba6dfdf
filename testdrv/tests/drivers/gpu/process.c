// SPDX-License-Identifier: MIT
/*
 * gpu: the process whose memory the GPU reaches dies, or executes another program. The
 * descriptors of the GPU live on in this process, which reads by the GPU.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "gpu.h"

#define VALUE	0x3001

/**
 * struct victim - a process, and its GPU in this process
 * @shared: The GPU as the victim has it, for @position.
 */
struct victim {
	pid_t pid;
	int channel;
	struct gpu gpu;
	struct gpu *shared;
};

static void victim_main(struct victim *victim)
{
	struct gpu *gpu = victim->shared;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	gpu_open(gpu, memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	memory_write(gpu->memory, VALUE);
	CHECK_EQ(gpu_map(gpu), 0);
	CHECK_EQ(channel_send(victim->channel, gpu->pages), 0);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	CHECK_EQ(channel_send(victim->channel, gpu->driver), 0);
	CHECK_EQ(channel_receive(victim->channel, NULL), 0);
	/* The channel closes on exec, which tells the parent. */
	execl("/proc/self/exe", "gpu", "--pause", NULL);
	_exit(1);
}

/* Receive the descriptors of the GPU. */
static void victim_receive(struct victim *victim)
{
	CHECK_EQ(channel_receive(victim->channel, &victim->gpu.pages), 0);
	CHECK_EQ(channel_send(victim->channel, -1), 0);
	CHECK_EQ(channel_receive(victim->channel, &victim->gpu.driver), 0);
	victim->gpu.position = victim->shared->position;
}

static void victim_start(struct victim *victim)
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
		victim_main(victim);
	victim_receive(victim);
	gpu_reads(&victim->gpu, VALUE);
	CHECK(engine_has_subscriptions(1));
}

/* The memory is gone, and the GPU reaches no page of it. The subscription ends with the GPU. */
static void victim_has_lost(struct victim *victim, uint64_t callbacks)
{
	engine_called_since(callbacks);
	gpu_is_unmapped(&victim->gpu);
	close(victim->gpu.pages);
	close(victim->gpu.driver);
	CHECK(engine_has_subscriptions(0));
}

TEST(gpu_kill)
{
	struct victim victim;
	uint64_t callbacks;

	victim_start(&victim);
	callbacks = engine_callbacks();
	child_kill(victim.pid);
	CHECK(engine_has_subscriptions(1));
	victim_has_lost(&victim, callbacks);
}

TEST(gpu_exec)
{
	struct victim victim;
	uint64_t callbacks;

	victim_start(&victim);
	callbacks = engine_callbacks();
	CHECK_EQ(channel_send(victim.channel, -1), 0);
	CHECK_EQ(channel_receive(victim.channel, NULL), -EPIPE);
	victim_has_lost(&victim, callbacks);
	child_kill(victim.pid);
}

/* The memory stays until the process exits. */
TEST(gpu_mrelease)
{
	struct victim victim;
	uint64_t callbacks;

	victim_start(&victim);
	engine_hold(victim.pid);
	engine_refuses_mrelease(victim.pid);
	gpu_reads(&victim.gpu, VALUE);
	callbacks = engine_callbacks();
	engine_release(victim.pid);
	victim_has_lost(&victim, callbacks);
}
