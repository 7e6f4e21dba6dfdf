/* SPDX-License-Identifier: MIT */
#ifndef CPU_H
#define CPU_H

#include <sched.h>

#include "test.h"

/* Run this thread, and threads that it starts from now on, on @cpu only. */
static inline void run_on_cpu(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	CHECK_EQ(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

#endif /* CPU_H */
