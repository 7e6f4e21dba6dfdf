/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files: an open file description of /dev/pinwatch
 */
#ifndef _PW_FILE_H
#define _PW_FILE_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "event.h"

struct mm_struct;
struct pw_generation_file;
struct pw_generation_set;
struct pw_user;
struct pw_watch;

/* An id is not given out again until PW_FILE_FREED_IDS other ids were freed. */
#define PW_FILE_FREED_IDS	64

/**
 * struct pw_file - what an open file description holds
 * @refs: One until the last close, and one for each netlink request that uses the file.
 * @number: Unique, constant ID that netlink and tracepoints report; not 0.
 * @owner: Process of @mm when @mm was set, in the initial PID namespace. The process may
 *	have exited. Netlink and the ring read the number without a lock at any time.
 * @mm: Address space of the task that opened the device or called BIND, or of the target
 *	of ATTACH. Holds mm_count. See below.
 * @attached: @mm was set by ATTACH. See below.
 * @user: The user that opened the device or called BIND, charged for the watches. See
 *	below.
 * @bind_lock: Protects @owner, @mm, @attached, @user, @nr_adding, @fixed; a leaf.
 * @nr_adding: Number of tasks between pw_file_begin_add() and pw_file_end_add().
 * @fixed: A WATCH_ADD has succeeded, or ATTACH has. Never cleared.
 * @gens: The generations; constant.
 * @gen: The word of the file in @gens; constant.
 * @max_watches: Limit of @nr_watches; constant.
 * @nr_ids: Ids are less than @nr_ids; constant. @max_watches ids can be given out:
 *	PW_GENERATION_FILE_ID is in use from the beginning.
 * @nr_watches: Number of entries in @watches.
 * @nr_dead: Number of watches in state PW_WATCH_DEAD.
 * @watches: The watches, by id. Each entry holds a reference. The ids in @freed, and
 *	PW_GENERATION_FILE_ID, are in use, without an entry.
 * @freed: Under the xa_lock of @watches. Ring of the ids that were freed last.
 * @nr_freed: Under the xa_lock of @watches. Number of ids ever put into @freed.
 * @nr_reused: Under the xa_lock of @watches. Number of ids ever taken out of @freed.
 * @events: The dirty watches.
 * @reap: Unpins the watches of a dead address space. Queued by callbacks, so never
 *	queued after all subscriptions are removed.
 *
 * @mm, @attached and @user change only under @bind_lock, while @fixed is false and
 * @nr_adding is 0. So three kinds of tasks may read them, and use the objects, without
 * @bind_lock:
 *
 *  - A task between pw_file_begin_add() and pw_file_end_add().
 *  - A task that has seen @fixed: pw_file_over().
 *  - A task or a callback that has found a watch which is or was ACTIVE. The task in
 *    WATCH_ADD makes the watch ACTIVE between pw_file_begin_add() and
 *    pw_file_end_add(), and the latter sets @fixed. Tasks do nothing with a watch that
 *    was never ACTIVE, except for the task in WATCH_ADD.
 *
 * A WATCH_ADD that fails undoes all charges to @user and all uses of @mm before
 * pw_file_end_add(), so that BIND can free both afterwards.
 */
struct pw_file {
	refcount_t refs;
	u32 number;
	pid_t owner;
	struct mm_struct *mm;
	struct pw_user *user;
	spinlock_t bind_lock;	/* the binding */
	unsigned int nr_adding;
	bool attached;
	bool fixed;
	struct pw_generation_set *gens;
	struct pw_generation_file *gen;
	unsigned int max_watches;
	unsigned int nr_ids;
	atomic_t nr_watches;
	atomic_t nr_dead;
	struct xarray watches;
	u32 freed[PW_FILE_FREED_IDS];
	u64 nr_freed;
	u64 nr_reused;
	struct pw_event_queue events;
	struct work_struct reap;
};

/**
 * pw_file_alloc() - allocate a file, bound to current->mm and charged to current
 *
 * Context: process context, may sleep.
 * Return: the file, or an ERR_PTR of -ENOMEM, or of -EINVAL if current has no address
 * space.
 */
struct pw_file *pw_file_alloc(void);

/**
 * pw_file_close() - delete all watches and drop the first reference, on the last close
 * @file: The file. No other task uses it, except netlink requests with a reference.
 *
 * Advances the generations of the watches, removes their subscriptions and unpins their
 * pages. Waits for no netlink request.
 *
 * Context: process context, may sleep.
 */
void pw_file_close(struct pw_file *file);

/**
 * pw_file_put() - drop a reference
 * @file: The file.
 *
 * Context: process context, may sleep.
 */
void pw_file_put(struct pw_file *file);

/**
 * pw_file_begin_add() - keep the binding as it is during a WATCH_ADD
 * @file: The file.
 * @pin: The caller wants to pin pages, which needs a binding to current->mm.
 *
 * Context: process context. Does not sleep.
 * Return: 0: the caller has to call pw_file_end_add(); or an error of
 * pw_file_check_mm().
 */
