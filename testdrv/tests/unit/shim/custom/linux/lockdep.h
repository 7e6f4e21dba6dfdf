/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: locks know their owner; the one lockdep_map of the core says that its
 * task is inside a callback, and dies when it is taken there again.
 */
#ifndef _SHIM_LOCKDEP_H
#define _SHIM_LOCKDEP_H
#include <linux/bug.h>
#define CONFIG_LOCKDEP 1

struct lock_class_key {
	int unused;
};

struct lockdep_map {
	const char *name;
	struct lock_class_key *key;
};

#define STATIC_LOCKDEP_MAP_INIT(n, k)	{ .name = (n), .key = (k) }
void lock_map_acquire(struct lockdep_map *map);
void lock_map_release(struct lockdep_map *map);
#define lockdep_is_held(lock)	shim_mutex_is_mine(lock)
#define lockdep_assert_held(lock)	WARN_ON_ONCE(!shim_mutex_is_mine(lock))
void might_sleep(void);
/* Where the core says that reclaim calls callbacks, it could allocate memory as well. */
#define fs_reclaim_acquire(flags)	might_sleep()
#define fs_reclaim_release(flags)	((void)(flags))
#endif
