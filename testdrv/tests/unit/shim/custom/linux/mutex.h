/* SPDX-License-Identifier: GPL-2.0-only */
/* custom: on the shim's own, which may sleep */
#ifndef _SHIM_LINUX_MUTEX_H
#define _SHIM_LINUX_MUTEX_H
#include <linux/spinlock.h>

#define DEFINE_MUTEX(name)	struct shim_mutex name = SHIM_MUTEX_INIT
#define mutex_lock(m)		do { might_sleep(); shim_mutex_lock(m); } while (0)
#define mutex_unlock(m)		shim_mutex_unlock(m)
#endif
