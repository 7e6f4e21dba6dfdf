// SPDX-License-Identifier: GPL-2.0-only
/* Grace periods, deferred work, memory, mm_struct and its classic notifiers. */
#include <linux/mmu_notifier.h>
#include <linux/workqueue.h>
#include <stdlib.h>
#include "shim.h"

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

/* ---- grace periods ---- */

struct srcu {
	struct shim_mutex lock, gp;
	struct shim_wq wq;
	unsigned int idx, nr[2];
};

#define SRCU_INIT { .lock = SHIM_MUTEX_INIT, .gp = SHIM_MUTEX_INIT, .wq = SHIM_WQ_INIT }
static struct srcu mn_srcu = SRCU_INIT, rcu = SRCU_INIT;
static __thread unsigned int rcu_idx;	/* not nested, and kept over no switch */

static unsigned int srcu_read_lock(struct srcu *s)
{
	unsigned int idx;

	shim_mutex_lock(&s->lock);
	idx = s->idx;
	s->nr[idx]++;
	shim_mutex_unlock(&s->lock);
	return idx;
}

static void srcu_read_unlock(struct srcu *s, unsigned int idx)
{
	shim_mutex_lock(&s->lock);
	s->nr[idx]--;
	shim_mutex_unlock(&s->lock);
	shim_wq_wake(&s->wq);
}

static bool srcu_idle(struct srcu *s, unsigned int idx)
{
	bool idle;

	shim_mutex_lock(&s->lock);
	idle = !s->nr[idx];
	shim_mutex_unlock(&s->lock);
	return idle;
}

static void srcu_synchronize(struct srcu *s)
{
	unsigned int old;

	might_sleep();
	shim_mutex_lock(&s->gp);
	shim_mutex_lock(&s->lock);
	old = s->idx;
	s->idx = !old;
	shim_mutex_unlock(&s->lock);
	shim_wait_event(&s->wq, srcu_idle(s, old), false);
	shim_mutex_unlock(&s->gp);
}

/* A read section does not sleep, but a fiber may leave it: the index is its own. */
void rcu_read_lock(void)
{
	struct task_struct *t = shim_self();

	rcu_idx = srcu_read_lock(&rcu);
	t->atomic_depth += 1 + 1000 * (int)rcu_idx;
}

void rcu_read_unlock(void)
{
	struct task_struct *t = shim_self();
	unsigned int idx = t->atomic_depth >= 1000;

	t->atomic_depth -= 1 + 1000 * (int)idx;
	srcu_read_unlock(&rcu, idx);
}

void synchronize_rcu(void)
{
	srcu_synchronize(&rcu);
}

void mmu_notifier_synchronize(void)
{
	srcu_synchronize(&mn_srcu);
}

/* ---- what is done later, by the reaper ---- */

struct deferred {
	struct deferred *next;
	void (*fn)(void *arg);
	void *arg;
	struct srcu *gp;
};

static struct shim_mutex deferred_lock = SHIM_MUTEX_INIT;
static struct shim_wq deferred_wq = SHIM_WQ_INIT, flush_wq = SHIM_WQ_INIT;
static struct deferred *deferred_list;
static unsigned int deferred_nr;
static bool reaper_stop;

static void defer(void (*fn)(void *arg), void *arg, struct srcu *gp)
{
	struct deferred *d = malloc(sizeof(*d)), **link = &deferred_list;

	*d = (struct deferred){ .fn = fn, .arg = arg, .gp = gp };
	shim_mutex_lock(&deferred_lock);
	while (*link)
		link = &(*link)->next;
	*link = d;
	deferred_nr++;
	shim_mutex_unlock(&deferred_lock);
	shim_wq_wake(&deferred_wq);
}

static bool deferred_take(struct deferred **d)
{
	bool stop;

	shim_mutex_lock(&deferred_lock);
	*d = deferred_list;
	if (*d)
		deferred_list = (*d)->next;
	stop = reaper_stop;
	shim_mutex_unlock(&deferred_lock);
	return *d || stop;
}

static bool deferred_none(void)
{
	bool none;

	shim_mutex_lock(&deferred_lock);
	none = !deferred_nr;
	shim_mutex_unlock(&deferred_lock);
	return none;
}

