/* SPDX-License-Identifier: MIT */
/*
 * engine: definitions that differential.c and differential_mm.c share
 */
#ifndef ENGINE_DIFFERENTIAL_H
#define ENGINE_DIFFERENTIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "test.h"

#define NR_WORKERS	3
#define NR_PAGES	192	/* the second half maps a file */

/*
 * The memory, and threads that change the memory at random. workers_burst() starts a
 * burst, workers_join() waits for the end of the burst.
 */
struct workers {
	char *area;
	int memfd;
	pthread_barrier_t begin;
	pthread_barrier_t end;
	bool stop;
	unsigned int nr_operations;	/* of each worker in a burst */
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
