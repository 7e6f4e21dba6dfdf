/* SPDX-License-Identifier: MIT */
/*
 * bench: the counts that a process measures, and the report
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* The intervals in the mm of a measuring process */
enum bench_engine {
	BENCH_PINWATCH,
	BENCH_KERNEL,
	BENCH_NONE,		/* no intervals */
	BENCH_FILTERED,		/* pinwatch, ignoring the event of fork */
	BENCH_SLEEPER,		/* pinwatch, callbacks may sleep: with the veto */
	BENCH_NR_ENGINES
};

enum bench_metric {
	BENCH_EMPTY,		/* reading the counter; subtracted from the next four */
	BENCH_INSERT,
	BENCH_REMOVE,
	BENCH_BEGIN,
	BENCH_SECTION,
	BENCH_FIRST,		/* the first insert in an mm */
	BENCH_DONTNEED,		/* MADV_DONTNEED of one page elsewhere, repeated */
	BENCH_GAPS,		/* MADV_DONTNEED in many gaps; the median */
	BENCH_TURN,		/* MADV_DONTNEED in 16 gaps in turn; the median */
	BENCH_HIT,		/* MADV_DONTNEED of one random interval; the median */
	BENCH_HIT_16,		/* MADV_DONTNEED of 16 intervals side by side; the median */
	BENCH_HIT_256,
	BENCH_MIXED,		/* MADV_DONTNEED in 1,000 gaps and of an interval; the mean */
	BENCH_OVERLAP,		/* MADV_DONTNEED of all intervals */
	BENCH_FORK,
	BENCH_GONE,		/* BENCH_DONTNEED after the mm was unregistered */
	BENCH_BYTES,		/* per interval: the handle, and memory of the engine */
	BENCH_PUNCH,		/* root's hole of a page that another user has mapped */
	BENCH_NR_METRICS
};

#define BENCH_UNKNOWN	UINT64_MAX

/* The counts of one process, or the minimum of two processes */
struct bench_counts {
	uint64_t count[BENCH_NR_METRICS];
};

/* The counts at one number of intervals, or of mappings */
struct bench_result {
	void (*measure)(struct bench_counts *counts, enum bench_engine engine,
			unsigned int nr);
	unsigned int nr;
	bool valid;		/* both processes without intervals have equal counts */
	struct bench_counts counts[BENCH_NR_ENGINES];
};

/* measure.c */
void bench_measure(struct bench_counts *counts, enum bench_engine engine,
		   unsigned int nr);

/* punch.c */
void bench_measure_punch(struct bench_counts *counts, enum bench_engine engine,
			 unsigned int nr);

/* smp.c */
void bench_smp(void);

/* report.c */
int bench_table(const struct bench_result *results, unsigned int nr);
void bench_json(const struct bench_result *results, unsigned int nr);

#endif
