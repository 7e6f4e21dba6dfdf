/* SPDX-License-Identifier: MIT */
/*
 * bench: what one process measured, and how it is reported
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* What a process has in its mm */
enum bench_engine {
	BENCH_PINWATCH,
	BENCH_KERNEL,
	BENCH_NONE,		/* no intervals */
	BENCH_FILTERED,		/* pinwatch, fork's event is not wanted */
	BENCH_SLEEPER,		/* pinwatch, they may sleep: with the veto */
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
	BENCH_GAPS,		/* over many gaps; the median */
	BENCH_OVERLAP,		/* MADV_DONTNEED of all intervals */
	BENCH_FORK,
	BENCH_GONE,		/* BENCH_DONTNEED a while after the last one was removed */
	BENCH_BYTES,		/* for each interval: the handle, and what the engine took */
	BENCH_NR_METRICS
};

#define BENCH_UNKNOWN	UINT64_MAX

/* The counts of one process, and of the better of two. */
struct bench_row {
	uint64_t count[BENCH_NR_METRICS];
};

/* The rows of one number of intervals */
struct bench_result {
	unsigned int nr;
	bool valid;		/* both rows without intervals are equal */
	struct bench_row row[BENCH_NR_ENGINES];
};

/* bench_row.c */
void bench_measure(struct bench_row *row, enum bench_engine engine,
		   unsigned int nr);

/* bench_report.c */
int bench_table(const struct bench_result *results, unsigned int nr);
void bench_json(const struct bench_result *results, unsigned int nr);

#endif
