// SPDX-License-Identifier: GPL-2.0-only
/* Memory, mm_struct and its classic notifiers. */
#include <linux/mmu_notifier.h>
#include <stdlib.h>
#include "shim.h"
#include "work.h"

/* ---- reader-writer semaphores: a waiting writer holds off new readers ---- */

void shim_rwsem_init(struct shim_rwsem *sem)
{
	memset(sem, 0, sizeof(*sem));
	shim_mutex_init(&sem->lock);
	shim_wq_init(&sem->wq);
}

static bool try_read(struct shim_rwsem *sem)
{
	bool ok;

	shim_mutex_lock(&sem->lock);
	ok = !sem->writer && !sem->writers_waiting;
	sem->readers += ok;
	shim_mutex_unlock(&sem->lock);
	return ok;
}

static bool try_write(struct shim_rwsem *sem, unsigned int *waiting)
{
	bool ok;

	shim_mutex_lock(&sem->lock);
	ok = !sem->writer && !sem->readers;
	if (ok)
		sem->writer = shim_self();
	sem->writers_waiting += !ok - *waiting;
	*waiting = !ok;
	shim_mutex_unlock(&sem->lock);
	return ok;
}

void shim_down_read(struct shim_rwsem *sem)
{
	might_sleep();
	shim_wait_event(&sem->wq, try_read(sem), false);
}

void shim_up_read(struct shim_rwsem *sem)
{
	shim_mutex_lock(&sem->lock);
	sem->readers--;
	shim_mutex_unlock(&sem->lock);
	shim_wq_wake(&sem->wq);
}

void shim_down_write(struct shim_rwsem *sem)
{
	unsigned int waiting = 0;

	might_sleep();
	shim_wait_event(&sem->wq, try_write(sem, &waiting), false);
}

void shim_up_write(struct shim_rwsem *sem)
{
	shim_mutex_lock(&sem->lock);
	sem->writer = NULL;
	shim_mutex_unlock(&sem->lock);
	shim_wq_wake(&sem->wq);
}

void shim_own_write(struct shim_rwsem *sem)
{
	shim_mutex_lock(&sem->lock);
	if (!sem->writer)
		shim_die("passes a lock on that no task holds");
	sem->writer = shim_self();
	shim_mutex_unlock(&sem->lock);
}

/* ---- memory ---- */

unsigned int shim_fail_nowait;
bool shim_fail_kernel;
static long nr_allocs;

void *kzalloc(size_t size, gfp_t flags)
{
	void *ptr;

	if (flags & GFP_KERNEL) {
		might_sleep();
		if (shim_fail_kernel)
			return NULL;
	} else if (shim_fail_nowait && shim_rand(256) < shim_fail_nowait) {
		return NULL;
	}
	ptr = aligned_alloc(64, (size + 63) & ~63UL);
	memset(ptr, 0, size);
	__atomic_fetch_add(&nr_allocs, 1, __ATOMIC_RELAXED);
	return ptr;
}

void *kmalloc(size_t size, gfp_t flags)
{
	void *ptr = kzalloc(size, flags);

	if (ptr)
		memset(ptr, 0xa5, size);
	return ptr;
}

void kfree(void *ptr)
{
	if (ptr)
		__atomic_fetch_sub(&nr_allocs, 1, __ATOMIC_RELAXED);
	free(ptr);
}

long shim_nr_allocs(void)
{
	return __atomic_load_n(&nr_allocs, __ATOMIC_RELAXED);
}

void shim_kfree_rcu(void *ptr)
{
	shim_defer(kfree, ptr, &shim_rcu);
}

/* ---- mm_struct ---- */

struct mm_struct *shim_mm_alloc(void)
{
	struct mm_struct *mm = kzalloc(sizeof(*mm), GFP_KERNEL);

	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	shim_rwsem_init(&mm->mmap_lock);
	shim_rwsem_init(&mm->all_locks);
	spin_lock_init(&mm->notifier_lock);
	shim_itree_init(&mm->itree);
	return mm;
}

void mmdrop(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_count))
		kfree(mm);
}

void mmap_write_lock(struct mm_struct *mm)
{
	shim_down_write(&mm->mmap_lock);
}

int mmap_write_lock_killable(struct mm_struct *mm)
{
	if (fatal_signal_pending(shim_self()))
		return -EINTR;
	shim_down_write(&mm->mmap_lock);
	return 0;
}

void mmap_write_unlock(struct mm_struct *mm)
{
	shim_up_write(&mm->mmap_lock);
}

