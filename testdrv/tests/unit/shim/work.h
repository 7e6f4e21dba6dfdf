/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the shim know of each other. */
#ifndef _SHIM_WORK_H
#define _SHIM_WORK_H
#include "shim.h"

struct mmu_notifier_range;

struct srcu {
	struct shim_mutex lock, gp;
	struct shim_wq wq;
	unsigned int idx, nr[2];
};

extern struct srcu shim_mn_srcu, shim_rcu;
unsigned int shim_srcu_read_lock(struct srcu *s);
void shim_srcu_read_unlock(struct srcu *s, unsigned int idx);
void shim_srcu_synchronize(struct srcu *s);
/* By the reaper, after a grace period of @gp if there is one. */
void shim_defer(void (*fn)(void *arg), void *arg, struct srcu *gp);

/* interval.c: the kernel's own interval notifiers */
int shim_itree_start(struct mmu_notifier_range *range);
void shim_itree_end(struct mm_struct *mm);
void shim_itree_release(struct mm_struct *mm);
#endif
