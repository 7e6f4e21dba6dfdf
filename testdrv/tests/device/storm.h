/* SPDX-License-Identifier: MIT */
/* A thread that invalidates the first page of a range all the time. */
#ifndef STORM_H
#define STORM_H

#include <pthread.h>
#include <stdbool.h>

struct storm {
	char *addr;
	pthread_t thread;
	bool stop;	/* atomic */
};

/* The thread blocks all signals. */
void storm_start(struct storm *storm, char *addr);
void storm_stop(struct storm *storm);

#endif /* STORM_H */
