/* SPDX-License-Identifier: MIT */
/*
 * pinwatch watch: output of each event, and of the sums at the end.
 *
 *	cmd_watch.c		options, event loop
 *	watch_print.c		output of an event and of the sums, as a table or as JSON
 *	watch_tally.c		sums by cause, actor and mapping
 *	watched_process.c	the watches
 */
#ifndef WATCH_H
#define WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpinwatch.h"

/* An event, with the name of the mapping and the kernel stack */
struct watch_record {
	struct pinwatch_event event;
	const char *mapping;
	const struct pinwatch_watch_stack *stack;	/* or NULL */
};

/* Sum of all events with the same causes, actor and mapping */
struct watch_sum {
	uint64_t causes;
	char comm[16];
	char *mapping;
	uint64_t records;
	uint64_t invalidations;
};

struct watch_tally {
	struct watch_sum *sums;
	size_t nr;
	size_t max_unwatched;	/* most mappings that were not watched at one time */
	uint64_t records;
	uint64_t invalidations;
};

/* @begin_ns: CLOCK_MONOTONIC; the zero of the column SECONDS. */
struct watch_output {
	bool json;
	bool colour;
	uint64_t begin_ns;
};

/* @nr_unwatched: mappings that are not watched because of a limit of watches. */
struct watch_coverage {
	size_t nr_ranges;
	size_t nr_unwatched;
};

/* Printed at the start, after the process called exec, and when @nr_unwatched changes. */
void watch_print_head(const struct watch_output *output, int pid,
		      const struct watch_coverage *coverage);
void watch_print_record(const struct watch_output *output, const struct watch_record *record);
/* @why: reason for the end of the session. */
void watch_print_summary(const struct watch_output *output, struct watch_tally *tally,
			 const char *why);

/* Returns false without memory. */
bool watch_tally_add(struct watch_tally *tally, const struct watch_record *record);
/* Sort by invalidations, highest first. */
void watch_tally_sort(struct watch_tally *tally);
void watch_tally_free(struct watch_tally *tally);

#endif /* WATCH_H */
