// SPDX-License-Identifier: MIT
/*
 * engine: pinwatch beside the kernel's own notifier
 *
 * A pair is two subscriptions over the same interval, one in each engine. Threads change
 * the memory under the pairs at random, in bursts. Between two bursts, when nothing is in
 * flight, both subscriptions of a pair must have been called back for the same events and
 * ranges, and must give the same verdict on a read section that began before the burst.
 * Pairs are inserted, read and removed between and during bursts.
 *
 * Differences that are allowed, and counted:
 *   unaligned	pinwatch rounds a range to whole pages, the kernel does not. The test
 *		compares rounded ranges.
 *   meanwhile	The pair was inserted during a burst. The subscription that was inserted
 *		first sees more. The kernel also defers the insert until nothing is in
 *		flight, whereas pinwatch marks the subscription. From the next burst on
 *		both are equal.
 *   release	At the end of the mm, pinwatch calls back RELEASE and UNMAP at once, the
 *		kernel one after the other as the mm is torn down.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"
#include "differential.h"

#define NR_OPERATIONS	1000000
#define MAX_PAIRS	60
#define MAX_BURST	150
#define MAX_MEANWHILE	30

enum { PW, KERNEL, NR_ENGINES };

struct pair {
	bool used;
	bool meanwhile;		/* inserted during the last burst */
	bool rejecting;
	unsigned int id[NR_ENGINES];
	uint64_t seq[NR_ENGINES];
	struct pinwatch_test_read last[NR_ENGINES];
};

/* State, in memory shared by both processes */
struct differential {
	uint64_t random;
	int fd;
	struct workers workers;
	struct pair pairs[MAX_PAIRS];
	uint64_t nr_operations;
	uint64_t nr_bursts;
	uint64_t nr_compared;
	uint64_t nr_callbacks;
	uint64_t nr_retries;
	uint64_t nr_unaligned;
	uint64_t nr_meanwhile;
	uint64_t nr_meanwhile_different;
	uint64_t nr_slept;
	uint64_t nr_failed;
	char failed[512];
};

static struct differential *diff;

static uint32_t below(uint32_t limit)
{
	return random_below(&diff->random, limit);
}

static void fail(const char *what, const struct pair *pair,
		 const struct pinwatch_test_read *now)
{
	if (diff->nr_failed++)
		return;
	snprintf(diff->failed, sizeof(diff->failed),
		 "%s: burst %" PRIu64
		 ", ids %u %u%s: callbacks %llu %llu (before %llu %llu), events %#x %#x",
		 what, diff->nr_bursts, pair->id[PW], pair->id[KERNEL],
		 pair->rejecting ? " rejecting" : "",
		 (unsigned long long)now[PW].callbacks,
		 (unsigned long long)now[KERNEL].callbacks,
		 (unsigned long long)pair->last[PW].callbacks,
		 (unsigned long long)pair->last[KERNEL].callbacks, now[PW].events,
		 now[KERNEL].events);
}

static void pair_read(const struct pair *pair, struct pinwatch_test_read *read)
{
	read[PW] = sub_read(diff->fd, pair->id[PW]);
	read[KERNEL] = sub_read(diff->fd, pair->id[KERNEL]);
}

