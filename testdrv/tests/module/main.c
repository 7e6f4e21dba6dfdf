// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: the device node /dev/pinwatch_test and its ioctls
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "bench.h"
#include "sub.h"

struct test_file {
	struct pt_table table;
	struct bench_file bench;
};

static int test_open(struct inode *inode, struct file *filp)
{
	struct test_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	spin_lock_init(&file->table.lock);
	mutex_init(&file->table.mass_lock);
	pt_hold_init(&file->table.stall, true);
	bench_init(&file->bench);
	filp->private_data = file;
	return 0;
}

static int test_release(struct inode *inode, struct file *filp)
{
	struct test_file *file = filp->private_data;

	bench_teardown(&file->bench);
	pt_sub_remove_all(&file->table);
	pt_mass_remove(&file->table);
	if (file->table.mm)
		mmdrop(file->table.mm);
	kfree(file);
	return 0;
}

static int ioctl_read(struct pt_table *table, struct pinwatch_test_read *arg)
{
	struct pt_sub *sub = pt_sub_get(table, arg->id, false);

	if (!sub)
		return -ENOENT;
	pt_sub_read(sub, arg);
	pt_sub_put(sub);
	return 0;
}

static int ioctl_retry(struct pt_table *table, struct pinwatch_test_begin *arg)
{
	struct pt_sub *sub = pt_sub_get(table, arg->id, true);

	if (!sub)
		return -ENOENT;
	arg->retry = pt_sub_retry(sub, arg->seq);
	pt_sub_put_reader(table, sub);
	return 0;
}

static int ioctl_wait(struct pt_table *table, const struct pinwatch_test_wait *arg)
{
	struct pt_sub *sub;
	int ret;

	if (arg->id == PINWATCH_TEST_STALL)
		return pt_hold_wait(&table->stall, arg->inside, arg->timeout_ms);
	sub = pt_sub_get(table, arg->id, false);
	if (!sub)
		return -ENOENT;
	ret = pt_hold_wait(&sub->hold, arg->inside, arg->timeout_ms);
	pt_sub_put(sub);
	return ret;
}

static int ioctl_release(struct pt_table *table, u32 id)
{
	struct pt_sub *sub;

	if (id == PINWATCH_TEST_STALL) {
		pt_hold_release(&table->stall);
		return 0;
	}
	sub = pt_sub_get(table, id, false);
	if (!sub)
		return -ENOENT;
	pt_hold_release(&sub->hold);
	pt_sub_put(sub);
	return 0;
}

static int ioctl_stall(struct pt_table *table)
{
	pt_hold_enter(&table->stall);
	pt_hold_pass(&table->stall, PINWATCH_TEST_MAX_HOLD_MS);
	pt_hold_leave(&table->stall);
	return 0;
}

/* The ioctls that take a structure. test_ioctl() has copied @arg from user space. */
static int test_call(struct test_file *file, unsigned int cmd, void *arg)
{
	switch (cmd) {
	case PINWATCH_TEST_IOC_ADD:
		return pt_sub_add(&file->table, arg);
	case PINWATCH_TEST_IOC_DEL:
		return pt_sub_del(&file->table, arg);
	case PINWATCH_TEST_IOC_READ:
		return ioctl_read(&file->table, arg);
	case PINWATCH_TEST_IOC_BEGIN:
		return pt_sub_begin(&file->table, arg);
	case PINWATCH_TEST_IOC_RETRY:
		return ioctl_retry(&file->table, arg);
	case PINWATCH_TEST_IOC_WAIT:
		return ioctl_wait(&file->table, arg);
	case PINWATCH_TEST_IOC_LOOP:
		return pt_loop(&file->table, arg);
	case PINWATCH_TEST_IOC_MASS_ADD:
		return pt_mass_add(&file->table, arg);
	case PINWATCH_TEST_IOC_MASS_READ:
		return pt_mass_read(&file->table, arg);
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
		return ioctl_release(&file->table, uarg);
	if (cmd == PINWATCH_TEST_IOC_STALL)
		return ioctl_stall(&file->table);
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

MODULE_DESCRIPTION("Subscriptions that tests control, and instruction counts, to test pinwatch");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("GPL v2");
