/* SPDX-License-Identifier: MIT */
/*
 * pinwatch-demo bench: the cost of watches, pins and events for user space
 *
 *	cmd_bench.c	options and output
 *	bench_watch.c	many watches: add, query, delete
 *	bench_pin.c	pinning, compared with io_uring's registered buffers
 *	bench_event.c	events per second, and the cost of a validation
 */
#ifndef BENCH_H
#define BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "libpinwatch.h"

struct bench {
	const char *device;
	bool large;
	bool json;
	json_t *figures;	/* if json is set */
};

/* Print a figure. @n: A number of watches, pages or calls; see @name. */
void bench_report(struct bench *bench, const char *name, uint64_t n, double value,
		  const char *unit);
/* Print why a figure cannot be measured. */
void bench_skip(struct bench *bench, const char *name, const char *why);

/* Map private memory; @written: also populate each page. NULL: out of memory. */
char *bench_memory(size_t length, bool written);

/* The measurements; each returns 0 or -errno. */
int bench_watches(struct bench *bench);
int bench_large(struct bench *bench);
int bench_pins(struct bench *bench);
int bench_events(struct bench *bench);
int bench_valid(struct bench *bench);

#endif /* BENCH_H */