static void pair_insert(bool meanwhile)
{
	static const unsigned int behaviours[] = {
		PINWATCH_TEST_COUNTING, PINWATCH_TEST_COUNTING, PINWATCH_TEST_COUNTING,
		PINWATCH_TEST_COUNTING, PINWATCH_TEST_REJECTING, PINWATCH_TEST_SLOW,
	};
	unsigned int start = below(NR_PAGES * PAGE - 1), i, engine = below(2);
	unsigned int limit = NR_PAGES * PAGE - start;
	struct pinwatch_test_add add = {
		.behaviour = behaviours[below(6)],
		.sleep_us = 50,
		.start = (uintptr_t)diff->workers.area + start,
		.length = 1 + below(below(4) && limit > 4 * PAGE ? 4 * PAGE : limit),
	};
	struct pair *pair = diff->pairs;

	while (pair < diff->pairs + MAX_PAIRS && pair->used)
		pair++;
	if (pair == diff->pairs + MAX_PAIRS)
		return;
	memset(pair, 0, sizeof(*pair));
	for (i = 0; i < NR_ENGINES; i++, engine ^= 1) {
		add.engine = engine == PW ? PINWATCH_TEST_PINWATCH : PINWATCH_TEST_KERNEL;
		pair->id[engine] = sub_add_with(diff->fd, add);
	}
	pair->rejecting = add.behaviour == PINWATCH_TEST_REJECTING;
	pair->meanwhile = meanwhile;
	pair->used = true;
	diff->nr_operations++;
}

static struct pair *pair_any(void)
{
	struct pair *pair = &diff->pairs[below(MAX_PAIRS)];

	return pair->used ? pair : NULL;
}

static void pair_remove(struct pair *pair)
{
	unsigned int i, engine = below(2);

	for (i = 0; i < NR_ENGINES; i++, engine ^= 1)
		sub_del(diff->fd, pair->id[engine]);
	pair->used = false;
	diff->nr_operations++;
}

/* A section of both during a burst: only checks the return of read_begin. */
static void pair_section(struct pair *pair)
{
	unsigned int i, engine = below(2);

	for (i = 0; i < NR_ENGINES; i++, engine ^= 1)
		sub_retry(diff->fd, pair->id[engine],
			  sub_begin(diff->fd, pair->id[engine]).seq);
	diff->nr_operations += 2;
}

/* Nothing is in flight: read_begin must not sleep, and the sections must be valid. */
static void pair_begin(struct pair *pair)
{
	struct pinwatch_test_begin begin;
	int engine;

	for (engine = 0; engine < NR_ENGINES; engine++) {
		begin = sub_begin(diff->fd, pair->id[engine]);
		pair->seq[engine] = begin.seq;
		diff->nr_slept += begin.time.sleeps;
		if (sub_retry(diff->fd, pair->id[engine], begin.seq))
			fail("a section without anything in flight is not good", pair,
			     pair->last);
	}
	diff->nr_operations++;
}

/* Compare the callbacks since the last comparison. */
static bool same_callbacks(const struct pair *pair, const struct pinwatch_test_read *now)
{
	const struct pinwatch_test_read *last = pair->last;

	return now[PW].callbacks - last[PW].callbacks ==
	       now[KERNEL].callbacks - last[KERNEL].callbacks &&
	       now[PW].digest - last[PW].digest ==
	       now[KERNEL].digest - last[KERNEL].digest;
}

/* Nothing is in flight. */
static void pair_compare(struct pair *pair)
{
	struct pinwatch_test_read now[NR_ENGINES];
	bool retry[NR_ENGINES], hit;
	int engine;

	pair_read(pair, now);
	diff->nr_compared++;
	if (pair->meanwhile) {
		diff->nr_meanwhile++;
		diff->nr_meanwhile_different += !same_callbacks(pair, now);
		goto out;
	}
	if (!same_callbacks(pair, now))
		fail("different callbacks", pair, now);
	for (engine = 0; engine < NR_ENGINES; engine++)
		retry[engine] = sub_retry(diff->fd, pair->id[engine],
					  pair->seq[engine]);
	hit = now[KERNEL].callbacks != pair->last[KERNEL].callbacks &&
	      !pair->rejecting;
	if (retry[PW] != retry[KERNEL] || retry[PW] != hit)
		fail("different verdicts", pair, now);
	diff->nr_retries += retry[PW];
	diff->nr_callbacks += now[PW].callbacks - pair->last[PW].callbacks;
	diff->nr_unaligned += now[KERNEL].unaligned - pair->last[KERNEL].unaligned;
	diff->nr_operations++;
out:
	memcpy(pair->last, now, sizeof(now));
	pair->meanwhile = false;
}

