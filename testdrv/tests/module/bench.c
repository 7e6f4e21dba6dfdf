// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_bench: /dev/pinwatch_bench
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "bench.h"

static int bench_open(struct inode *inode, struct file *filp)
{
	struct bench_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	filp->private_data = file;
	return 0;
}

static int bench_release(struct inode *inode, struct file *filp)
{
	struct bench_file *file = filp->private_data;

	bench_teardown(file);
	kfree(file);
	return 0;
}

static long ioctl_setup(struct bench_file *file,
			struct pinwatch_bench_setup __user *uarg)
{
	struct pinwatch_bench_setup arg;
	int ret;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	ret = bench_setup(file, &arg);
	if (!ret && copy_to_user(uarg, &arg, sizeof(arg)))
		ret = -EFAULT;
	return ret;
}

static long ioctl_run(struct bench_file *file,
		      const struct pinwatch_bench_run __user *uarg)
{
	struct pinwatch_bench_run arg;
	u32 *samples;
	int ret;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (!arg.nr || arg.nr > PINWATCH_BENCH_MAX_SAMPLES || !arg.seed ||
	    arg.reserved)
		return -EINVAL;
	samples = kvcalloc(arg.nr, sizeof(*samples), GFP_KERNEL);
	if (!samples)
		return -ENOMEM;
	ret = bench_run(file, &arg, samples);
	if (!ret && copy_to_user(u64_to_user_ptr(arg.samples), samples,
				 arg.nr * sizeof(*samples)))
		ret = -EFAULT;
	kvfree(samples);
	return ret;
}

static long bench_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct bench_file *file = filp->private_data;
	long ret = -ENOTTY;

	if (mutex_lock_killable(&file->lock))
		return -EINTR;
	if (cmd == PINWATCH_BENCH_IOC_SETUP)
		ret = ioctl_setup(file, (void __user *)arg);
	else if (cmd == PINWATCH_BENCH_IOC_RUN)
		ret = ioctl_run(file, (void __user *)arg);
	mutex_unlock(&file->lock);
	return ret;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.release = bench_release,
	.unlocked_ioctl = bench_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice bench_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pinwatch_bench",
	.mode = 0600,
	.fops = &bench_fops,
};

module_misc_device(bench_misc);

MODULE_DESCRIPTION("Benchmark of pinwatch beside the kernel's mmu_interval_notifier");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("GPL v2");
