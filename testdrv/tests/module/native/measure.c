// SPDX-License-Identifier: GPL-2.0-only
/*
 * native: insert intervals, and time operations on them
 *
 * Intervals of a page each lie STRIDE apart. Their addresses need no mapping: the calls of the
 * kernel's memory management are made here, without its page tables.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "engine.h"

#define BASE	BIT(32)
#define STRIDE	(4 * PAGE_SIZE)
#define GAP	(2 * PAGE_SIZE)	/* from the start of an interval */
#define NR_HITS	16

unsigned int native_cpu;

static bool invalidate(struct engine_notifier *notifier,
		       const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct native_sub *sub = container_of(notifier, struct native_sub, notifier);

	spin_lock(&sub->lock);
	ENGINE(set_seq)(notifier, cur_seq);
	spin_unlock(&sub->lock);
	return true;
}

static const struct ENGINE(notifier_ops) ops = {
	.invalidate = invalidate,
	ENGINE_OPS
};

static u32 random_below(u32 *state, u32 limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return (u64)*state * limit >> 32;
}

static unsigned long interval_start(unsigned int i)
{
	return BASE + i * STRIDE;
}

static unsigned long random_interval(struct native_file *file)
{
	return interval_start(random_below(&file->seed, file->nr));
}

static int sub_insert(struct native_file *file, struct native_sub *sub, unsigned long start)
{
	return ENGINE(notifier_insert)(&sub->notifier, file->mm, start, PAGE_SIZE, &ops);
}

/* The intervals 0 .. nr - 1, in the order of their memory. */
static u32 *memory_order(u32 nr, u32 seed)
{
	u32 *order = kvmalloc_array(nr, sizeof(*order), GFP_KERNEL);
	u32 i, j;

	for (i = 0; order && i < nr; i++)
		order[i] = i;
	for (i = nr; order && i > 1; i--) {
		j = random_below(&seed, i);	/* swap() evaluates its arguments twice */
		swap(order[i - 1], order[j]);
	}
	return order;
}

static int insert_all(struct native_file *file, u32 nr, u32 seed)
{
	u32 *order = memory_order(nr, seed);
	int ret = order ? 0 : -ENOMEM;

	while (!ret && file->nr < nr) {
		struct native_sub *sub = &file->subs[file->nr];

		spin_lock_init(&sub->lock);
		ret = sub_insert(file, sub, interval_start(order[file->nr]));
		if (!ret)
			file->nr++;
		cond_resched();
	}
	kvfree(order);
	return ret;
}

int native_setup(struct native_file *file, const struct native_setup *arg)
{
	unsigned int i;
	int ret;

	if (file->mm)
		return -EBUSY;
	if (arg->nr < NR_HITS || arg->nr > NATIVE_MAX_INTERVALS || !arg->seed)
		return -EINVAL;
	file->size = array_size(arg->nr, sizeof(*file->subs));
	file->subs = os_alloc_huge(file->size);
	if (!file->subs)
		return -ENOMEM;
	mmgrab(current->mm);
	file->mm = current->mm;
	native_cpu = arg->cpu;
	ret = insert_all(file, arg->nr, arg->seed);
	file->seed = arg->seed;
	for (i = 0; !ret && i < NATIVE_NR_GAPS; i++)
		file->gaps[i] = random_interval(file) + GAP;
	return ret;		/* native_teardown() removes the intervals */
}

void native_teardown(struct native_file *file)
{
	while (file->nr) {
		ENGINE(notifier_remove)(&file->subs[--file->nr].notifier);
		cond_resched();
	}
	if (file->subs)
		os_free_huge(file->subs, file->size);
	if (file->mm)
		mmdrop(file->mm);
}

static u64 ticks_now(void)
{
	asm volatile("lfence" ::: "memory");
	return __builtin_ia32_rdtsc();
}

/* The address of invalidation @i of a row. */
static unsigned long row_start(struct native_file *file, u32 row, unsigned int i)
{
	switch (row) {
	case NATIVE_HIT:
		return random_interval(file);
	case NATIVE_HIT_16:
		return interval_start((file->nr - NR_HITS) / 2);
	case NATIVE_MISS:
		return random_interval(file) + GAP;
	case NATIVE_ROTATE:
		return file->gaps[i % NATIVE_NR_GAPS];
	}
	return interval_start(file->nr / 2) + GAP;
}

/* As in zap_page_range_single(). */
static u64 time_invalidations(struct native_file *file)
{
	u64 begin = ticks_now();
	unsigned int i;

	for (i = 0; i < NATIVE_BATCH; i++) {
		struct mmu_notifier_range *range = &file->ranges[i];

		mmu_notifier_invalidate_range_start(range);
		mmu_notifier_invalidate_range(range->mm, range->start, range->end);
		mmu_notifier_invalidate_range_end(range);
	}
	return ticks_now() - begin;
}

static void run_invalidations(struct native_file *file, const struct native_run *arg, u32 *ticks)
{
	unsigned long start, length = PAGE_SIZE;
	unsigned int i, j;

	if (arg->row == NATIVE_HIT_16)
		length += (NR_HITS - 1) * STRIDE;
	for (i = 0; i < arg->nr; i++) {
		for (j = 0; j < NATIVE_BATCH; j++) {
			start = row_start(file, arg->row, i * NATIVE_BATCH + j);
			mmu_notifier_range_init(&file->ranges[j], MMU_NOTIFY_CLEAR, 0, NULL,
						file->mm, start, start + length);
		}
		ticks[i] = time_invalidations(file);
		cond_resched();
	}
}

static int time_inserts(struct native_file *file, u64 *ticks)
{
	unsigned long starts[NATIVE_BATCH];
	unsigned int i;
	int ret = 0;
	u64 begin;

	for (i = 0; i < NATIVE_BATCH; i++)
		starts[i] = random_interval(file) + GAP;
	begin = ticks_now();
	for (i = 0; i < NATIVE_BATCH && !ret; i++)
		ret = sub_insert(file, &file->extra[i], starts[i]);
	*ticks = ticks_now() - begin;
	while (ret && --i)
		ENGINE(notifier_remove)(&file->extra[i - 1].notifier);
	return ret;
}

static u64 time_removes(struct native_file *file)
{
	u64 begin = ticks_now();
	unsigned int i;

	for (i = 0; i < NATIVE_BATCH; i++)
		ENGINE(notifier_remove)(&file->extra[i].notifier);
	return ticks_now() - begin;
}

static int run_inserts(struct native_file *file, const struct native_run *arg, u32 *ticks)
{
	u64 insert, remove;
	unsigned int i;
	int ret;

	for (i = 0; i < arg->nr; i++) {
		ret = time_inserts(file, &insert);
		if (ret)
			return ret;
		remove = time_removes(file);
		ticks[i] = arg->row == NATIVE_INSERT ? insert : remove;
		cond_resched();
	}
	return 0;
}

int native_run(struct native_file *file, const struct native_run *arg, u32 *ticks)
{
	if (!file->mm || file->mm != current->mm)
		return -EXDEV;
	file->seed = arg->seed;
	if (arg->row == NATIVE_INSERT || arg->row == NATIVE_REMOVE)
		return run_inserts(file, arg, ticks);
	run_invalidations(file, arg, ticks);
	return 0;
}
