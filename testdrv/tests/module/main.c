// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: /dev/pinwatch_test
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "bench.h"
#include "lab.h"

/* An open file */
struct test_file {
	struct lab_file lab;
	struct bench_file bench;
};

static int test_open(struct inode *inode, struct file *filp)
{
	struct test_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	spin_lock_init(&file->lab.lock);
	mutex_init(&file->lab.crowd_mutex);
	lab_hold_init(&file->lab.stall, true);
	bench_init(&file->bench);
	filp->private_data = file;
	return 0;
}

static int test_release(struct inode *inode, struct file *filp)
{
	struct test_file *file = filp->private_data;

	bench_teardown(&file->bench);
	lab_sub_remove_all(&file->lab);
	lab_crowd_remove(&file->lab);
	if (file->lab.mm)
		mmdrop(file->lab.mm);
	kfree(file);
	return 0;
}

static int ioctl_read(struct lab_file *file, struct pinwatch_test_read *arg)
{
	struct lab_sub *sub = lab_sub_get(file, arg->id, false);

	if (!sub)
		return -ENOENT;
	lab_sub_read(sub, arg);
	lab_sub_put(sub);
	return 0;
}

static int ioctl_retry(struct lab_file *file, struct pinwatch_test_begin *arg)
{
	struct lab_sub *sub = lab_sub_get(file, arg->id, true);

	if (!sub)
		return -ENOENT;
	arg->retry = lab_sub_retry(sub, arg->seq);
	lab_sub_put_reader(file, sub);
	return 0;
}

static int ioctl_wait(struct lab_file *file, const struct pinwatch_test_wait *arg)
{
	struct lab_sub *sub;
	int ret;

	if (arg->id == PINWATCH_TEST_STALL)
		return lab_hold_wait(&file->stall, arg->inside, arg->timeout_ms);
	sub = lab_sub_get(file, arg->id, false);
	if (!sub)
		return -ENOENT;
	ret = lab_hold_wait(&sub->hold, arg->inside, arg->timeout_ms);
	lab_sub_put(sub);
	return ret;
}

static int ioctl_release(struct lab_file *file, u32 id)
{
	struct lab_sub *sub;

	if (id == PINWATCH_TEST_STALL) {
		lab_hold_release(&file->stall);
		return 0;
	}
	sub = lab_sub_get(file, id, false);
	if (!sub)
		return -ENOENT;
	lab_hold_release(&sub->hold);
	lab_sub_put(sub);
	return 0;
}

static int ioctl_stall(struct lab_file *file)
{
	lab_hold_enter(&file->stall);
	lab_hold_pass(&file->stall, PINWATCH_TEST_MAX_HOLD_MS);
	lab_hold_leave(&file->stall);
	return 0;
}

/* All that have a structure, which is copied both ways. */
static int test_call(struct test_file *file, unsigned int cmd, void *arg)
{
	switch (cmd) {
	case PINWATCH_TEST_IOC_ADD:
		return lab_sub_add(&file->lab, arg);
	case PINWATCH_TEST_IOC_DEL:
		return lab_sub_del(&file->lab, arg);
	case PINWATCH_TEST_IOC_READ:
		return ioctl_read(&file->lab, arg);
	case PINWATCH_TEST_IOC_BEGIN:
		return lab_sub_begin(&file->lab, arg);
	case PINWATCH_TEST_IOC_RETRY:
		return ioctl_retry(&file->lab, arg);
	case PINWATCH_TEST_IOC_WAIT:
		return ioctl_wait(&file->lab, arg);
	case PINWATCH_TEST_IOC_LOOP:
		return lab_loop(&file->lab, arg);
	case PINWATCH_TEST_IOC_CROWD_ADD:
		return lab_crowd_add(&file->lab, arg);
	case PINWATCH_TEST_IOC_CROWD_READ:
		return lab_crowd_read(&file->lab, arg);
	case PINWATCH_TEST_IOC_BENCH_SETUP:
		return bench_ioctl_setup(&file->bench, arg);
	case PINWATCH_TEST_IOC_BENCH_RUN:
		return bench_ioctl_run(&file->bench, arg);
	}
	return -ENOTTY;
}

static long test_ioctl(struct file *filp, unsigned int cmd, unsigned long uarg)
{
	struct test_file *file = filp->private_data;
	u8 arg[sizeof(struct pinwatch_test_loop)] __aligned(8);
	size_t size = _IOC_SIZE(cmd);
	int ret;

	if (cmd == PINWATCH_TEST_IOC_RELEASE)
		return ioctl_release(&file->lab, uarg);
	if (cmd == PINWATCH_TEST_IOC_STALL)
		return ioctl_stall(&file->lab);
	if (size > sizeof(arg))
		return -ENOTTY;
	if (copy_from_user(arg, (void __user *)uarg, size))
		return -EFAULT;
	ret = test_call(file, cmd, arg);
	if (!ret && _IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user((void __user *)uarg, arg, size))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
	.open = test_open,
	.release = test_release,
	.unlocked_ioctl = test_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice test_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pinwatch_test",
	.mode = 0600,
	.fops = &test_fops,
};

module_misc_device(test_misc);

MODULE_DESCRIPTION("Subscriptions that misbehave on request, and counts, for pinwatch's tests");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("GPL v2");
