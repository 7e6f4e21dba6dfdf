// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: insert intervals, and time operations on them
 *
 * Each measuring function is compiled once per engine, so that the timed call is a
 * direct call.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/msr.h>
#include "bench.h"

/* Both callbacks have the same body, that of a small driver. */
static bool invalidate_pw(struct pinwatch_interval_notifier *pw,
			  const struct mmu_notifier_range *range,
			  unsigned long cur_seq)
{
	struct bench_sub *sub = container_of(pw, struct bench_sub, pw);

	spin_lock(&sub->lock);
	pinwatch_interval_set_seq(pw, cur_seq);
	spin_unlock(&sub->lock);
	return true;
}

static bool invalidate_mni(struct mmu_interval_notifier *mni,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq)
{
	struct bench_sub *sub = container_of(mni, struct bench_sub, mni);

	spin_lock(&sub->lock);
	mmu_interval_set_seq(mni, cur_seq);
	spin_unlock(&sub->lock);
	return true;
}

/* Indexed by PINWATCH_TEST_BENCH_F_* */
static const struct pinwatch_interval_notifier_ops pw_ops[] = {
	[0] = {
		.invalidate = invalidate_pw,
		.flags = PINWATCH_OPS_NEVER_SLEEPS,
	},
	[PINWATCH_TEST_BENCH_F_FILTERED] = {
		.invalidate = invalidate_pw,
		.ignore_events = BIT(MMU_NOTIFY_PROTECTION_PAGE),
		.flags = PINWATCH_OPS_NEVER_SLEEPS,
	},
	[PINWATCH_TEST_BENCH_F_SLEEPS] = {
		.invalidate = invalidate_pw,
	},
};

const struct mmu_interval_notifier_ops bench_mni_ops = {
	.invalidate = invalidate_mni,
};

