/* SPDX-License-Identifier: MIT */
/*
 * bench-native: the figures that the benchmark measures, and the report
 */
#ifndef BENCH_NATIVE_H
#define BENCH_NATIVE_H

#include <stdbool.h>
#include "../../module/native/native.h"

#define NR_RUNS	5
#define NR_NS	3
#define CPUS_MAX_NR	10000	/* intervals on pretended CPUs */

/* In the order of their measurements */
enum engine {
	ENGINE_KERNEL,
	ENGINE_PINWATCH,
	ENGINE_CPU_0,		/* pinwatch on a machine with 256 CPUs, NATIVE_HIT only */
	ENGINE_CPU_200,
	NR_ENGINES
};

/**
 * struct measured - the figures
 * @ns: Numbers of intervals.
 * @nr_ns: Number of @ns in use.
 * @nr_runs: Number of runs.
 * @ticks: Of a call in each run: the lowest median of the batches of a round. The report sorts
 *	the runs.
 */
struct measured {
	unsigned int ns[NR_NS];
	unsigned int nr_ns;
	unsigned int nr_runs;
	double ticks[NR_NS][NR_ENGINES][NATIVE_NR_ROWS][NR_RUNS];
};

/* report.c */
void report_read_limits(const char *path);
int report_table(struct measured *measured);
void report_json(struct measured *measured);

#endif
