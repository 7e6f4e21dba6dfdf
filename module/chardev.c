// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device node: open, read, poll, mmap. For ioctl see ioctl.c
 */
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include "chardev.h"
#include "event.h"
#include "file.h"
#include "generation.h"
#include "ioctl.h"
#include "reader.h"

/* Not read: for readv(), the kernel would call read once for each segment. */
static ssize_t chardev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *filp = iocb->ki_filp;
	struct pw_file *file = filp->private_data;

	ssize_t ret = pw_reader_read(&file->events, to,
				     filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT);

	/* That may have been the last record. */
	if (ret > 0)
		pw_file_check_over(file);
	return ret;
}

static __poll_t chardev_poll(struct file *filp, poll_table *wait)
{
	struct pw_file *file = filp->private_data;
	bool over;

	poll_wait(filp, &file->events.wait, wait);
	/* First: an event that comes after this line is not the last. */
	over = pw_file_over(file);
	if (pw_event_pending(&file->events))
		return EPOLLIN | EPOLLRDNORM;
	return over ? EPOLLHUP : 0;
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
	pw_file_close(filp->private_data);
	return 0;
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.read_iter = chardev_read_iter,
	.poll = chardev_poll,
	.mmap = chardev_mmap,
	.unlocked_ioctl = pw_ioctl,
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
