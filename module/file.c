// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files: the table of watches, the binding to an address space, the reaper, the list of
 * all files
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "file.h"
#include "generation.h"
#include "limits.h"
#include "watch.h"

static struct workqueue_struct *reap_wq;

/* All open files, by number. The xa_lock is a leaf, never taken in callbacks. */
static DEFINE_XARRAY_ALLOC1(files);

/* Free the id that was freed first. Caller holds the xa_lock. Return: false if none was. */
static bool file_reuse_id(struct pw_file *file)
{
	if (file->nr_reused == file->nr_freed)
		return false;
	__xa_erase(&file->watches, file->freed[file->nr_reused++ % PW_FILE_FREED_IDS]);
	return true;
}

bool pw_file_reuse_ids(struct pw_file *file)
{
	bool any;

	xa_lock(&file->watches);
	any = file_reuse_id(file);
	while (file_reuse_id(file))
		;
	xa_unlock(&file->watches);
	return any;
}

int pw_file_insert_watch(struct pw_file *file, struct pw_watch *watch, u32 *id)
{
	int err;

	xa_lock(&file->watches);
	do {
		err = __xa_alloc(&file->watches, id, watch,
				 XA_LIMIT(0, file->nr_ids - 1), GFP_KERNEL_ACCOUNT);
	} while (err == -EBUSY && file_reuse_id(file));
	xa_unlock(&file->watches);
	if (err)
		return err == -EBUSY ? -ENOSPC : err;
	atomic_inc(&file->nr_watches);
	atomic_long_inc(&pw_counters.nr_watches);
	return 0;
}

void pw_file_remove_watch(struct pw_file *file, u32 id)
{
	xa_lock(&file->watches);
	if (file->nr_freed - file->nr_reused == PW_FILE_FREED_IDS)
		file_reuse_id(file);
	/* NULL leaves the id in use. No memory is needed: the id has an entry. */
	__xa_store(&file->watches, id, NULL, 0);
	file->freed[file->nr_freed++ % PW_FILE_FREED_IDS] = id;
	xa_unlock(&file->watches);
	atomic_dec(&file->nr_watches);
	atomic_long_dec(&pw_counters.nr_watches);
	/* The watch was counted, but not as dead, so pw_file_over() was false. */
	pw_file_check_over(file);
}

struct pw_watch *pw_file_find_watch(struct pw_file *file, u32 id)
{
	struct pw_watch *watch;

	if (id >= file->nr_ids)
		return NULL;
	id = array_index_nospec(id, file->nr_ids);
	xa_lock(&file->watches);
	watch = xa_load(&file->watches, id);
	if (watch)
		pw_watch_get(watch);
	xa_unlock(&file->watches);
	return watch;
}

struct pw_watch *pw_file_next_watch(struct pw_file *file, unsigned long *id)
{
	struct pw_watch *watch;

	xa_lock(&file->watches);
	watch = xa_find(&file->watches, id, ULONG_MAX, XA_PRESENT);
	if (watch)
		pw_watch_get(watch);
	xa_unlock(&file->watches);
	return watch;
}

/* Unpin the watches of a dead address space. Many die at once: visit all. */
static void reap_work(struct work_struct *work)
{
	struct pw_file *file = container_of(work, struct pw_file, reap);
	struct pw_watch *watch;
	unsigned long id = 0;

	while ((watch = pw_file_next_watch(file, &id))) {
		pw_watch_reap(watch);
		pw_watch_put(watch);
		id++;
		cond_resched();
	}
}

