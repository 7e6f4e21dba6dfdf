/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations on one mm against a brute-force oracle. See world.c. */
#ifndef _UNIT_WORLD_H
#define _UNIT_WORLD_H
#include "shim/shim.h"

struct world_stats {
	unsigned long rounds, reads, retries, sleeps, callbacks, inserts, removes,
		      refused, overflows, puts, finishes, vetoes, given_up;
};

extern struct world_stats world_stats;

/* One life of an mm, from its first insert to after its release. */
void world_round(const struct shim_run *run, unsigned int ops);
#endif
