/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: a pthread mutex, or a flag that blocks a fiber; sleeping under it dies */
#ifndef _SHIM_SPINLOCK_H
#define _SHIM_SPINLOCK_H
#include <linux/lockdep.h>
#include "shim.h"

typedef struct shim_mutex spinlock_t;
#define DEFINE_SPINLOCK(name)	spinlock_t name = SHIM_MUTEX_INIT
#define spin_lock_init(lock)	shim_mutex_init(lock)

static inline void spin_lock(spinlock_t *lock)
{
	shim_point();
	shim_mutex_lock(lock);
	shim_atomic_section(1);
}

static inline void spin_unlock(spinlock_t *lock)
{
	shim_atomic_section(-1);
	shim_mutex_unlock(lock);
	shim_point();
}
#endif
