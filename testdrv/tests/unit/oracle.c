// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle [--threads] [--seed N] [--seconds N] [--rounds N] [--ops N]
 *
 * Rounds of random operations, which stress.c checks against an array of page versions.
 * Tasks are fibers, where a seed determines the schedule, or threads. Round k of seed S
 * is round 0 of seed S + k.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "test.h"
#include "stress.h"

static struct shim_run run = { .random = true };
static unsigned long seconds = 5, rounds = ~0ul, ops = 40;

static const struct option options[] = {
	{ "threads", no_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 's' },
	{ "seconds", required_argument, NULL, 'T' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "ops", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

TEST(collision_retry_against_page_versions)
{
	struct stress_stats *s = &stress_stats;
	time_t end = time(NULL) + seconds;
	unsigned long i;

	alarm(seconds + 20);
	run.seed = test_seed();
	for (i = 0; i < rounds && time(NULL) < end; i++) {
		test_seed_is(run.seed);
		stress_round(&run, ops);
		run.seed++;
	}
	test_note("seed %" PRIu64 " (the last), rounds %lu", (uint64_t)run.seed - 1, s->rounds);
	test_note("reads %lu retries %lu sleeps %lu given up %lu",
		  s->reads, s->retries, s->sleeps, s->given_up);
	test_note("callbacks %lu finishes %lu refused %lu vetoes %lu overflows %lu",
		  s->callbacks, s->finishes, s->refused, s->vetoes, s->overflows);
	test_note("inserts %lu removes %lu puts %lu", s->inserts, s->removes, s->puts);
	CHECK(s->rounds && s->reads && s->callbacks && s->inserts && s->removes);
	if (s->rounds > 50)
		CHECK(s->retries && s->sleeps && s->refused && s->puts && s->finishes &&
		      s->vetoes && s->given_up);
}

int main(int argc, char **argv)
{
	char *arguments[] = { argv[0], NULL, NULL, NULL };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't':
			run.threads = true;
			break;
		case 's':
			arguments[1] = (char *)"--seed";
			arguments[2] = optarg;
			break;
		case 'T':
			seconds = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			rounds = strtoul(optarg, NULL, 0);
			break;
		case 'o':
			ops = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	return test_main(1, arguments);
}
