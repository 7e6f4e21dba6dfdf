/* SPDX-License-Identifier: MIT */
/* Memory and processes that the programs left behind. */
#ifndef LEFTOVER_H
#define LEFTOVER_H

#include <stdbool.h>

#define MEMORY_FIGURES	7

/* Amounts of memory that the kernel uses, from /proc/meminfo, in KiB */
struct memory {
	long kib[MEMORY_FIGURES];
};

struct memory memory_read(void);
/* Let the kernel drop its caches, then read. */
struct memory memory_settled(void);
/* Keep the higher amount of each figure in @worst. */
void memory_worst(struct memory *worst, const struct memory *now);
/* True: no figure has grown from @start to @end by more than its bound. */
bool memory_bounded(const struct memory *start, const struct memory *end);
void memory_print(const struct memory *start, const struct memory *worst,
		  const struct memory *end);

/*
 * Print state, wait channel, system call and kernel stack of each thread of each
 * process that has the caller's name, except the caller's own.
 */
void processes_print(void);

#endif /* LEFTOVER_H */
