/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_bench: private interface between the module and ../bench/bench.c
 *
 * /dev/pinwatch_bench inserts intervals into the caller's mm, through pinwatch
 * or through the kernel's own mmu_interval_notifier, and times operations on
 * them. An open file uses one engine, chosen by SETUP; close removes all.
 *
 * Times are differences of the time-stamp counter. Under `-icount shift=0` they
 * are executed instructions; what reading the counter costs is in the samples of
 * PINWATCH_BENCH_EMPTY, to be subtracted.
 */
#ifndef _PINWATCH_BENCH_H
#define _PINWATCH_BENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PINWATCH_BENCH_DEVICE	"/dev/pinwatch_bench"

enum {
	PINWATCH_BENCH_PINWATCH,
	PINWATCH_BENCH_KERNEL,
};

/* For pinwatch */
#define PINWATCH_BENCH_F_FILTERED	(1U << 0) /* fork's event is not wanted */
#define PINWATCH_BENCH_F_SLEEPS		(1U << 1) /* the callback may sleep */

/**
 * struct pinwatch_bench_setup - PINWATCH_BENCH_IOC_SETUP: insert intervals
 * @engine: PINWATCH_BENCH_PINWATCH or _KERNEL.
 * @nr: How many; 0 leaves the mm registered, with none. Once per open file.
 * @base: Start of the first.
 * @stride: Bytes from one start to the next; also in the order of insertion,
 *	unless @seed is set.
 * @length: Bytes of each.
 * @seed: Not 0: insert in the random order of this seed.
 * @flags: PINWATCH_BENCH_F_*.
 * @first: Out. What the very first insert of this open file cost.
 * @handle_bytes: Out. What a driver has to provide for each interval.
 * @engine_bytes: Out. What memory became less by as all were inserted.
 */
struct pinwatch_bench_setup {
	__u32 engine;
	__u32 nr;
	__aligned_u64 base;
	__aligned_u64 stride;
	__aligned_u64 length;
	__u32 seed;
	__u32 flags;
	__aligned_u64 first;
	__aligned_u64 handle_bytes;
	__aligned_u64 engine_bytes;
};

enum {
	PINWATCH_BENCH_EMPTY,		/* nothing at all */
	PINWATCH_BENCH_INSERT,		/* insert one more, in a random gap */
	PINWATCH_BENCH_REMOVE,		/* remove it again */
	PINWATCH_BENCH_BEGIN,		/* read_begin of a random one */
	PINWATCH_BENCH_SECTION,		/* begin, lock, retry, unlock */
};

#define PINWATCH_BENCH_MAX_SAMPLES	65536

/**
 * struct pinwatch_bench_run - PINWATCH_BENCH_IOC_RUN: time an operation
 * @op: PINWATCH_BENCH_EMPTY ... _SECTION.
 * @nr: Samples, up to PINWATCH_BENCH_MAX_SAMPLES.
 * @samples: Pointer to @nr __u32.
 * @seed: Chooses the gaps and intervals; not 0.
 * @reserved: 0.
 */
struct pinwatch_bench_run {
	__u32 op;
	__u32 nr;
	__aligned_u64 samples;
	__u32 seed;
	__u32 reserved;
};

#define PINWATCH_BENCH_IOC_SETUP	_IOWR(0xbe, 0x00, struct pinwatch_bench_setup)
#define PINWATCH_BENCH_IOC_RUN		_IOW(0xbe, 0x01, struct pinwatch_bench_run)

#endif /* _PINWATCH_BENCH_H */
