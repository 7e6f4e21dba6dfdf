/* SPDX-License-Identifier: GPL-2.0-only */
/* read(2) and write(2) of memory through the page table of a device. */
#ifndef PAGES_H
#define PAGES_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/*
 * Copy from or to a part of one page, which is mapped at @pos for the device. 0, or -ENXIO if
 * the page is not mapped. May not fault.
 */
typedef int pages_copy(struct file *file, u64 pos, void *buffer, size_t length, bool write);

static int pages_transfer_one(struct file *file, char __user *user, size_t length, u64 pos,
			      void *buffer, bool write, pages_copy *copy)
{
	int ret;

	if (write && copy_from_user(buffer, user, length))
		return -EFAULT;
	ret = copy(file, pos, buffer, length, write);
	if (!ret && !write && copy_to_user(user, buffer, length))
		return -EFAULT;
	return ret;
}

static ssize_t pages_transfer(struct file *file, char __user *user, size_t length, u64 pos,
			      bool write, pages_copy *copy)
{
	void *buffer = kmalloc(PAGE_SIZE, GFP_KERNEL);
	size_t done, part;
	int ret = 0;

	if (!buffer)
		return -ENOMEM;
	for (done = 0; !ret && done < length; done += part) {
		part = min(length - done, PAGE_SIZE - offset_in_page(pos + done));
		ret = pages_transfer_one(file, user + done, part, pos + done, buffer, write, copy);
	}
	kfree(buffer);
	return ret ?: length;
}

#endif /* PAGES_H */