void mmap_assert_write_locked(struct mm_struct *mm)
{
	if (mm->mmap_lock.writer != shim_self())
		shim_die("mmap lock not held for writing");
}

static struct mmu_notifier *notifier_first(struct mm_struct *mm)
{
	return shim_hlist_entry(mm->notifiers.first, (struct mmu_notifier *)NULL, hlist);
}

static void exit_mmap(void *arg)
{
	struct mm_struct *mm = arg;
	struct mmu_notifier *mn;
	unsigned int idx;

	shim_itree_release(mm);
	idx = shim_srcu_read_lock(&shim_mn_srcu);
	hlist_for_each_entry_rcu(mn, &mm->notifiers, hlist)
		if (mn->ops->release)
			mn->ops->release(mn, mm);
	spin_lock(&mm->notifier_lock);
	while ((mn = notifier_first(mm)))
		hlist_del_init_rcu(&mn->hlist);
	spin_unlock(&mm->notifier_lock);
	shim_srcu_read_unlock(&shim_mn_srcu, idx);
	shim_srcu_synchronize(&shim_mn_srcu);
	if (mm->torn_down)
		mm->torn_down(mm);
	mmdrop(mm);
}

void mmput(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_users))
		exit_mmap(mm);
}

void mmput_async(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_users))
		shim_defer(exit_mmap, mm, NULL);
}

/* ---- classic notifiers ---- */

int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	mmap_assert_write_locked(mm);
	if (atomic_read(&mm->mm_users) <= 0)
		shim_die("BUG: registers with a dead mm");
	if (shim_self()->signal_pending || fatal_signal_pending(shim_self()))
		return -EINTR;
	shim_down_write(&mm->all_locks);
	mmgrab(mm);
	mn->mm = mm;
	mn->users = 1;
	spin_lock(&mm->notifier_lock);
	hlist_add_head_rcu(&mn->hlist, &mm->notifiers);
	spin_unlock(&mm->notifier_lock);
	shim_up_write(&mm->all_locks);
	return 0;
}

static void notifier_free(void *arg)
{
	struct mmu_notifier *mn = arg;
	struct mm_struct *mm = mn->mm;

	mn->ops->free_notifier(mn);
	mmdrop(mm);
}

void mmu_notifier_put(struct mmu_notifier *mn)
{
	struct mm_struct *mm = mn->mm;

	spin_lock(&mm->notifier_lock);
	if (mn->users != 1)
		shim_die("mmu_notifier_put: %u users", mn->users);
	mn->users = 0;
	hlist_del_init_rcu(&mn->hlist);
	spin_unlock(&mm->notifier_lock);
	shim_defer(notifier_free, mn, &shim_mn_srcu);
}

static void section_leave(struct mmu_notifier_range *range)
{
	if (!--shim_self()->section_depth)
		shim_up_read(&range->mm->all_locks);
}

static void classic_start(struct mmu_notifier_range *range)
{
	unsigned int idx = shim_srcu_read_lock(&shim_mn_srcu);
	struct mmu_notifier *mn;

	hlist_for_each_entry_rcu(mn, &range->mm->notifiers, hlist)
		if (mn->ops->invalidate_range_start &&
		    mn->ops->invalidate_range_start(mn, range))
			shim_die("a classic invalidate_range_start failed: it wedges others");
	shim_srcu_read_unlock(&shim_mn_srcu, idx);
}

/* -EAGAIN, of a range that is not blockable: there is no end to it then. */
int mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	struct task_struct *t = shim_self();
	int ret, may_block = t->may_block;

	if (!t->section_depth++)
		shim_down_read(&range->mm->all_locks);
	t->may_block = mmu_notifier_range_blockable(range);
	if (!t->may_block)		/* only the reaper has such ranges */
		WRITE_ONCE(range->mm->unstable, true);
	t->notifying++;
	ret = shim_itree_start(range);
	if (!ret)
		classic_start(range);
	t->notifying--;
	t->may_block = may_block;
	if (ret)
		section_leave(range);
	return ret;
}

void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	struct mmu_notifier *mn;
	unsigned int idx;

	shim_itree_end(range->mm);
	idx = shim_srcu_read_lock(&shim_mn_srcu);
	hlist_for_each_entry_rcu(mn, &range->mm->notifiers, hlist)
		if (mn->ops->invalidate_range_end)
			mn->ops->invalidate_range_end(mn, range);
	shim_srcu_read_unlock(&shim_mn_srcu, idx);
	section_leave(range);
}
