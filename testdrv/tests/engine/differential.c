// SPDX-License-Identifier: MIT
/*
 * engine: pinwatch beside the kernel's own notifier
 *
 * *Twins* are two subscriptions over one interval, one with either engine. Threads
 * change the memory under them at random, in bursts; in between, when nothing is in
 * flight, both must have been called back for the same events and ranges, and give
 * the same verdict on a read section that began before the burst. Meanwhile twins are
 * inserted, read and removed, also during bursts.
 *
 * The differences that may be, each counted:
 *   unaligned	pinwatch rounds ranges out to whole pages, the kernel does not. They
 *		are compared rounded.
 *   meanwhile	inserted during a burst: one after the other, so that the first is
 *		told more; and the kernel defers it to the next quiet moment, where
 *		pinwatch marks it. They are equal from the next burst on.
 *   release	pinwatch tells of the end by RELEASE and UNMAP at once, the kernel as
 *		it happens.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"
#include "differential.h"

#define NR_OPERATIONS	100000
#define MAX_TWINS	60
#define MAX_BURST	150
#define MAX_MEANWHILE	30

enum { PW, KERNEL, NR_ENGINES };

struct twins {
	bool used;
	bool meanwhile;		/* inserted during the burst that has just been */
	bool rejecting;
	unsigned int id[NR_ENGINES];
	uint64_t seq[NR_ENGINES];
	struct pinwatch_test_read last[NR_ENGINES];
};

/* Shared with the process that runs it all */
struct differential {
	uint64_t random;
	int fd;
	struct workers workers;
	struct twins twins[MAX_TWINS];
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

static void fail(const char *what, const struct twins *twins,
		 const struct pinwatch_test_read *now)
{
	if (diff->nr_failed++)
		return;
	snprintf(diff->failed, sizeof(diff->failed),
		 "%s: burst %" PRIu64
		 ", ids %u %u%s: callbacks %llu %llu (before %llu %llu), events %#x %#x",
		 what, diff->nr_bursts, twins->id[PW], twins->id[KERNEL],
		 twins->rejecting ? " rejecting" : "",
		 (unsigned long long)now[PW].callbacks,
		 (unsigned long long)now[KERNEL].callbacks,
		 (unsigned long long)twins->last[PW].callbacks,
		 (unsigned long long)twins->last[KERNEL].callbacks, now[PW].events,
		 now[KERNEL].events);
}

static void twins_read(const struct twins *twins, struct pinwatch_test_read *read)
{
	read[PW] = lab_read(diff->fd, twins->id[PW]);
	read[KERNEL] = lab_read(diff->fd, twins->id[KERNEL]);
}

static void twins_insert(bool meanwhile)
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
	struct twins *twins = diff->twins;

	while (twins < diff->twins + MAX_TWINS && twins->used)
		twins++;
	if (twins == diff->twins + MAX_TWINS)
		return;
	memset(twins, 0, sizeof(*twins));
	for (i = 0; i < NR_ENGINES; i++, engine ^= 1) {
		add.engine = engine == PW ? PINWATCH_TEST_PINWATCH : PINWATCH_TEST_KERNEL;
		twins->id[engine] = lab_add_with(diff->fd, add);
	}
	twins->rejecting = add.behaviour == PINWATCH_TEST_REJECTING;
	twins->meanwhile = meanwhile;
	twins->used = true;
	diff->nr_operations++;
}

static struct twins *twins_any(void)
{
	struct twins *twins = &diff->twins[below(MAX_TWINS)];

	return twins->used ? twins : NULL;
}

static void twins_remove(struct twins *twins)
{
	unsigned int i, engine = below(2);

	for (i = 0; i < NR_ENGINES; i++, engine ^= 1)
		lab_del(diff->fd, twins->id[engine]);
	twins->used = false;
	diff->nr_operations++;
}

/* A section on both, while the memory changes: only that it ends is looked at. */
static void twins_section(struct twins *twins)
{
	unsigned int i, engine = below(2);

	for (i = 0; i < NR_ENGINES; i++, engine ^= 1)
		lab_retry(diff->fd, twins->id[engine],
			  lab_begin(diff->fd, twins->id[engine]).seq);
	diff->nr_operations += 2;
}

/* When nothing is in flight: sections begin, without sleeping, and are good. */
static void twins_begin(struct twins *twins)
{
	struct pinwatch_test_begin begin;
	int engine;

	for (engine = 0; engine < NR_ENGINES; engine++) {
		begin = lab_begin(diff->fd, twins->id[engine]);
		twins->seq[engine] = begin.seq;
		diff->nr_slept += begin.time.sleeps;
		if (lab_retry(diff->fd, twins->id[engine], begin.seq))
			fail("a section without anything in flight is not good", twins,
			     twins->last);
	}
	diff->nr_operations++;
}

/* What both were told since the last time. */
static bool same_callbacks(const struct twins *twins, const struct pinwatch_test_read *now)
{
	const struct pinwatch_test_read *last = twins->last;

	return now[PW].callbacks - last[PW].callbacks ==
	       now[KERNEL].callbacks - last[KERNEL].callbacks &&
	       now[PW].digest - last[PW].digest ==
	       now[KERNEL].digest - last[KERNEL].digest;
}

