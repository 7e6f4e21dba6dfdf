/* SPDX-License-Identifier: MIT */
/*
 * pinwatch watch: what is printed of an event, and of all of them in the end.
 *
 *	cmd_watch.c	options, the loop
 *	watch_print.c	an event, for people or programs
 *	watch_tally.c	the sums: by cause, actor and mapping
 *	target.c	the watches
 */
#ifndef WATCH_H
#define WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpinwatch.h"

/* An event, and what the tool knows of it. */
struct watch_row {
	struct pinwatch_event event;
	const char *mapping;
	const struct pinwatch_watch_stack *stack;	/* or NULL */
};

/* One kind of event: what made it, who, and where. */
struct watch_sum {
	uint64_t causes;
	char comm[16];
	char mapping[256];
	uint64_t records;
	uint64_t invalidations;
};

struct watch_tally {
	struct watch_sum *sums;
	size_t nr;
	uint64_t records;
	uint64_t invalidations;
};

/* @begin_ns: CLOCK_MONOTONIC; times in the table count from it. */
struct watch_output {
	bool json;
	bool colour;
	uint64_t begin_ns;
};

/* Also when the process became another program: from here on it is watched. */
void watch_print_head(const struct watch_output *output, int pid, size_t nr_ranges);
void watch_print_row(const struct watch_output *output, const struct watch_row *row);
/* @why: what ended it. */
void watch_print_summary(const struct watch_output *output, struct watch_tally *tally,
			 const char *why);

/* False: no memory. */
bool watch_tally_add(struct watch_tally *tally, const struct watch_row *row);
/* Most invalidations first. */
void watch_tally_sort(struct watch_tally *tally);
void watch_tally_free(struct watch_tally *tally);

#endif /* WATCH_H */
