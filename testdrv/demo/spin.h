/* SPDX-License-Identifier: MIT */
/* A thread of the harness that spins on a generation word to time its change. */
#ifndef SPIN_H
#define SPIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "libpinwatch.h"

struct spin {
	pthread_t thread;
	const struct pinwatch_gen *word;
	uint64_t before;	/* the value that is to change */
	uint64_t changed_ns;	/* CLOCK_MONOTONIC when it was seen; 0: not yet */
	bool armed;		/* atomic; the thread is spinning */
	bool stop;		/* atomic */
};

/* Returns when the thread spins. 0 or -errno. */
int spin_start(struct spin *spin, const struct pinwatch_gen *word);

/* Ends it. Returns when the change was seen, 0 if it was not. */
uint64_t spin_stop(struct spin *spin);

#endif /* SPIN_H */
