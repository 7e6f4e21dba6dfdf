/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: memory management that differs between kernels
 */
#ifndef _PW_COMPAT_MM_H
#define _PW_COMPAT_MM_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/page-flags.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

/* Since 5.12. In mmap(), the caller on 5.10 holds the only reference to @vma. */
#ifndef PW_HAVE_VMA_SET_FILE
static inline void vma_set_file(struct vm_area_struct *vma, struct file *file)
{
	get_file(file);
	swap(vma->vm_file, file);
	fput(file);
}
#endif

/* Since 6.3 */
#ifndef PW_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/*
 * Before 5.14, NUMA balancing announces the exchange of a huge page that is not pinned by
 * the MMU_NOTIFY_PROTECTION_VMA of its scan alone.
 */
#ifdef PW_HAVE_MIGRATE_MISPLACED_THP
#define PW_NUMA_EXCHANGES_AFTER_SCAN	true
#else
#define PW_NUMA_EXCHANGES_AFTER_SCAN	false
#endif

/* range->owner since 5.11. Uninitialised for events below MMU_NOTIFY_MIGRATE. */
static inline const void *pw_range_owner(const struct mmu_notifier_range *range)
{
	if (range->event < MMU_NOTIFY_MIGRATE)
		return NULL;
#ifdef PW_HAVE_MIGRATE_PGMAP_OWNER
	return range->migrate_pgmap_owner;
#else
	return range->owner;
#endif
}

/*
 * The ID, in the initial PID namespace, of a process that uses @mm. 0 if no process
 * does, or if the kernel is built without CONFIG_MEMCG.
 */
static inline pid_t pw_mm_owner(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	struct task_struct *task;
	pid_t owner;

	rcu_read_lock();
	task = rcu_dereference(mm->owner);
	owner = task ? task_tgid_nr(task) : 0;
	rcu_read_unlock();
	return owner;
#else
	return 0;
#endif
}

/* ops->invalidate_start since 7.2: is the member set, and at the offset of ours? */
#ifdef PW_HAVE_INVALIDATE_START
static inline bool pw_ops_two_pass(const struct mmu_interval_notifier_ops *ops)
{
	return ops->invalidate_start;
}

#define PW_OPS_TWO_PASS_LAYOUT \
	(offsetof(struct pinwatch_interval_notifier_ops, invalidate_start) == \
	 offsetof(struct mmu_interval_notifier_ops, invalidate_start) && \
	 offsetof(struct pinwatch_interval_notifier_ops, invalidate_finish) == \
	 offsetof(struct mmu_interval_notifier_ops, invalidate_finish) && \
	 offsetof(struct pinwatch_interval_notifier_finish, notifier) == \
	 offsetof(struct mmu_interval_notifier_finish, notifier) && \
	 sizeof(struct pinwatch_interval_notifier_finish) == \
	 sizeof(struct mmu_interval_notifier_finish))
#else
static inline bool pw_ops_two_pass(const struct mmu_interval_notifier_ops *ops)
{
	return false;
}

#define PW_OPS_TWO_PASS_LAYOUT true
#endif

/* Since 5.15 an enumerator, with the value 7 in every kernel */
#define PW_MMU_NOTIFY_EXCLUSIVE	7

#endif /* _PW_COMPAT_MM_H */