/* Insert, read and remove pairs during a burst. */
static void meanwhile(void)
{
	unsigned int nr = below(MAX_MEANWHILE);
	struct pair *pair;

	while (nr--) {
		pair = pair_any();
		switch (below(4)) {
		case 0:
			pair_insert(true);
			break;
		case 1:
			if (pair)
				pair_remove(pair);
			break;
		default:
			if (pair)
				pair_section(pair);
			break;
		}
	}
}

static void burst(void)
{
	unsigned int nr = 1 + below(below(2) ? MAX_BURST : 4), i;
	struct pair *pair;

	pair_insert(false);
	for (i = below(3); i; i--)
		pair_insert(false);
	pair = pair_any();
	if (pair)
		pair_remove(pair);
	for (pair = diff->pairs; pair < diff->pairs + MAX_PAIRS; pair++)
		if (pair->used)
			pair_begin(pair);

	workers_burst(&diff->workers, nr);
	meanwhile();
	workers_join(&diff->workers);
	diff->nr_operations += (uint64_t)nr * NR_WORKERS;
	diff->nr_bursts++;

	for (pair = diff->pairs; pair < diff->pairs + MAX_PAIRS; pair++)
		if (pair->used)
			pair_compare(pair);
}

static void run_subject(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	diff->random = test_seed();
	workers_start(&diff->workers, test_seed());
	while (diff->nr_operations < NR_OPERATIONS && !diff->nr_failed)
		burst();
	workers_stop(&diff->workers);
	_exit(0);
}

/* The mm has ended: both subscriptions of each pair must have seen the end. */
static void compare_ends(void)
{
	unsigned int equal = 0, told = 0, nr = 0;
	struct pinwatch_test_read now[NR_ENGINES];
	struct pair *pair;

	for (pair = diff->pairs; pair < diff->pairs + MAX_PAIRS; pair++) {
		if (!pair->used)
			continue;
		pair_read(pair, now);
		nr++;
		equal += same_callbacks(pair, now);
		told += now[PW].events & now[KERNEL].events & EVENT_RELEASE &&
			now[PW].events & EVENT_UNMAP;
	}
	test_check(told == nr, "release: both engines call back all of %u pairs", nr);
	test_note("release: %u pairs have equal callbacks", equal);
}

TEST(engine_differential, .seconds = 3600, .full = true)
{
	int status;
	pid_t pid;

	diff = mmap(NULL, sizeof(*diff), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(diff != MAP_FAILED);
	diff->fd = driver_open();
	fflush(stdout);
	pid = fork();
	if (!pid)
		run_subject();
	CHECK(pid >= 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	test_check(!status, "the process succeeds (status %#x)", status);
	test_note("%" PRIu64 " operations in %" PRIu64 " bursts, %" PRIu64 " callbacks, %"
		  PRIu64 " sections to retry", diff->nr_operations, diff->nr_bursts,
		  diff->nr_callbacks, diff->nr_retries);
	test_check(diff->nr_operations >= NR_OPERATIONS, "all operations were done");
	if (diff->nr_failed)
		test_note("%s", diff->failed);
	test_check(!diff->nr_failed, "the same callbacks and verdicts in %" PRIu64
		   " comparisons", diff->nr_compared);
	test_check(diff->nr_callbacks > NR_OPERATIONS / 10 && diff->nr_retries > 1000,
		   "there were callbacks and retries to compare");
	test_check(!diff->nr_slept, "without anything in flight no read_begin sleeps");
	test_note("unaligned: %" PRIu64 " callbacks, equal when rounded",
		  diff->nr_unaligned);
	test_note("meanwhile: %" PRIu64 " pairs inserted during a burst, %" PRIu64
		  " of these pairs differ", diff->nr_meanwhile,
		  diff->nr_meanwhile_different);
	compare_ends();
	close(diff->fd);
}