int pw_file_begin_add(struct pw_file *file, bool pin);

/**
 * pw_file_end_add() - undo pw_file_begin_add()
 * @file: The file.
 * @added: A watch was added, even if it is deleted already. Fixes the binding.
 *
 * Context: process context. Does not sleep.
 */
void pw_file_end_add(struct pw_file *file, bool added);

/**
 * pw_file_check_mm() - tell whether current may add, or pin, watches of a file
 * @file: The file. Its binding does not change: see struct pw_file.
 * @pin: The caller wants to pin pages, which needs a binding to current->mm.
 *
 * Context: process context. Does not sleep.
 * Return: 0; -EXDEV if the file is bound to another address space; -EOPNOTSUPP for @pin
 * after ATTACH.
 */
int pw_file_check_mm(const struct pw_file *file, bool pin);

/**
 * pw_file_bind() - PINWATCH_IOC_BIND
 * @file: The file.
 *
 * Binds @file to current->mm, and charges the credentials of current from now on.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0; -EBUSY if a watch was added or is being added, or after ATTACH; -ENOMEM;
 * -EINVAL if current has no address space.
 */
int pw_file_bind(struct pw_file *file);

/**
 * pw_file_task_size() - return the end of the address space that the file watches
 * @file: The file. Its binding does not change: see struct pw_file.
 *
 * After ATTACH, the size is that of the other process: current may be a 32-bit program
 * and the other process a 64-bit program.
 *
 * Context: process context. Does not sleep.
 * Return: the first address above the address space.
 */
unsigned long pw_file_task_size(const struct pw_file *file);

/**
 * pw_file_attach() - PINWATCH_IOC_ATTACH
 * @file: The file.
 * @pid: ID of the process or of one of its threads, in the PID namespace of current.
 *
 * Binds @file to the mm of any living thread of the process: the first thread may have
 * exited.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0; -ESRCH if there is no such process, or no thread has an mm; -EBUSY if a
 * watch was added or is being added, or after another ATTACH.
 */
int pw_file_attach(struct pw_file *file, pid_t pid);

/**
 * pw_file_insert_watch() - give a watch a free id
 * @file: The file.
 * @watch: The watch. The table takes over the caller's first reference.
 * @id: Filled in before other tasks can find @watch. At least 0, less than
 *	@file->nr_ids.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOSPC if all ids are in use; -ENOMEM.
 */
int pw_file_insert_watch(struct pw_file *file, struct pw_watch *watch, u32 *id);

/**
 * pw_file_reuse_ids() - let insert give out the ids that were freed last
 * @file: The file.
 *
 * Context: process context. Does not sleep.
 * Return: true if there were any.
 */
bool pw_file_reuse_ids(struct pw_file *file);

/**
 * pw_file_remove_watch() - free an id
 * @file: The file.
 * @id: The id of a watch. The caller drops the reference that the table held.
 *
 * The id is not given out at once: a program that deletes a watch twice shall not delete
 * the watch of another part of the program. See %PW_FILE_FREED_IDS.
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
 * pw_file_over() - tell whether the address space can no longer cause events
 * @file: The file.
 *
 * A file that BIND can still bind to another address space is not over.
 *
 * Context: any. Does not sleep.
 * Return: true if the address space is gone, and the last event of each watch has been
 * queued. An event may still wait for a reader.
 */
bool pw_file_over(const struct pw_file *file);

/**
 * pw_file_check_over() - wake pollers if pw_file_over() may have become true
 * @file: The file.
 *
 * Context: process context. Does not sleep.
 */
void pw_file_check_over(struct pw_file *file);

/**
 * pw_file_next() - find the file with the next number
 * @number: The lowest number to return. Set to the number of the result.
 * @max: The highest number to return.
 *
 * Context: process context. Does not sleep.
 * Return: the file with a reference for the caller, or NULL.
 */
struct pw_file *pw_file_next(unsigned long *number, unsigned long max);

/**
 * pw_file_find() - look up a file by its number
 * @number: Any value.
 *
 * Context: process context. Does not sleep.
 * Return: the file with a reference for the caller, or NULL.
 */
struct pw_file *pw_file_find(u32 number);

/**
 * pw_file_reap() - queue the unpinning of the watches of a dead address space
 * @file: The file.
 *
 * Context: any, callbacks included. Does not sleep.
 */
void pw_file_reap(struct pw_file *file);

/**
 * pw_file_flush_reap() - wait for the unpinning that pw_file_reap() has queued
 * @file: The file.
 *
 * Context: process context, may sleep; not in a callback.
 */
void pw_file_flush_reap(struct pw_file *file);

/**
 * pw_file_init() - create the workqueue of the reapers, and call pw_watch_init()
 *
 * Context: module init, before the first open.
 * Return: 0, -ENOMEM.
 */
int pw_file_init(void);

/**
 * pw_file_exit() - undo pw_file_init()
 *
 * Context: module exit, after the last close.
 */
void pw_file_exit(void);

#endif /* _PW_FILE_H */
