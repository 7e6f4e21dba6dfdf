/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: an mm without memory: its counts, locks and notifiers */
#ifndef _SHIM_MM_TYPES_H
#define _SHIM_MM_TYPES_H
#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/wait.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	(((x) + PAGE_SIZE - 1) & PAGE_MASK)

struct mmu_interval_notifier;

/* The kernel's own interval notifiers of an mm: see shim/interval.c */
struct shim_itree {
	spinlock_t lock;
	struct shim_wq wq;
	bool has_itree;
	unsigned long seq;		/* odd: something in it is being invalidated */
	unsigned long active;
	struct mmu_interval_notifier *first;
	struct hlist_head deferred;
};

void shim_itree_init(struct shim_itree *itree);

struct mm_struct {
	atomic_t mm_users;
	atomic_t mm_count;
	struct shim_rwsem mmap_lock;
	struct shim_rwsem all_locks;	/* read: between a start and its end */
	spinlock_t notifier_lock;
	struct hlist_head notifiers;
	struct shim_itree itree;
	bool unstable;			/* MMF_UNSTABLE */
	void (*torn_down)(struct mm_struct *mm);
};

#define current		shim_self()
#define fatal_signal_pending(t)	__atomic_load_n(&(t)->fatal_signal, __ATOMIC_RELAXED)

/* The owner is kept until another task acquires. */
#define rwsem_release(map, ip)	((void)(map))
#define rwsem_acquire(map, subclass, trylock, ip) \
	shim_own_write(container_of(map, struct shim_rwsem, dep_map))

static inline bool mmget_not_zero(struct mm_struct *mm)
{
	return atomic_inc_not_zero(&mm->mm_users);
}

static inline void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

void mmdrop(struct mm_struct *mm);
void mmput(struct mm_struct *mm);
void mmput_async(struct mm_struct *mm);
void mmap_write_lock(struct mm_struct *mm);
int mmap_write_lock_killable(struct mm_struct *mm);
void mmap_write_unlock(struct mm_struct *mm);
void mmap_assert_write_locked(struct mm_struct *mm);
struct mm_struct *shim_mm_alloc(void);
#endif
