/* SPDX-License-Identifier: MIT */
/*
 * engine_differential: what both halves of it share
 */
#ifndef ENGINE_DIFFERENTIAL_H
#define ENGINE_DIFFERENTIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "test.h"

#define NR_WORKERS	3
#define NR_PAGES	192	/* half of them of a file */

/*
 * The memory, and threads that change it at random: workers_burst() lets them,
 * workers_join() waits until they have done.
 */
struct workers {
	char *area;
	int memfd;
	pthread_barrier_t begin;
	pthread_barrier_t end;
	bool stop;
	unsigned int nr_operations;	/* each does so many in a burst */
	struct worker {
		struct workers *all;
		pthread_t thread;
		uint64_t random;
	} worker[NR_WORKERS];
};

void workers_start(struct workers *workers, uint64_t seed);
void workers_burst(struct workers *workers, unsigned int nr_operations);
void workers_join(struct workers *workers);
void workers_stop(struct workers *workers);

#endif
