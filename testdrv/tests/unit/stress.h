/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations on one mm, with a brute-force oracle. See stress.c. */
#ifndef _UNIT_STRESS_H
#define _UNIT_STRESS_H
#include "shim/shim.h"

struct stress_stats {
	unsigned long rounds, reads, retries, sleeps, callbacks, inserts, removes,
		      refused, overflows, puts, finishes, vetoes, given_up;
};

extern struct stress_stats stress_stats;

/* The life of one mm, from the first insert until after release. */
void stress_round(const struct shim_run *run, unsigned int ops);
#endif
