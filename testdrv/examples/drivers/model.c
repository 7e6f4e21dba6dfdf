// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * pinwatch_model: the character device of the driver models, and their faults
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "model.h"
#include "fault.h"

#undef pinwatch_interval_notifier_insert	/* fault.h has redirected it to this file */

#define MAX_WINDOW_MS	1000U

static unsigned int fault;
module_param(fault, uint, 0600);
MODULE_PARM_DESC(fault, "Bits that make each model wrong: MODEL_FAULT_* in model_abi.h");

static unsigned int window;
module_param(window, uint, 0600);
MODULE_PARM_DESC(window, "Milliseconds between taking pages and taking the lock");

bool pinwatch_model_fault(unsigned int bit)
{
	return READ_ONCE(fault) & bit;
}
EXPORT_SYMBOL_GPL(pinwatch_model_fault);

void pinwatch_model_window(void)
{
	unsigned int ms = min(READ_ONCE(window), MAX_WINDOW_MS);

	if (ms)
		msleep(ms);
}
EXPORT_SYMBOL_GPL(pinwatch_model_window);

static bool deaf_invalidate(struct pinwatch_interval_notifier *sub,
			    const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	return true;
}

static bool deaf_start(struct pinwatch_interval_notifier *sub,
		       const struct mmu_notifier_range *range, unsigned long cur_seq,
		       struct pinwatch_interval_notifier_finish **finish)
{
	return true;
}

static void deaf_finish(struct pinwatch_interval_notifier_finish *finish)
{
}

static void deaf_free(struct pinwatch_interval_notifier *sub);

static const struct pinwatch_interval_notifier_ops deaf_ops = {
	.invalidate = deaf_invalidate,
	.invalidate_start = deaf_start,
	.invalidate_finish = deaf_finish,
	.free = deaf_free,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

/* Only one model that puts its subscriptions is deaf at a time. */
static void (*deaf_model_free)(struct pinwatch_interval_notifier *sub);

static void deaf_free(struct pinwatch_interval_notifier *sub)
{
	if (deaf_model_free)
		deaf_model_free(sub);
}

int pinwatch_model_insert_deaf(struct pinwatch_interval_notifier *sub,
			       struct mm_struct *mm, unsigned long start,
			       unsigned long length,
			       const struct pinwatch_interval_notifier_ops *ops)
{
	if (ops->free)
		deaf_model_free = ops->free;
	return pinwatch_interval_notifier_insert(sub, mm, start, length, &deaf_ops);
}
EXPORT_SYMBOL_GPL(pinwatch_model_insert_deaf);

static int model_start(struct model *model, struct file *filp)
{
	struct model_file *file = kzalloc(model->size, GFP_KERNEL);
	int err;

	if (!file)
		return -ENOMEM;
	file->model = model;
	file->mm = current->mm;
	err = model->open(file);
	if (err) {
		kfree(file);
		return err;
	}
	mmgrab(file->mm);
	filp->private_data = file;
	return 0;
}

/* misc_deregister() waits for this function: the caller holds the lock of the list. */
static int model_open(struct inode *inode, struct file *filp)
{
	struct model *model = container_of(filp->private_data, struct model, misc);
	int err;

	if (!current->mm || !try_module_get(model->owner))
		return -ENODEV;
	err = model_start(model, filp);
	if (err)
		module_put(model->owner);
	return err;
}

static int model_release(struct inode *inode, struct file *filp)
{
	struct model_file *file = filp->private_data;
	struct module *owner = file->model->owner;

	file->model->close(file);
	mmdrop(file->mm);
	kfree(file);
	module_put(owner);
	return 0;
}

static int call_add(struct model_file *file, struct model_range *range)
{
	if (!range->length || range->length > MODEL_MAX_LENGTH ||
	    !PAGE_ALIGNED(range->addr) || !PAGE_ALIGNED(range->length) ||
	    range->addr > TASK_SIZE - range->length)
		return -EINVAL;
	return file->model->add ? file->model->add(file, range) : 0;
}

static int call_access(struct model_file *file, struct model_access *access)
{
	if (access->addr % sizeof(u64) || access->addr >= TASK_SIZE || access->reserved ||
	    access->flags & ~MODEL_ACCESS_WRITE)
		return -EINVAL;
	return file->model->access(file, access);
}

static int call_info(struct model_file *file, struct model_info *info)
{
	if (file->model->settle)
		file->model->settle(file);
	info->nr_pinned = atomic_long_read(&file->nr_pinned);
	info->nr_taken = atomic_long_read(&file->nr_taken);
	info->nr_invalidated = atomic_long_read(&file->nr_invalidated);
	info->nr_stopped = atomic_long_read(&file->nr_stopped);
	return 0;
}

static int model_call(struct model_file *file, unsigned int cmd, void *arg)
{
	switch (cmd) {
	case MODEL_IOC_ADD:
		return call_add(file, arg);
	case MODEL_IOC_NEXT:
		return file->model->next ? file->model->next(file, arg) : -ENODATA;
	case MODEL_IOC_ACCESS:
		return call_access(file, arg);
	case MODEL_IOC_INFO:
		return call_info(file, arg);
	}
	return -ENOTTY;
}

static long model_ioctl(struct file *filp, unsigned int cmd, unsigned long uarg)
{
	struct model_file *file = filp->private_data;
	u8 arg[sizeof(struct model_info)] __aligned(8);
	size_t size = _IOC_SIZE(cmd);
	int ret;

	if (current->mm != file->mm)
		return -EXDEV;
	if (size > sizeof(arg))
		return -ENOTTY;
	if (_IOC_DIR(cmd) & _IOC_WRITE && copy_from_user(arg, (void __user *)uarg, size))
		return -EFAULT;
	ret = model_call(file, cmd, arg);
	if (!ret && _IOC_DIR(cmd) & _IOC_READ &&
	    copy_to_user((void __user *)uarg, arg, size))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations model_fops = {
	.owner = THIS_MODULE,
	.open = model_open,
	.release = model_release,
	.unlocked_ioctl = model_ioctl,
	.llseek = noop_llseek,
};

int pinwatch_model_register(struct model *model)
{
	model->misc.minor = MISC_DYNAMIC_MINOR;
	model->misc.name = model->name;
	model->misc.mode = 0600;
	model->misc.fops = &model_fops;
	return misc_register(&model->misc);
}
EXPORT_SYMBOL_GPL(pinwatch_model_register);

void pinwatch_model_unregister(struct model *model)
{
	misc_deregister(&model->misc);
}
EXPORT_SYMBOL_GPL(pinwatch_model_unregister);

MODULE_DESCRIPTION("The character device of the driver models of pinwatch");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
