// SPDX-License-Identifier: MIT
/* See engine.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"
#include "test.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif

#define COUNTERS	"/sys/kernel/debug/pinwatch/counters"
#define SETTLE_NS	(5 * NS_PER_S)

bool engine_is_pinwatch(void)
{
	const char *engine = getenv("ENGINE");

	CHECK(engine);
	if (!strcmp(engine, "pinwatch"))
		return true;
	CHECK(!strcmp(engine, "kernel"));
	return false;
}

uint64_t engine_counter(const char *name)
{
	FILE *file = fopen(COUNTERS, "re");
	char word[32];
	uint64_t value;

	CHECK(file);
	while (fscanf(file, "%31s %" SCNu64, word, &value) == 2) {
		if (strcmp(word, name) != 0)
			continue;
		fclose(file);
		return value;
	}
	FAIL("pinwatch has no counter %s", name);
}

uint64_t engine_callbacks(void)
{
	return engine_counter("callbacks");
}

void engine_called_since(uint64_t before)
{
	uint64_t callbacks = engine_callbacks() - before;

	if (engine_is_pinwatch())
		CHECK(callbacks > 0);
	else
		CHECK_EQ(callbacks, 0);
}

bool engine_has_subscriptions(uint64_t expected)
{
	uint64_t deadline = now_ns() + SETTLE_NS;

	if (!engine_is_pinwatch())
		expected = 0;
	while (engine_counter("nr_subscriptions") != expected) {
		if (now_ns() > deadline)
			return false;
		usleep(1000);
	}
	return true;
}

void engine_refuses_mrelease(pid_t pid)
{
	uint64_t callbacks = engine_callbacks(), vetoes = engine_counter("vetoes");
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	CHECK(pidfd >= 0);
	CHECK_EQ(syscall(SYS_process_mrelease, pidfd, 0) ? errno : 0, EAGAIN);
	CHECK_EQ(engine_callbacks(), callbacks);
	CHECK_EQ(engine_counter("vetoes") > vetoes, engine_is_pinwatch());
	close(pidfd);
}

void engine_hold(pid_t pid)
{
	int status;

	CHECK(!ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT));
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
}

void engine_release(pid_t pid)
{
	int status;

	CHECK(!ptrace(PTRACE_CONT, pid, NULL, 0));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}
