/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native: the engine that the module is compiled for, and the functions of the files
 */
#ifndef _NATIVE_ENGINE_H
#define _NATIVE_ENGINE_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include "native.h"

#ifdef NATIVE_PINWATCH
#include "pinwatch.h"
#define ENGINE(name)	pinwatch_interval_##name
#define ENGINE_OPS	.flags = PINWATCH_OPS_NEVER_SLEEPS,
int pw_core_init(void);
void pw_core_exit(void);
#else
#define ENGINE(name)	mmu_interval_##name
#define ENGINE_OPS
static inline int pw_core_init(void)
{
	return 0;
}

static inline void pw_core_exit(void)
{
}
#endif

#define engine_notifier	ENGINE(notifier)

#define NATIVE_NR_GAPS	1000

/* An interval, and the lock of its driver */
struct native_sub {
	struct engine_notifier notifier;
	spinlock_t lock;	/* set_seq */
};

/**
 * struct native_file - the intervals of an open file
 * @lock: Guards all members: one call at a time.
 * @mm: The mm of the intervals. %NULL before setup. mm_count is held.
 * @size: Size of the intervals in @subs, in bytes.
 * @subs: The intervals, in huge pages of the host.
 * @nr: Number of intervals in the mm.
 * @extra: Inserted and removed by the measurements.
 * @ranges: The invalidations of a batch.
 * @gaps: The pages of NATIVE_ROTATE.
 * @seed: State of the random numbers.
 */
struct native_file {
	struct mutex lock;	/* all members */
	struct mm_struct *mm;
	unsigned long size;
	struct native_sub *subs;
	unsigned int nr;
	struct native_sub extra[NATIVE_BATCH];
	struct mmu_notifier_range ranges[NATIVE_BATCH];
	unsigned long gaps[NATIVE_NR_GAPS];
	u32 seed;
};

extern unsigned int native_cpu;

/* Of the patched kernel: memory in huge pages of the host, zeroed. %NULL: none */
void *os_alloc_huge(unsigned long size);
void os_free_huge(void *memory, unsigned long size);

/* measure.c */
int native_setup(struct native_file *file, const struct native_setup *arg);
int native_run(struct native_file *file, const struct native_run *arg, u32 *ticks);
void native_teardown(struct native_file *file);

#endif /* _NATIVE_ENGINE_H */
