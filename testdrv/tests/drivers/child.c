// SPDX-License-Identifier: MIT
/* See child.h. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "memory.h"
#include "test.h"

/*
 * Keep the pages as they are, without a write, until the parent says so; then the contents
 * are still those of the beginning, and those that the parent expects.
 */
static void child_main(int channel, const uint64_t *memory, const uint64_t *expected)
{
	static uint64_t copy[NR_WORDS];

	memcpy(copy, memory, LENGTH);
	CHECK_EQ(channel_send(channel, -1), 0);
	CHECK_EQ(channel_receive(channel, NULL), 0);
	CHECK(!memcmp(copy, memory, LENGTH));
	if (expected)
		CHECK_EQ(memory_other_than(memory, *expected), *expected);
	_exit(0);
}

struct child child_start(const uint64_t *memory, const uint64_t *expected)
{
	struct child child;
	int ends[2];

	CHECK_EQ(channel_open(ends), 0);
	child.pid = fork();
	CHECK(child.pid >= 0);
	if (!child.pid) {
		close(ends[0]);
		child_main(ends[1], memory, expected);
	}
	close(ends[1]);
	child.channel = ends[0];
	CHECK_EQ(channel_receive(child.channel, NULL), 0);
	return child;
}

void child_end(const struct child *child)
{
	int status;

	CHECK_EQ(channel_send(child->channel, -1), 0);
	CHECK_EQ(waitpid(child->pid, &status, 0), child->pid);
	CHECK_EQ(status, 0);
	close(child->channel);
}

void child_kill(pid_t pid)
{
	int status;

	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}