void shim_reaper(void *arg)
{
	struct deferred *d;

	(void)arg;
	for (;;) {
		shim_wait_event(&deferred_wq, deferred_take(&d), false);
		if (!d) {
			reaper_stop = false;	/* for the next */
			return;
		}
		if (d->gp)
			srcu_synchronize(d->gp);
		d->fn(d->arg);
		free(d);
		shim_mutex_lock(&deferred_lock);
		deferred_nr--;
		shim_mutex_unlock(&deferred_lock);
		shim_wq_wake(&flush_wq);
	}
}

void shim_reaper_stop(void)
{
	shim_mutex_lock(&deferred_lock);
	reaper_stop = true;
	shim_mutex_unlock(&deferred_lock);
	shim_wq_wake(&deferred_wq);
}

void shim_flush(void)
{
	shim_wait_event(&flush_wq, deferred_none(), false);
}

static void work_run(void *arg)
{
	struct work_struct *work = arg;

	work->fn(work);
}

void shim_queue_work(struct work_struct *work)
{
	defer(work_run, work, NULL);
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
	defer(kfree, ptr, &rcu);
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
	if (shim_self()->signal_pending)
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
	unsigned int idx = srcu_read_lock(&mn_srcu);

	hlist_for_each_entry_rcu(mn, &mm->notifiers, hlist)
		if (mn->ops->release)
			mn->ops->release(mn, mm);
	spin_lock(&mm->notifier_lock);
	while ((mn = notifier_first(mm)))
		hlist_del_init_rcu(&mn->hlist);
	spin_unlock(&mm->notifier_lock);
	srcu_read_unlock(&mn_srcu, idx);
	srcu_synchronize(&mn_srcu);
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
		defer(exit_mmap, mm, NULL);
}

/* ---- classic notifiers ---- */

int __mmu_notifier_register(struct mmu_notifier *mn, struct mm_struct *mm)
{
	mmap_assert_write_locked(mm);
	if (atomic_read(&mm->mm_users) <= 0)
		shim_die("BUG: registers with a dead mm");
	if (shim_self()->signal_pending)
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
	defer(notifier_free, mn, &mn_srcu);
}

void mmu_notifier_invalidate_range_start(struct mmu_notifier_range *range)
{
	struct task_struct *t = shim_self();
	struct mmu_notifier *mn;
	int may_block = t->may_block;
	unsigned int idx;

	if (!t->section_depth++)
		shim_down_read(&range->mm->all_locks);
	t->may_block = mmu_notifier_range_blockable(range);
	idx = srcu_read_lock(&mn_srcu);
	hlist_for_each_entry_rcu(mn, &range->mm->notifiers, hlist)
		if (mn->ops->invalidate_range_start &&
		    mn->ops->invalidate_range_start(mn, range))
			shim_die("invalidate_range_start failed");
	srcu_read_unlock(&mn_srcu, idx);
	t->may_block = may_block;
}

static void section_leave(struct mmu_notifier_range *range)
{
	if (!--shim_self()->section_depth)
		shim_up_read(&range->mm->all_locks);
}

void mmu_notifier_invalidate_range_end(struct mmu_notifier_range *range)
{
	unsigned int idx = srcu_read_lock(&mn_srcu);
	struct mmu_notifier *mn;

	hlist_for_each_entry_rcu(mn, &range->mm->notifiers, hlist)
		if (mn->ops->invalidate_range_end)
			mn->ops->invalidate_range_end(mn, range);
	srcu_read_unlock(&mn_srcu, idx);
	section_leave(range);
}

void shim_invalidate_lose(struct mmu_notifier_range *range)
{
	section_leave(range);
}

/*
 * The kernel's own interval notifiers serve as the veto of subscriptions that may
 * sleep; no test here has any.
 */
int mmu_interval_notifier_insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
				 unsigned long start, unsigned long length,
				 const struct mmu_interval_notifier_ops *ops)
{
	return -EOPNOTSUPP;
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *mni)
{
	shim_die("no veto was ever inserted");
}

unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *mni)
{
	shim_die("no veto was ever inserted");
}
