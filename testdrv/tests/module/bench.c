// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: the ioctls BENCH_SETUP and BENCH_RUN
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "bench.h"

void bench_init(struct bench_file *file)
{
	mutex_init(&file->lock);
}

int bench_ioctl_setup(struct bench_file *file,
		      struct pinwatch_test_bench_setup *arg)
{
	int ret;

	if (mutex_lock_killable(&file->lock))
		return -EINTR;
	ret = bench_setup(file, arg);
	mutex_unlock(&file->lock);
	return ret;
}

int bench_ioctl_run(struct bench_file *file,
		    const struct pinwatch_test_bench_run *arg)
{
	u32 *samples;
	int ret;

	if (!arg->nr || arg->nr > PINWATCH_TEST_BENCH_MAX_SAMPLES || !arg->seed ||
	    arg->reserved)
		return -EINVAL;
	samples = kvcalloc(arg->nr, sizeof(*samples), GFP_KERNEL);
	if (!samples)
		return -ENOMEM;
	ret = mutex_lock_killable(&file->lock);
	if (!ret) {
		ret = bench_run(file, arg, samples);
		mutex_unlock(&file->lock);
	}
	if (!ret && copy_to_user(u64_to_user_ptr(arg->samples), samples,
				 arg->nr * sizeof(*samples)))
		ret = -EFAULT;
	kvfree(samples);
	return ret;
}
