// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle [--threads] [--seed N] [--seconds N] [--rounds N] [--ops N]
 *
 * Rounds of random operations, which stress.c checks against an array of page versions.
 * Tasks are fibers, where a seed determines the schedule, or threads. Round k of seed S
 * is round 0 of seed S + k.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "tap.h"
#include "stress.h"

static const struct option options[] = {
	{ "threads", no_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 's' },
	{ "seconds", required_argument, NULL, 'T' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "ops", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	struct shim_run run = { .random = true, .seed = 0 };
	unsigned long seconds = 5, rounds = ~0ul, ops = 40, i;
	struct stress_stats *s = &stress_stats;
	bool seeded = false;
	time_t end;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't':
			run.threads = true;
			break;
		case 's':
			run.seed = strtoul(optarg, NULL, 0);
			seeded = true;
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
	if (!seeded)
		run.seed = (u64)time(NULL) << 20;
	tap_begin(run.threads ? "oracle-threads" : "oracle-fibers", seconds + 20);
	tap_test("collision_retry_against_page_versions");
	end = time(NULL) + seconds;
	for (i = 0; i < rounds && time(NULL) < end; i++) {
		tap_seed = run.seed;
		stress_round(&run, ops);
		run.seed++;
	}
	printf("# seed %lu (the last), rounds %lu\n", run.seed - 1, s->rounds);
	printf("# reads %lu retries %lu sleeps %lu given up %lu\n",
	       s->reads, s->retries, s->sleeps, s->given_up);
	printf("# callbacks %lu finishes %lu refused %lu vetoes %lu overflows %lu\n",
	       s->callbacks, s->finishes, s->refused, s->vetoes, s->overflows);
	printf("# inserts %lu removes %lu puts %lu\n", s->inserts, s->removes, s->puts);
	ok(s->rounds && s->reads && s->callbacks && s->inserts && s->removes);
	if (s->rounds > 50)
		ok(s->retries && s->sleeps && s->refused && s->puts && s->finishes &&
		   s->vetoes && s->given_up);
	return tap_end();
}
