/* SPDX-License-Identifier: MIT */
/* What the kernel uses memory for: some of /proc/meminfo, in KiB. */
#ifndef MEMINFO_H
#define MEMINFO_H

#include <stdbool.h>

#define MEMINFO_FIGURES	7

struct meminfo {
	long kib[MEMINFO_FIGURES];
};

struct meminfo meminfo_read(void);
/* The same after the kernel has let go of what it only caches. */
struct meminfo meminfo_settled(void);
/* Keep the worst. */
void meminfo_worst(struct meminfo *worst, const struct meminfo *now);
/* No figure is worse than at the start by more than its bound. */
bool meminfo_bounded(const struct meminfo *start, const struct meminfo *end);
void meminfo_print(const struct meminfo *start, const struct meminfo *worst,
		   const struct meminfo *end);

#endif /* MEMINFO_H */