/* When nothing is in flight any more. */
static void twins_compare(struct twins *twins)
{
	struct pinwatch_test_read now[NR_ENGINES];
	bool retry[NR_ENGINES], hit;
	int engine;

	twins_read(twins, now);
	diff->nr_compared++;
	if (twins->meanwhile) {
		diff->nr_meanwhile++;
		diff->nr_meanwhile_different += !same_callbacks(twins, now);
		goto out;
	}
	if (!same_callbacks(twins, now))
		fail("different callbacks", twins, now);
	for (engine = 0; engine < NR_ENGINES; engine++)
		retry[engine] = lab_retry(diff->fd, twins->id[engine],
					  twins->seq[engine]);
	hit = now[KERNEL].callbacks != twins->last[KERNEL].callbacks &&
	      !twins->rejecting;
	if (retry[PW] != retry[KERNEL] || retry[PW] != hit)
		fail("different verdicts", twins, now);
	diff->nr_retries += retry[PW];
	diff->nr_callbacks += now[PW].callbacks - twins->last[PW].callbacks;
	diff->nr_unaligned += now[KERNEL].unaligned - twins->last[KERNEL].unaligned;
	diff->nr_operations++;
out:
	memcpy(twins->last, now, sizeof(now));
	twins->meanwhile = false;
}

/* Twins come, are read, and go, while the workers are at it. */
static void meanwhile(void)
{
	unsigned int nr = below(MAX_MEANWHILE);
	struct twins *twins;

	while (nr--) {
		twins = twins_any();
		switch (below(4)) {
		case 0:
			twins_insert(true);
			break;
		case 1:
			if (twins)
				twins_remove(twins);
			break;
		default:
			if (twins)
				twins_section(twins);
			break;
		}
	}
}

static void burst(void)
{
	unsigned int nr = 1 + below(below(2) ? MAX_BURST : 4), i;
	struct twins *twins;

	twins_insert(false);
	for (i = below(3); i; i--)
		twins_insert(false);
	twins = twins_any();
	if (twins)
		twins_remove(twins);
	for (twins = diff->twins; twins < diff->twins + MAX_TWINS; twins++)
		if (twins->used)
			twins_begin(twins);

	workers_burst(&diff->workers, nr);
	meanwhile();
	workers_join(&diff->workers);
	diff->nr_operations += (uint64_t)nr * NR_WORKERS;
	diff->nr_bursts++;

	for (twins = diff->twins; twins < diff->twins + MAX_TWINS; twins++)
		if (twins->used)
			twins_compare(twins);
}

static void run_subject(uint64_t seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	diff->random = seed;
	workers_start(&diff->workers, seed);
	while (diff->nr_operations < NR_OPERATIONS && !diff->nr_failed)
		burst();
	workers_stop(&diff->workers);
	_exit(0);
}

/* The mm is gone: both have been told so. */
static void compare_ends(void)
{
	unsigned int equal = 0, told = 0, nr = 0;
	struct pinwatch_test_read now[NR_ENGINES];
	struct twins *twins;

	for (twins = diff->twins; twins < diff->twins + MAX_TWINS; twins++) {
		if (!twins->used)
			continue;
		twins_read(twins, now);
		nr++;
		equal += same_callbacks(twins, now);
		told += now[PW].events & now[KERNEL].events & EVENT_RELEASE &&
			now[PW].events & EVENT_UNMAP;
	}
	check(told == nr, "release: both engines tell all of %u twins", nr);
	remark("release: %u of them in the same way", equal);
}

static uint64_t choose_seed(void)
{
	const char *given = getenv("SEED");
	uint64_t seed = 0;

	if (given)
		return strtoull(given, NULL, 0) ? : 1;
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		die("getrandom");
	return seed | 1;
}

void engine_differential(void)
{
	uint64_t seed = choose_seed();
	int status;
	pid_t pid;

	remark("SEED=%#" PRIx64, seed);
	diff = mmap(NULL, sizeof(*diff), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (diff == MAP_FAILED)
		die("mmap");
	diff->fd = lab_open();
	fflush(stdout);
	pid = fork();
	if (!pid)
		run_subject(seed);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork");
	check(!status, "the process came to its end (status %#x)", status);
	remark("%" PRIu64 " operations in %" PRIu64 " bursts, %" PRIu64 " callbacks, %"
	       PRIu64 " sections to retry", diff->nr_operations, diff->nr_bursts,
	       diff->nr_callbacks, diff->nr_retries);
	check(diff->nr_operations >= NR_OPERATIONS, "all operations were done");
	if (diff->nr_failed)
		remark("%s", diff->failed);
	check(!diff->nr_failed, "the same callbacks and verdicts in %" PRIu64
	      " comparisons", diff->nr_compared);
	check(diff->nr_callbacks > NR_OPERATIONS / 10 && diff->nr_retries > 1000,
	      "there was something to compare");
	check(!diff->nr_slept, "without anything in flight no read_begin sleeps");
	remark("unaligned: %" PRIu64 " callbacks, equal when rounded", diff->nr_unaligned);
	remark("meanwhile: %" PRIu64 " inserted during a burst, %" PRIu64
	       " of them told different things in it", diff->nr_meanwhile,
	       diff->nr_meanwhile_different);
	compare_ends();
	close(diff->fd);
}
