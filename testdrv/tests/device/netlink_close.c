// SPDX-License-Identifier: MIT
/* The close of a descriptor beside a dump that is preempted. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu.h"
#include "device.h"
#include "genl.h"

#define DUMPED		5000	/* watches: more than one call of the dump returns */

static void count_watch(const struct genl_message *message, void *data)
{
	CHECK_EQ(message->cmd, PINWATCH_CMD_WATCH_GET);
	(*(size_t *)data)++;
}

/* Run on @cpu only, with @policy. */
static void run_on(int cpu, int policy)
{
	struct sched_param param = { 0 };

	run_on_cpu(cpu);
	CHECK_EQ(sched_setscheduler(0, policy, &param), 0);
}

/* Dump all watches, again and again, whenever nothing else wants to run on CPU 0. */
static void dump_for_ever(void)
{
	struct genl_request request;
	struct genl_ack ack;
	struct genl genl;
	size_t nr;

	genl_open(&genl);
	run_on(0, SCHED_IDLE);
	for (;;) {
		nr = 0;
		request_begin(&request, &genl, PINWATCH_CMD_WATCH_GET, NLM_F_DUMP);
		CHECK_EQ(genl_ask(&genl, &request, &ack, count_watch, &nr), 0);
		CHECK_EQ(nr, DUMPED);
	}
}

static void spin_for_ever(void)
{
	run_on(0, SCHED_OTHER);
	for (;;)
		;
}

static pid_t fork_run(void (*run)(void))
{
	pid_t pid = fork_child();

	if (!pid)
		run();
	return pid;
}

static uint64_t open_close_ns(void)
{
	uint64_t start = now_ns();
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(close(fd), 0);
	return now_ns() - start;
}

/* In 5 s. */
static uint64_t longest_open_close_ns(void)
{
	uint64_t end, took, longest = 0, count = 0;

	for (end = now_ns() + 5 * NS_PER_S; now_ns() < end; count++) {
		took = open_close_ns();
		longest = took > longest ? took : longest;
		usleep(1000);
	}
	test_note("%llu times open and close, %llu us at most", (unsigned long long)count,
		  (unsigned long long)longest / 1000);
	return longest;
}

/*
 * A dump that is preempted by a busy task holds no lock that the close of another
 * descriptor takes. A busy host delays some close, but not one in each of three times 5 s.
 */
TEST(netlink_dump_delays_no_close)
{
	int tries, fd = open_device(0);
	uint64_t longest = NS_PER_S;
	pid_t pids[2];
	size_t i;

	add_many(fd, map_pages(1), DUMPED);
	pids[0] = fork_run(dump_for_ever);
	pids[1] = fork_run(spin_for_ever);
	run_on(1, SCHED_OTHER);
	for (tries = 0; tries < 3 && longest >= NS_PER_S / 4; tries++)
		longest = longest_open_close_ns();
	for (i = 0; i < 2; i++) {
		CHECK_EQ(waitpid(pids[i], NULL, WNOHANG), 0);
		CHECK_EQ(kill(pids[i], SIGKILL), 0);
		CHECK_EQ(waitpid(pids[i], NULL, 0), pids[i]);
	}
	CHECK(longest < NS_PER_S / 4);
}
