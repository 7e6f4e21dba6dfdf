// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_lab: /dev/pinwatch_lab
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "lab.h"

static int lab_open(struct inode *inode, struct file *filp)
{
	struct lab_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return -ENOMEM;
	spin_lock_init(&file->lock);
	mutex_init(&file->crowd_mutex);
	lab_hold_init(&file->stall, true);
	filp->private_data = file;
	return 0;
}

static int lab_release(struct inode *inode, struct file *filp)
{
	struct lab_file *file = filp->private_data;

	lab_sub_remove_all(file);
	lab_crowd_remove(file);
	if (file->mm)
		mmdrop(file->mm);
	kfree(file);
	return 0;
}

static int ioctl_read(struct lab_file *file, struct pinwatch_lab_read *arg)
{
	struct lab_sub *sub = lab_sub_get(file, arg->id, false);

	if (!sub)
		return -ENOENT;
	lab_sub_read(sub, arg);
	lab_sub_put(sub);
	return 0;
}

static int ioctl_retry(struct lab_file *file, struct pinwatch_lab_begin *arg)
{
	struct lab_sub *sub = lab_sub_get(file, arg->id, true);

	if (!sub)
		return -ENOENT;
	arg->retry = lab_sub_retry(sub, arg->seq);
	lab_sub_put_reader(file, sub);
	return 0;
}

static int ioctl_wait(struct lab_file *file, const struct pinwatch_lab_wait *arg)
{
	struct lab_sub *sub;
	int ret;

	if (arg->id == PINWATCH_LAB_STALL)
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

	if (id == PINWATCH_LAB_STALL) {
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
	lab_hold_pass(&file->stall, PINWATCH_LAB_MAX_HOLD_MS);
	lab_hold_leave(&file->stall);
	return 0;
}

/* All that have a structure, which is copied both ways. */
static int lab_call(struct lab_file *file, unsigned int cmd, void *arg)
{
	switch (cmd) {
	case PINWATCH_LAB_IOC_ADD:
		return lab_sub_add(file, arg);
	case PINWATCH_LAB_IOC_DEL:
		return lab_sub_del(file, arg);
	case PINWATCH_LAB_IOC_READ:
		return ioctl_read(file, arg);
	case PINWATCH_LAB_IOC_BEGIN:
		return lab_sub_begin(file, arg);
	case PINWATCH_LAB_IOC_RETRY:
		return ioctl_retry(file, arg);
	case PINWATCH_LAB_IOC_WAIT:
		return ioctl_wait(file, arg);
	case PINWATCH_LAB_IOC_LOOP:
		return lab_loop(file, arg);
	case PINWATCH_LAB_IOC_CROWD_ADD:
		return lab_crowd_add(file, arg);
	case PINWATCH_LAB_IOC_CROWD_READ:
		return lab_crowd_read(file, arg);
	}
	return -ENOTTY;
}

static long lab_ioctl(struct file *filp, unsigned int cmd, unsigned long uarg)
{
	struct lab_file *file = filp->private_data;
	u8 arg[sizeof(struct pinwatch_lab_loop)] __aligned(8);
	size_t size = _IOC_SIZE(cmd);
	int ret;

	if (cmd == PINWATCH_LAB_IOC_RELEASE)
		return ioctl_release(file, uarg);
	if (cmd == PINWATCH_LAB_IOC_STALL)
		return ioctl_stall(file);
	if (size > sizeof(arg))
		return -ENOTTY;
	if (copy_from_user(arg, (void __user *)uarg, size))
		return -EFAULT;
	ret = lab_call(file, cmd, arg);
	if (!ret && _IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user((void __user *)uarg, arg, size))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations lab_fops = {
	.owner = THIS_MODULE,
	.open = lab_open,
	.release = lab_release,
	.unlocked_ioctl = lab_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice lab_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pinwatch_lab",
	.mode = 0600,
	.fops = &lab_fops,
};

module_misc_device(lab_misc);

MODULE_DESCRIPTION("Subscriptions that misbehave on request, for pinwatch's tests");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("GPL v2");
