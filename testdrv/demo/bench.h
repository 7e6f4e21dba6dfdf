/* SPDX-License-Identifier: MIT */
/*
 * pinwatch-demo bench: what it costs from user space
 *
 *	cmd_bench.c	options, the report
 *	bench_watch.c	many watches: add, query, delete
 *	bench_pin.c	pinning, beside io_uring's
 *	bench_event.c	events a second, and the cost of a validation
 */
#ifndef BENCH_H
#define BENCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpinwatch.h"

struct bench {
	const char *device;
	bool large;
	bool json;
	json_t *rows;		/* with json */
};

/* A figure. @n: watches, pages: what @name says. */
void bench_report(struct bench *bench, const char *name, uint64_t n, double value,
		  const char *unit);
/* One that cannot be had, and why. */
void bench_skip(struct bench *bench, const char *name, const char *why);

uint64_t bench_now_ns(void);
/* Private memory of its own, written if it is to be there. NULL: none. */
char *bench_memory(size_t length, bool written);

/* 0 or -errno. */
int bench_watches(struct bench *bench);
int bench_large(struct bench *bench);
int bench_pins(struct bench *bench);
int bench_events(struct bench *bench);
int bench_valid(struct bench *bench);

#endif /* BENCH_H */
