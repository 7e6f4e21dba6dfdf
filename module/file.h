/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files: an open file description of /dev/pinwatch
 */
#ifndef _PW_FILE_H
#define _PW_FILE_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "event.h"

struct mm_struct;
struct pw_generation_set;
struct pw_user;
struct pw_watch;

/**
 * struct pw_file - what an open file description holds
 * @number: Names it to the administrator; constant, not 0.
 * @owner: The process whose address space it was bound to, in the initial PID
 *	namespace; 0 before. It may be gone.
 * @mm: The address space of the first WATCH_ADD, or of ATTACH, with a reference to
 *	its mm_count; NULL before. Set once, under @bind_lock, then constant.
 * @attached: By ATTACH. Set before @mm is, then constant.
 * @bind_lock: The setting of @mm; a leaf.
 * @user: Who pays for the watches; constant.
 * @gens: The generations; constant.
 * @max_watches: Ids are below it; constant.
 * @nr_watches: Entries of @watches.
 * @watches: By id. Each entry has a reference to its watch.
 * @events: The dirty watches.
 * @reap: Unpins the watches of an address space that is gone. Queued by
 *	callbacks, so not queued any more once all watches are removed.
 */
struct pw_file {
	u32 number;
	pid_t owner;
	struct mm_struct *mm;
	bool attached;
	spinlock_t bind_lock;	/* setting mm */
	struct pw_user *user;
	struct pw_generation_set *gens;
	unsigned int max_watches;
	atomic_t nr_watches;
	struct xarray watches;
	struct pw_event_queue events;
	struct work_struct reap;
};

/**
 * pw_file_alloc() - open
 *
 * Context: process context, may sleep.
 * Return: the file, an ERR_PTR of -ENOMEM.
 */
struct pw_file *pw_file_alloc(void);

/**
 * pw_file_free() - the last close
 * @file: The file; no call on it is going on.
 *
 * Deletes all watches: advances their generations, removes their subscriptions
 * and unpins their pages.
 *
 * Context: process context, may sleep.
 */
void pw_file_free(struct pw_file *file);

/**
 * pw_file_bind() - bind to current->mm, unless it is bound; check who may use it
 * @file: The file.
 * @pin: For pinning: that takes the address space that it is bound to.
 *
 * The binding stays when the WATCH_ADD that made it fails later.
 *
 * Context: process context. Does not sleep.
 * Return: 0, -EXDEV (bound to another one), -EOPNOTSUPP (to pin, after ATTACH),
 * -ESRCH (current has none).
 */
int pw_file_bind(struct pw_file *file, bool pin);

/**
 * pw_file_task_size() - where the address space ends that is or will be watched
 * @file: The file.
 *
 * A 32-bit program's ends earlier than that of a process that it attached to.
 *
 * Context: process context. Does not sleep.
 * Return: the first address beyond.
 */
unsigned long pw_file_task_size(const struct pw_file *file);

/**
 * pw_file_attach() - PINWATCH_IOC_ATTACH
 * @file: The file.
 * @pid: In current's PID namespace.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0, -ESRCH, -EBUSY.
 */
int pw_file_attach(struct pw_file *file, pid_t pid);

/**
 * pw_file_insert_watch() - give a watch a free id
 * @file: The file.
 * @watch: The watch. The table takes over the caller's first reference.
 * @id: Filled in before other tasks can find @watch. At least 0, less than
 *	@file->max_watches.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOSPC if all ids are in use; -ENOMEM.
 */
int pw_file_insert_watch(struct pw_file *file, struct pw_watch *watch, u32 *id);

/**
 * pw_file_remove_watch() - free an id
 * @file: The file.
 * @id: The id of a watch. The caller drops the reference that the table held.
 *
 * Context: process context. Does not sleep.
 */
void pw_file_remove_watch(struct pw_file *file, u32 id);

/**
 * pw_file_find_watch() - look up a watch by its id
 * @file: The file.
 * @id: From user space; any value.
 *
 * Context: process context. Does not sleep.
 * Return: the watch with a reference for the caller, or NULL.
 */
struct pw_watch *pw_file_find_watch(struct pw_file *file, u32 id);

/**
 * pw_file_next_watch() - find the watch with the next id
 * @file: The file.
 * @id: The lowest id to return. Set to the id of the result.
 *
 * Context: process context. Does not sleep.
 * Return: the watch with a reference for the caller, or NULL.
 */
struct pw_watch *pw_file_next_watch(struct pw_file *file, unsigned long *id);

/**
 * pw_file_list_lock() - keep all files from being freed
 *
 * Context: process context, may sleep; not in a callback.
 */
void pw_file_list_lock(void);

/**
 * pw_file_list_unlock() - the reverse
 *
 * Context: process context.
 */
void pw_file_list_unlock(void);

/**
 * pw_file_next() - walk the files
 * @number: From where; where it was found.
 *
 * Context: under pw_file_list_lock(), which keeps the result.
 * Return: the file, NULL.
 */
struct pw_file *pw_file_next(unsigned long *number);

/**
 * pw_file_find() - look a number up
 * @number: Any value.
 *
 * Context: under pw_file_list_lock(), which keeps the result.
 * Return: the file, NULL.
 */
struct pw_file *pw_file_find(u32 number);

/**
 * pw_file_reap() - have the watches of a dead address space unpinned
 * @file: The file.
 *
 * Context: any, callbacks included. Does not sleep.
 */
void pw_file_reap(struct pw_file *file);

/**
 * pw_file_flush_reap() - wait for the unpinning that pw_file_reap() began
 * @file: The file.
 *
 * Context: process context, may sleep; not in a callback.
 */
void pw_file_flush_reap(struct pw_file *file);

/**
 * pw_file_init() - before the first open
 *
 * Context: module init.
 * Return: 0, -ENOMEM.
 */
int pw_file_init(void);

/**
 * pw_file_exit() - after the last close; drains the worker
 *
 * Context: module exit.
 */
void pw_file_exit(void);

#endif /* _PW_FILE_H */
