/* SPDX-License-Identifier: MIT */
/* Workers: processes that generate programs, and fork a process to execute each. */
#ifndef WORKER_H
#define WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "execute.h"

struct worker {
	struct tally *tally;
	uint64_t seed;
	uint64_t first;		/* program */
	uint64_t count;		/* how many; 0: until @seconds are over */
	unsigned int number;
	unsigned int seconds;
	bool privileged;
	enum defect inject;	/* see struct execution */
	bool trace;		/* print each program first */
};

/* Start a worker, as nobody unless @worker is privileged. The PID, or -errno. */
pid_t worker_start(const struct worker *worker);

/* Generate program number @index of a worker. */
void worker_generate(const struct worker *worker, uint64_t index, struct prog *prog);

#endif /* WORKER_H */
