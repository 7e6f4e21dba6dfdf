/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Driver models: what the models share
 *
 * A model is a driver reduced to its use of user memory. Its file is meant to be read
 * alone, and to be copied: this header has only the character device and the software
 * device, nothing of pinwatch. The files of this directory do not belong to a real
 * driver's build.
 */
#ifndef _MODEL_H
#define _MODEL_H

#include <linux/capability.h>
#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include "model_abi.h"
#include "pinwatch.h"

/**
 * struct model_file - an open file, the first member of the state of each model
 * @model: The model.
 * @mm: The opener's. Stays allocated until @close, but may have lost its users by then.
 * @nr_pinned: Changed by model_pin() and model_unpin().
 * @nr_taken: Incremented by model_pin(), or by the model.
 * @nr_invalidated: Incremented by the model.
 * @nr_stopped: Changed by the model.
 *
 * struct model_info describes the counters.
 */
struct model_file {
	const struct model *model;
	struct mm_struct *mm;
	atomic_long_t nr_pinned, nr_taken, nr_invalidated, nr_stopped;
};

/**
 * struct model - a driver model
 * @name: Of the node in /dev.
 * @owner: THIS_MODULE of the model.
 * @size: Of the state of an open file, which is zeroed before @open.
 * @open: Initialise the state. Return: 0 or -errno.
 * @close: Called when no other call uses the state; then the state is freed.
 * @access: The device reads or writes a word.
 * @settle: May be NULL. Wait for pending work, so that the counters are final.
 * @add: May be NULL: the device can use every range.
 * @next: May be NULL.
 * @misc: Private to model.c.
 *
 * All but @close are called with current->mm the file's, and with arguments whose ranges
 * are valid.
 */
struct model {
	const char *name;
	struct module *owner;
	size_t size;
	int (*open)(struct model_file *file);
	void (*close)(struct model_file *file);
	int (*add)(struct model_file *file, struct model_range *range);
	int (*next)(struct model_file *file, u32 *id);
	int (*access)(struct model_file *file, struct model_access *access);
	void (*settle)(struct model_file *file);
	struct miscdevice misc;
};

int pinwatch_model_register(struct model *model);
void pinwatch_model_unregister(struct model *model);

/* Defines module_init() and module_exit() of a model. */
#define module_model(_model) \
	module_driver(_model, pinwatch_model_register, pinwatch_model_unregister)

/* The software device: read or write the word of @access in the page of an entry. */
static inline void model_touch(struct page *page, struct model_access *access)
{
	u64 *word = page_address(page) + offset_in_page(access->addr);

	if (access->flags & MODEL_ACCESS_WRITE)
		WRITE_ONCE(*word, access->value);
	else
		access->value = READ_ONCE(*word);
}

/* Does the interval of @sub contain @addr? */
static inline bool model_covers(const struct pinwatch_interval_notifier *sub,
				unsigned long addr)
{
	return addr >= sub->interval_tree.start && addr <= sub->interval_tree.last;
}

/* Charge @nr pinned pages to @mm, as RDMA does. Return: 0 or -ENOMEM. */
static inline int model_charge(struct mm_struct *mm, unsigned long nr)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (atomic64_add_return(nr, &mm->pinned_vm) <= limit || capable(CAP_IPC_LOCK))
		return 0;
	atomic64_sub(nr, &mm->pinned_vm);
	return -ENOMEM;
}

/* Pin @nr pages of current->mm for long and for writing: all or none. 0 or -errno. */
static inline int model_pin(struct model_file *file, unsigned long addr, unsigned long nr,
			    struct page **pages)
{
	int got, err = model_charge(file->mm, nr);

	if (err)
		return err;
	atomic_long_inc(&file->nr_taken);
	got = pin_user_pages_fast(addr, nr, FOLL_WRITE | FOLL_LONGTERM, pages);
	if (got == nr) {
		atomic_long_add(nr, &file->nr_pinned);
		return 0;
	}
	if (got > 0)
		unpin_user_pages(pages, got);
	atomic64_sub(nr, &file->mm->pinned_vm);
	return got < 0 ? got : -EFAULT;
}

/* Takes the lock of each page, so it must not be called in a callback. */
static inline void model_unpin(struct model_file *file, struct page **pages,
			       unsigned long nr)
{
	unpin_user_pages_dirty_lock(pages, nr, true);
	atomic64_sub(nr, &file->mm->pinned_vm);
	atomic_long_sub(nr, &file->nr_pinned);
}

#endif /* _MODEL_H */
