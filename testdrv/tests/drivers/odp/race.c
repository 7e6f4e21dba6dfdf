// SPDX-License-Identifier: MIT
/* odp: a thread exchanges the first page without pause while the peer reads the page. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "odp.h"
#include "race.h"

#define STRESS_NS	(60 * NS_PER_S)

/* Returns whether the read completed. */
static bool loop_races(struct loop *loop, struct race *race)
{
	uint64_t oldest = race_oldest(race);
	int status = peer_transfer(&loop->requester, &loop->remote, IBV_WR_RDMA_READ, PAGE);

	if (status == PEER_LOST)
		return false;
	CHECK_EQ(status, IBV_WC_SUCCESS);
	race_check(race, loop->requester.buffer, oldest);
	return true;
}

static void race_run(race_exchange *exchange)
{
	uint64_t end, callbacks;
	struct race race;
	struct loop loop;
	int nr_reads = 0;

	race_open(&race, exchange);
	loop_open(&loop, race.memory);
	callbacks = engine_callbacks();
	race_start(&race);
	for (end = now_ns() + RACE_NS; now_ns() < end && loop_races(&loop, &race); nr_reads++)
		;
	race_stop(&race);
	engine_called_since(callbacks);
	test_note("%d reads, %llu exchanges", nr_reads, (unsigned long long)race.written);
	CHECK(nr_reads > 0 && race.written > 1);
	CHECK_EQ(loop_transfer(&loop, IBV_WR_RDMA_READ, PAGE), IBV_WC_SUCCESS);
	race_check(&race, loop.requester.buffer, race.written);
}

TEST(odp_race_dontneed)
{
	race_run(race_dontneed);
}

TEST(odp_race_map)
{
	race_run(race_map);
}

TEST(odp_race_punch)
{
	race_run(race_punch);
}

TEST(odp_race_protect)
{
	race_run(race_protect);
}

TEST(odp_race_fork)
{
	race_run(race_fork);
}

/* One race after another, each in a process. Half of the processes are killed amid the race. */
TEST(odp_stress, .seconds = 300, .full = true)
{
	static race_exchange *const exchanges[] = {
		race_dontneed, race_map, race_punch, race_protect, race_fork,
	};
	uint64_t end = now_ns() + STRESS_NS, callbacks = engine_callbacks();
	unsigned int nr_races = 0, nr_kills = 0;
	uint64_t random = test_seed();
	race_exchange *exchange;
	int status;
	pid_t pid;

	for (; now_ns() < end; nr_races++) {
		exchange = exchanges[random_below(&random, 5)];
		fflush(stdout);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid) {
			race_run(exchange);
			_exit(0);
		}
		if (random_below(&random, 2)) {
			usleep(random_below(&random, RACE_NS / 1000));
			child_kill(pid);
			nr_kills++;
		} else {
			CHECK_EQ(waitpid(pid, &status, 0), pid);
			CHECK_EQ(status, 0);
		}
		CHECK(engine_has_subscriptions(0));
	}
	test_note("%u races, %u killed, %llu callbacks", nr_races, nr_kills,
		  (unsigned long long)(engine_callbacks() - callbacks));
	engine_called_since(callbacks);
	CHECK(nr_kills && nr_races > nr_kills);
}
