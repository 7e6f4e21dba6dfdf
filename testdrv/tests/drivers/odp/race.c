// SPDX-License-Identifier: MIT
/* odp: a thread exchanges the first page without pause while the peer reads the page. */
#include "odp.h"
#include "race.h"

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