/* The kernel's generators differ between kernels, these numbers do not. */
static u32 next_random(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static u32 random_below(u32 *state, u32 limit)
{
	return (u64)next_random(state) * limit >> 32;
}

static int insert_any(struct bench_file *file, struct bench_sub *sub,
		      unsigned long start)
{
	spin_lock_init(&sub->lock);
	if (file->engine == PINWATCH_TEST_PINWATCH)
		return bench_insert(PINWATCH_TEST_PINWATCH, sub, file->mm, start,
				    file->length, file->ops);
	return bench_insert(PINWATCH_TEST_KERNEL, sub, file->mm, start,
			    file->length, NULL);
}

static void remove_any(struct bench_file *file, struct bench_sub *sub)
{
	if (file->engine == PINWATCH_TEST_PINWATCH)
		bench_remove(PINWATCH_TEST_PINWATCH, sub);
	else
		bench_remove(PINWATCH_TEST_KERNEL, sub);
}

/* The positions 0 .. nr - 1, in the order of insertion. */
static u32 *insert_order(u32 nr, u32 seed)
{
	u32 *order = kvmalloc_array(nr, sizeof(*order), GFP_KERNEL);
	u32 i, j;

	for (i = 0; order && i < nr; i++)
		order[i] = i;
	for (i = nr; order && seed && i > 1; i--) {
		j = random_below(&seed, i);	/* swap() evaluates its arguments twice */
		swap(order[i - 1], order[j]);
	}
	return order;
}

static u64 free_bytes(void)
{
	struct sysinfo info;

	si_meminfo(&info);
	return (u64)info.freeram * info.mem_unit;
}

static int insert_all(struct bench_file *file, u32 nr, u32 seed, u64 *bytes)
{
	u32 *order = insert_order(nr, seed);
	int ret = order ? 0 : -ENOMEM;
	u64 before = free_bytes(), after;

	while (!ret && file->nr < nr) {
		u32 i = order[file->nr];

		ret = insert_any(file, &file->subs[file->nr],
				 file->base + i * file->stride);
		if (!ret)
			file->nr++;
		cond_resched();
	}
	after = free_bytes();
	*bytes = after < before ? before - after : 0;
	kvfree(order);
	return ret;
}

/* The first insert of an mm registers the mm. */
static int insert_first(struct bench_file *file, u64 *cycles)
{
	u64 begin, end;
	int ret;

	begin = rdtsc();
	ret = insert_any(file, &file->extra, file->base);
	end = rdtsc();
	*cycles = end - begin;
	if (!ret)
		remove_any(file, &file->extra);
	return ret;
}

int bench_setup(struct bench_file *file, struct pinwatch_test_bench_setup *arg)
{
	int ret;

	if (file->mm)
		return -EBUSY;
	if (arg->engine > PINWATCH_TEST_KERNEL || !arg->length ||
	    arg->stride < 2 * arg->length || arg->flags >= ARRAY_SIZE(pw_ops))
		return -EINVAL;
	file->subs = kvcalloc(max(arg->nr, 1U), sizeof(*file->subs), GFP_KERNEL);
	if (!file->subs)
		return -ENOMEM;
	mmgrab(current->mm);
	file->mm = current->mm;
	file->engine = arg->engine;
	file->ops = &pw_ops[arg->flags];
	file->base = arg->base;
	file->stride = arg->stride;
	file->length = arg->length;
	arg->handle_bytes = arg->engine == PINWATCH_TEST_PINWATCH ?
			    sizeof(struct pinwatch_interval_notifier) :
			    sizeof(struct mmu_interval_notifier);
	ret = insert_first(file, &arg->first);
	if (!ret)
		ret = insert_all(file, arg->nr, arg->seed, &arg->engine_bytes);
	return ret;		/* bench_teardown() removes the intervals */
}

void bench_teardown(struct bench_file *file)
{
	while (file->nr) {
		remove_any(file, &file->subs[--file->nr]);
		cond_resched();
	}
	kvfree(file->subs);
	if (file->mm)
		mmdrop(file->mm);
}

/* The start of @extra: in a random gap between two intervals. */
static unsigned long gap_start(const struct bench_file *file, u32 *seed)
{
	u32 i = file->nr ? random_below(seed, file->nr) : 0;

	return file->base + i * file->stride + file->length;
}

static __always_inline int
time_insert_remove(const u32 engine, struct bench_file *file, bool insert,
		   u32 nr, u32 seed, u32 *samples)
{
	const struct pinwatch_interval_notifier_ops *ops = file->ops;
	u64 t0, t1, t2, t3;
	u32 i;
	int ret;

	for (i = 0; i < nr; i++) {
		unsigned long start = gap_start(file, &seed);

		t0 = rdtsc();
		ret = bench_insert(engine, &file->extra, file->mm, start,
				   file->length, ops);
		t1 = rdtsc();
		if (ret)
			return ret;
		t2 = rdtsc();
		bench_remove(engine, &file->extra);
		t3 = rdtsc();
		samples[i] = insert ? t1 - t0 : t3 - t2;
		cond_resched();
	}
	return 0;
}

static __always_inline int
time_begin(const u32 engine, struct bench_file *file, u32 nr, u32 seed,
	   u32 *samples)
{
	u64 begin, end;
	u32 i;

	for (i = 0; i < nr; i++) {
		struct bench_sub *sub = &file->subs[random_below(&seed, file->nr)];

		begin = rdtsc();
		bench_begin(engine, sub);
		end = rdtsc();
		samples[i] = end - begin;
	}
	return 0;
}

static __always_inline int
time_section(const u32 engine, struct bench_file *file, u32 nr, u32 seed,
	     u32 *samples)
{
	unsigned long seq;
	u64 begin, end;
	bool retry;
	u32 i;

	for (i = 0; i < nr; i++) {
		struct bench_sub *sub = &file->subs[random_below(&seed, file->nr)];

		begin = rdtsc();
		seq = bench_begin(engine, sub);
		spin_lock(&sub->lock);
		retry = bench_retry(engine, sub, seq);
		spin_unlock(&sub->lock);
		end = rdtsc();
		samples[i] = end - begin;
		if (retry)
			return -EAGAIN;
	}
	return 0;
}

static int time_empty(u32 nr, u32 *samples)
{
	u64 begin, end;
	u32 i;

	for (i = 0; i < nr; i++) {
		begin = rdtsc();
		barrier();
		end = rdtsc();
		samples[i] = end - begin;
	}
	return 0;
}

static __always_inline int time_op(const u32 engine, struct bench_file *file,
				   const struct pinwatch_test_bench_run *arg,
				   u32 *samples)
{
	switch (arg->op) {
	case PINWATCH_TEST_BENCH_EMPTY:
		return time_empty(arg->nr, samples);
	case PINWATCH_TEST_BENCH_INSERT:
	case PINWATCH_TEST_BENCH_REMOVE:
		return time_insert_remove(engine, file,
					  arg->op == PINWATCH_TEST_BENCH_INSERT,
					  arg->nr, arg->seed, samples);
	case PINWATCH_TEST_BENCH_BEGIN:
		return file->nr ? time_begin(engine, file, arg->nr, arg->seed,
					     samples) : -ENOENT;
	case PINWATCH_TEST_BENCH_SECTION:
		return file->nr ? time_section(engine, file, arg->nr, arg->seed,
					       samples) : -ENOENT;
	}
	return -EINVAL;
}

int bench_run(struct bench_file *file, const struct pinwatch_test_bench_run *arg,
	      u32 *samples)
{
	if (file->mm != current->mm)
		return -EXDEV;
	if (file->engine == PINWATCH_TEST_PINWATCH)
		return time_op(PINWATCH_TEST_PINWATCH, file, arg, samples);
	return time_op(PINWATCH_TEST_KERNEL, file, arg, samples);
}