/* Make an empty table of watches, and the generations. Return: false without memory. */
static bool file_make_ids(struct pw_file *file)
{
	file->max_watches = pw_limits_max_watches();
	file->nr_ids = file->max_watches + (file->max_watches > PW_GENERATION_FILE_ID);
	xa_init_flags(&file->watches, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	file->gens = pw_generation_alloc(file->nr_ids);
	if (!file->gens)
		return false;
	file->gen = pw_generation_of_file(file->gens);
	/* pw_file_insert_watch() does not give a reserved id out. */
	if (!xa_reserve(&file->watches, PW_GENERATION_FILE_ID, GFP_KERNEL_ACCOUNT))
		return true;
	xa_destroy(&file->watches);
	pw_generation_put(file->gens);
	return false;
}

struct pw_file *pw_file_alloc(void)
{
	static u32 next;	/* under the xa_lock of files */
	struct pw_file *file;

	/* A kernel thread. */
	if (!current->mm)
		return ERR_PTR(-EINVAL);
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return ERR_PTR(-ENOMEM);
	refcount_set(&file->refs, 1);
	spin_lock_init(&file->bind_lock);
	pw_event_init_queue(&file->events);
	INIT_WORK(&file->reap, reap_work);

	file->user = pw_limits_get_user(current_cred());
	if (!file->user)
		goto err_free;
	if (!file_make_ids(file))
		goto err_put_user;
	mmgrab(current->mm);
	file->mm = current->mm;
	file->owner = task_tgid_nr(current);
	atomic_long_inc(&pw_counters.nr_files);
	/* Last: from here on, netlink requests can find the file. */
	if (xa_alloc_cyclic(&files, &file->number, file, XA_LIMIT(1, INT_MAX), &next,
			    GFP_KERNEL_ACCOUNT) < 0)
		goto err_free_ids;
	return file;

err_free_ids:
	atomic_long_dec(&pw_counters.nr_files);
	mmdrop(file->mm);
	xa_destroy(&file->watches);
	pw_generation_put(file->gens);
err_put_user:
	pw_limits_put_user(file->user);
err_free:
	kfree(file);
	return ERR_PTR(-ENOMEM);
}

void pw_file_put(struct pw_file *file)
{
	if (!refcount_dec_and_test(&file->refs))
		return;
	xa_destroy(&file->watches);
	pw_generation_put(file->gens);
	pw_limits_put_user(file->user);
	mmdrop(file->mm);
	kfree(file);
	/* Not in pw_file_close(): a lost reference shall show. */
	atomic_long_dec(&pw_counters.nr_files);
}

void pw_file_close(struct pw_file *file)
{
	struct pw_watch *watch;
	unsigned long id = 0;

	xa_erase(&files, file->number);
	while ((watch = pw_file_next_watch(file, &id))) {
		pw_watch_del_idle(watch);
		pw_watch_put(watch);
		cond_resched();
	}
	/* No subscription is left whose callback could queue the work again. */
	cancel_work_sync(&file->reap);

	WARN_ON_ONCE(atomic_read(&file->nr_watches));
	WARN_ON_ONCE(!list_empty(&file->events.dirty));
	pw_file_put(file);
}

int pw_file_check_mm(const struct pw_file *file, bool pin)
{
	if (file->attached)
		return pin ? -EOPNOTSUPP : 0;
	return file->mm == current->mm ? 0 : -EXDEV;
}

int pw_file_begin_add(struct pw_file *file, bool pin)
{
	int err;

	spin_lock(&file->bind_lock);
	err = pw_file_check_mm(file, pin);
	if (!err)
		file->nr_adding++;
	spin_unlock(&file->bind_lock);
	return err;
}

/* Caller holds bind_lock. */
static void file_fix(struct pw_file *file)
{
	lockdep_assert_held(&file->bind_lock);
	/* Pairs with the acquire in pw_file_over(): ->mm and ->attached must not be older. */
	smp_store_release(&file->fixed, true);
}

void pw_file_end_add(struct pw_file *file, bool added)
{
	spin_lock(&file->bind_lock);
	file->nr_adding--;
	if (added)
		file_fix(file);
	spin_unlock(&file->bind_lock);
}

/* Caller holds bind_lock. @owner: The process of @mm. Return: the old address space. */
static struct mm_struct *file_set_mm(struct pw_file *file, struct mm_struct *mm,
				     pid_t owner)
{
	lockdep_assert_held(&file->bind_lock);
	WRITE_ONCE(file->owner, owner);
	swap(file->mm, mm);
	return mm;
}

/* Caller holds bind_lock. */
static bool file_is_busy(const struct pw_file *file)
{
	lockdep_assert_held(&file->bind_lock);
	return file->fixed || file->nr_adding;
}

int pw_file_bind(struct pw_file *file)
{
	struct mm_struct *mm = current->mm;
	struct pw_user *user;
	int err = -EBUSY;

	if (!mm)
		return -EINVAL;
	user = pw_limits_get_user(current_cred());
	if (!user)
		return -ENOMEM;
	mmgrab(mm);
	spin_lock(&file->bind_lock);
	if (!file_is_busy(file)) {
		mm = file_set_mm(file, mm, task_tgid_nr(current));
		swap(file->user, user);
		err = 0;
	}
	spin_unlock(&file->bind_lock);
	/* The old ones, or the new ones on failure. */
	mmdrop(mm);
	pw_limits_put_user(user);
	return err;
}

unsigned long pw_file_task_size(const struct pw_file *file)
{
	return file->attached ? file->mm->task_size : TASK_SIZE;
}

bool pw_file_over(const struct pw_file *file)
{
	/* Pairs with the release in file_fix(): from then on, ->mm is constant. */
	if (!smp_load_acquire(&file->fixed) || atomic_read(&file->mm->mm_users))
		return false;
	/* The acquire pairs with watch_invalidate(): the events of dead watches are queued. */
	return atomic_read_acquire(&file->nr_dead) == atomic_read(&file->nr_watches);
}

void pw_file_check_over(struct pw_file *file)
{
	if (pw_file_over(file) && !pw_event_pending(&file->events))
		pw_event_hang_up(&file->events);
}

/*
 * Threads of a group share one mm. A thread that has exited has none, even the first
 * thread, which stays in the list until the last thread has exited.
 *
 * Return: the mm with a reference, or NULL.
 */
static struct mm_struct *group_get_mm(struct task_struct *task)
{
	struct mm_struct *mm = NULL;
	struct task_struct *thread;

	rcu_read_lock();
	/* A thread that is created during the walk is added at the end of the list. */
	for_each_thread(task, thread) {
		/* NULL if the thread is a kernel thread or has exited. */
		mm = get_task_mm(thread);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return mm;
}

/* Bind @file to @mm of process @owner for good. Return: 0, -EBUSY. */
static int file_attach_mm(struct pw_file *file, struct mm_struct *mm, pid_t owner)
{
	int err = -EBUSY;

	mmgrab(mm);
	spin_lock(&file->bind_lock);
	if (!file_is_busy(file)) {
		mm = file_set_mm(file, mm, owner);
		file->attached = true;
		file_fix(file);
		err = 0;
	}
	spin_unlock(&file->bind_lock);
	/* The old address space, or @mm on failure. */
	mmdrop(mm);
	return err;
}

int pw_file_attach(struct pw_file *file, pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *task = get_pid_task(pid, PIDTYPE_PID);
	struct mm_struct *mm = NULL;
	int err = -ESRCH;
	pid_t owner = 0;

	put_pid(pid);
	if (task) {
		mm = group_get_mm(task);
		owner = task_tgid_nr(task);
		put_task_struct(task);
	}
	if (mm) {
		err = file_attach_mm(file, mm, owner);
		mmput(mm);
	}
	return err;
}

struct pw_file *pw_file_next(unsigned long *number, unsigned long max)
{
	struct pw_file *file;

	/* pw_file_close() removes the file under this lock before it drops the reference. */
	xa_lock(&files);
	file = xa_find(&files, number, max, XA_PRESENT);
	if (file)
		refcount_inc(&file->refs);
	xa_unlock(&files);
	return file;
}

struct pw_file *pw_file_find(u32 number)
{
	unsigned long index = number;

	return pw_file_next(&index, number);
}

void pw_file_reap(struct pw_file *file)
{
	queue_work(reap_wq, &file->reap);
}

void pw_file_flush_reap(struct pw_file *file)
{
	flush_work(&file->reap);
}

int pw_file_init(void)
{
	int err = pw_watch_init();

	pw_limits_init();
	if (err)
		return err;
	/*
	 * WQ_MEM_RECLAIM, because the work frees memory of processes that the OOM killer
	 * has killed. Not freezable: the work only touches memory.
	 */
	reap_wq = alloc_workqueue("pinwatch", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!reap_wq)
		pw_watch_exit();
	return reap_wq ? 0 : -ENOMEM;
}

void pw_file_exit(void)
{
	WARN_ON_ONCE(atomic_long_read(&pw_counters.nr_files));
	WARN_ON_ONCE(atomic_long_read(&pw_counters.nr_watches));
	WARN_ON_ONCE(atomic_long_read(&pw_counters.pinned_pages));
	WARN_ON_ONCE(!xa_empty(&files));
	destroy_workqueue(reap_wq);
	pw_watch_exit();
}
