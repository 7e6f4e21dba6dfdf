// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node: what include/uapi says of ioctl, read, poll and mmap
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/pinwatch.h>
#include "chardev.h"
#include "core/core.h"
#include "file.h"
#include "generation.h"
#include "limits.h"
#include "watch.h"

/*
 * Sizes of the structures when each was published: a caller may know more, and
 * later on less than we do, but none can know less than that.
 */
#define INFO_SIZE_VER0		72
#define STATS_SIZE_VER0		120
#define WATCH_ADD_SIZE_VER0	56
#define WATCH_DEL_SIZE_VER0	16

static_assert(sizeof(struct pinwatch_info) == INFO_SIZE_VER0);
static_assert(sizeof(struct pinwatch_stats) == STATS_SIZE_VER0);
static_assert(sizeof(struct pinwatch_watch_add) == WATCH_ADD_SIZE_VER0);
static_assert(sizeof(struct pinwatch_watch_del) == WATCH_DEL_SIZE_VER0);

/* A structure in user space, as long as the ioctl number says */
struct ioctl_arg {
	void __user *ptr;
	size_t size;
};

/* Every structure begins so. */
struct ioctl_head {
	__u32 size;
	__u32 flags;
};

static int arg_get(void *dst, size_t size, size_t min_size, const struct ioctl_arg *arg)
{
	const struct ioctl_head *head = dst;
	int err;

	if (arg->size < min_size)
		return -EINVAL;
	err = copy_struct_from_user(dst, size, arg->ptr, arg->size);
	if (err)
		return err;
	return head->size == arg->size ? 0 : -EINVAL;
}

/* What the caller knows beyond @size was checked to be zero, and stays so. */
static int arg_put(const void *src, size_t size, const struct ioctl_arg *arg)
{
	return copy_to_user(arg->ptr, src, min(size, arg->size)) ? -EFAULT : 0;
}

static int chardev_get_info(struct pw_file *file, const struct ioctl_arg *arg)
{
	struct pinwatch_info info;
	int err = arg_get(&info, sizeof(info), INFO_SIZE_VER0, arg);

	if (err)
		return err;
	if (info.flags || memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;
	info.abi_major = PINWATCH_ABI_MAJOR;
	info.abi_minor = PINWATCH_ABI_MINOR;
	info.features = PINWATCH_FEATURE_PIN | PINWATCH_FEATURE_GEN;
	info.page_size = PAGE_SIZE;
	info.event_size = sizeof(struct pinwatch_event);
	info.max_watches = file->max_watches;
	info.nr_watches = atomic_read(&file->nr_watches);
	info.gen_map_size = pw_generation_size(file->gens);
	info.max_pin_pages = pw_limits_max_pin_pages();
	return arg_put(&info, sizeof(info), arg);
}

static int chardev_get_stats(const struct ioctl_arg *arg)
{
	struct pinwatch_stats stats;
	struct pw_core_stats core;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = arg_get(&stats, sizeof(stats), STATS_SIZE_VER0, arg);
	if (err)
		return err;
	if (stats.flags || memchr_inv(stats.reserved, 0, sizeof(stats.reserved)))
		return -EINVAL;
	pw_core_stats(&core);
	stats.nr_mms = core.nr_mms;
	stats.nr_subscriptions = core.nr_subscriptions;
	stats.nr_files = atomic_long_read(&pw_counters.nr_files);
	stats.nr_watches = atomic_long_read(&pw_counters.nr_watches);
	stats.pinned_pages = atomic_long_read(&pw_counters.pinned_pages);
	stats.walks = core.walks;
	stats.callbacks = core.callbacks;
	stats.waits = core.waits;
	stats.remove_waits = core.remove_waits;
	stats.overflows = core.overflows;
	stats.vetoes = core.vetoes;
	return arg_put(&stats, sizeof(stats), arg);
}

static int chardev_watch_add(struct pw_file *file, const struct ioctl_arg *arg)
{
	struct pinwatch_watch_add args;
	struct pw_watch *watch;
	int err;

	err = arg_get(&args, sizeof(args), WATCH_ADD_SIZE_VER0, arg);
	if (err)
		return err;
	watch = pw_watch_add(file, &args);
	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = arg_put(&args, sizeof(args), arg);
	/* Another thread may have guessed the id and deleted it: as well. */
	if (err)
		pw_watch_del(watch);
	pw_watch_put(watch);
	return err;
}

static int chardev_watch_del(struct pw_file *file, const struct ioctl_arg *arg)
{
	struct pinwatch_watch_del args;
	struct pw_watch *watch;
	int err;

	err = arg_get(&args, sizeof(args), WATCH_DEL_SIZE_VER0, arg);
	if (err)
		return err;
	if (args.flags || args.reserved)
		return -EINVAL;
	watch = pw_watch_find(file, args.id);
	if (!watch)
		return -ENOENT;
	err = pw_watch_del(watch);
	pw_watch_put(watch);
	return err;
}

/* By number alone: the size in it is the caller's, and may differ from ours. */
static long chardev_ioctl(struct file *filp, unsigned int cmd, unsigned long ptr)
{
	struct pw_file *file = filp->private_data;
	struct ioctl_arg arg = {
		.ptr = (void __user *)ptr,
		.size = _IOC_SIZE(cmd),
	};

	if (_IOC_TYPE(cmd) != PINWATCH_IOC_MAGIC ||
	    _IOC_DIR(cmd) != (_IOC_READ | _IOC_WRITE))
		return -ENOTTY;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(PINWATCH_IOC_GET_INFO):
		return chardev_get_info(file, &arg);
	case _IOC_NR(PINWATCH_IOC_GET_STATS):
		return chardev_get_stats(&arg);
	case _IOC_NR(PINWATCH_IOC_WATCH_ADD):
		return chardev_watch_add(file, &arg);
	case _IOC_NR(PINWATCH_IOC_WATCH_DEL):
		return chardev_watch_del(file, &arg);
	}
	return -ENOTTY;
}

static ssize_t chardev_read(struct file *filp, char __user *buf, size_t count,
			    loff_t *pos)
{
	struct pw_file *file = filp->private_data;

	return pw_event_read(&file->events, buf, count, filp->f_flags & O_NONBLOCK);
}

static __poll_t chardev_poll(struct file *filp, poll_table *wait)
{
	struct pw_file *file = filp->private_data;

	poll_wait(filp, &file->events.wait, wait);
	return pw_event_pending(&file->events) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int chardev_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct pw_file *file = filp->private_data;

	return pw_generation_mmap(file->gens, vma);
}

static int chardev_open(struct inode *inode, struct file *filp)
{
	struct pw_file *file = pw_file_alloc();

	if (IS_ERR(file))
		return PTR_ERR(file);
	filp->private_data = file;
	return stream_open(inode, filp);
}

static int chardev_release(struct inode *inode, struct file *filp)
{
	pw_file_free(filp->private_data);
	return 0;
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.read = chardev_read,
	.poll = chardev_poll,
	.mmap = chardev_mmap,
	.unlocked_ioctl = chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice chardev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pinwatch",
	.mode = 0600,
	.fops = &chardev_fops,
};

int pw_chardev_init(void)
{
	return misc_register(&chardev);
}

void pw_chardev_exit(void)
{
	misc_deregister(&chardev);
}
