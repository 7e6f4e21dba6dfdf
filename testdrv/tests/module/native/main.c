// SPDX-License-Identifier: GPL-2.0-only
/*
 * native: the device /dev/native_ENGINE and its ioctls
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "engine.h"

static int native_open(struct inode *inode, struct file *filp)
{
	struct native_file *file = kzalloc(sizeof(*file), GFP_KERNEL);
	unsigned int i;

	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	for (i = 0; i < NATIVE_BATCH; i++)
		spin_lock_init(&file->extra[i].lock);
	filp->private_data = file;
	return 0;
}

static int native_release(struct inode *inode, struct file *filp)
{
	native_teardown(filp->private_data);
	kfree(filp->private_data);
	return 0;
}

static int ioctl_setup(struct native_file *file, void __user *user)
{
	struct native_setup arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.cpu >= NATIVE_CPUS || arg.reserved)
		return -EINVAL;
	return native_setup(file, &arg);
}

static int ioctl_run(struct native_file *file, void __user *user)
{
	struct native_run arg;
	u32 *ticks;
	int ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.row >= NATIVE_NR_ROWS || !arg.nr || arg.nr > NATIVE_MAX_BATCHES || !arg.seed ||
	    arg.reserved)
		return -EINVAL;
	ticks = kcalloc(arg.nr, sizeof(*ticks), GFP_KERNEL);
	if (!ticks)
		return -ENOMEM;
	ret = native_run(file, &arg, ticks);
	if (!ret && copy_to_user(u64_to_user_ptr(arg.ticks), ticks, arg.nr * sizeof(*ticks)))
		ret = -EFAULT;
	kfree(ticks);
	return ret;
}

static long native_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct native_file *file = filp->private_data;
	void __user *user = (void __user *)arg;
	long ret = -ENOTTY;

	if (mutex_lock_killable(&file->lock))
		return -EINTR;
	if (cmd == NATIVE_IOC_SETUP)
		ret = ioctl_setup(file, user);
	else if (cmd == NATIVE_IOC_RUN)
		ret = ioctl_run(file, user);
	mutex_unlock(&file->lock);
	return ret;
}

static const struct file_operations native_fops = {
	.owner = THIS_MODULE,
	.open = native_open,
	.release = native_release,
	.unlocked_ioctl = native_ioctl,
};

static struct miscdevice native_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &native_fops,
};

static int __init native_init(void)
{
	int ret = pw_core_init();

	if (ret)
		return ret;
	ret = misc_register(&native_device);
	if (ret)
		pw_core_exit();
	return ret;
}
module_init(native_init);

static void __exit native_exit(void)
{
	misc_deregister(&native_device);
	pw_core_exit();
}
module_exit(native_exit);

MODULE_DESCRIPTION("times an interval notifier in User-Mode Linux");
MODULE_LICENSE("GPL");
