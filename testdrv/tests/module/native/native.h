/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native: private interface between the modules and the benchmark
 *
 * Each module times one engine. Its device /dev/native_ENGINE inserts intervals into the mm of
 * the caller, and times calls of the engine, in ticks of the time-stamp counter. Close removes
 * the intervals.
 */
#ifndef _NATIVE_H
#define _NATIVE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define NATIVE_BATCH		40	/* calls that are timed together */
#define NATIVE_MAX_BATCHES	1000
#define NATIVE_MAX_INTERVALS	10000000

/* What the calls of a batch do */
enum native_row {
	NATIVE_HIT,		/* invalidate a random interval */
	NATIVE_HIT_16,		/* invalidate the same 16 intervals */
	NATIVE_MISS,		/* invalidate a page in a random gap */
	NATIVE_ROTATE,		/* invalidate a page in one of 1,000 gaps, in turn */
	NATIVE_SAME,		/* invalidate the same page, in a gap */
	NATIVE_INSERT,		/* insert an interval in a random gap */
	NATIVE_REMOVE,		/* remove that interval */
	NATIVE_NR_ROWS
};

/**
 * struct native_setup - NATIVE_IOC_SETUP, once per open file
 * @nr: Number of intervals, at least 16.
 * @seed: Of their order in memory. Not 0.
 * @cpu: The CPU that the engine believes to run on.
 * @reserved: 0.
 */
struct native_setup {
	__u32 nr;
	__u32 seed;
	__u32 cpu;
	__u32 reserved;
};

/**
 * struct native_run - NATIVE_IOC_RUN
 * @row: enum native_row.
 * @nr: Number of batches, at most NATIVE_MAX_BATCHES.
 * @seed: Of the random intervals. Not 0.
 * @reserved: 0.
 * @ticks: Address of @nr u32, for the time of each batch.
 */
struct native_run {
	__u32 row;
	__u32 nr;
	__u32 seed;
	__u32 reserved;
	__aligned_u64 ticks;
};

#define NATIVE_IOC_SETUP	_IOW('N', 1, struct native_setup)
#define NATIVE_IOC_RUN		_IOW('N', 2, struct native_run)

#endif /* _NATIVE_H */
