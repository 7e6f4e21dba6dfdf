/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_test: private definitions of the BENCH calls
 */
#ifndef _PT_BENCH_H
#define _PT_BENCH_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include "pinwatch.h"
#include "pinwatch_test.h"

/* An interval of either engine */
struct bench_sub {
	union {
		struct pinwatch_interval_notifier pw;
		struct mmu_interval_notifier mni;
	};
	spinlock_t lock;	/* the driver's: set_seq and read_retry */
};

/**
 * struct bench_file - the intervals of an open file
 * @lock: Guards all fields: one BENCH call at a time.
 * @engine: PINWATCH_TEST_PINWATCH or _KERNEL; constant after setup.
 * @ops: The ops of pinwatch's intervals; constant after setup.
 * @mm: The mm of the intervals; %NULL before setup. mm_count is held.
 * @nr: Number of intervals in @subs.
 * @subs: The intervals that setup inserted.
 * @extra: Inserted and removed by the measurements.
 * @base: Argument of setup.
 * @stride: Argument of setup.
 * @length: Argument of setup.
 */
struct bench_file {
	struct mutex lock;	/* all fields */
	u32 engine;
	const struct pinwatch_interval_notifier_ops *ops;
	struct mm_struct *mm;
	unsigned long nr;
	struct bench_sub *subs;
	struct bench_sub extra;
	unsigned long base;
	unsigned long stride;
	unsigned long length;
};

extern const struct mmu_interval_notifier_ops bench_mni_ops;

/* @engine is a constant in every caller, so the compiler drops the branch. */
static __always_inline int bench_insert(u32 engine, struct bench_sub *sub,
					struct mm_struct *mm, unsigned long start,
					unsigned long length,
					const struct pinwatch_interval_notifier_ops *ops)
{
	if (engine == PINWATCH_TEST_PINWATCH)
		return pinwatch_interval_notifier_insert(&sub->pw, mm, start, length,
							 ops);
	return mmu_interval_notifier_insert(&sub->mni, mm, start, length,
					    &bench_mni_ops);
}

static __always_inline void bench_remove(u32 engine, struct bench_sub *sub)
{
	if (engine == PINWATCH_TEST_PINWATCH)
		pinwatch_interval_notifier_remove(&sub->pw);
	else
		mmu_interval_notifier_remove(&sub->mni);
}

static __always_inline unsigned long bench_begin(u32 engine, struct bench_sub *sub)
{
	if (engine == PINWATCH_TEST_PINWATCH)
		return pinwatch_interval_read_begin(&sub->pw);
	return mmu_interval_read_begin(&sub->mni);
}

static __always_inline bool bench_retry(u32 engine, struct bench_sub *sub,
					unsigned long seq)
{
	if (engine == PINWATCH_TEST_PINWATCH)
		return pinwatch_interval_read_retry(&sub->pw, seq);
	return mmu_interval_read_retry(&sub->mni, seq);
}

/* bench.c */
void bench_init(struct bench_file *file);
int bench_ioctl_setup(struct bench_file *file,
		      struct pinwatch_test_bench_setup *arg);
int bench_ioctl_run(struct bench_file *file,
		    const struct pinwatch_test_bench_run *arg);

/* measure.c */
int bench_setup(struct bench_file *file, struct pinwatch_test_bench_setup *arg);
int bench_run(struct bench_file *file, const struct pinwatch_test_bench_run *arg,
	      u32 *samples);
void bench_teardown(struct bench_file *file);

#endif /* _PT_BENCH_H */
