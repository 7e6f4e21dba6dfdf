/* SPDX-License-Identifier: MIT */
/* The one clock of the tests and of pinwatch-demo. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S	((uint64_t)1000000000)

/* CLOCK_MONOTONIC */
static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

#endif /* CLOCK_H */
