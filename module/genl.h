/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generic netlink: the family "pinwatch"
 */
#ifndef _PW_GENL_H
#define _PW_GENL_H

#include <linux/types.h>

struct genl_family;
struct pw_file;
struct pw_hit;

extern struct genl_family pw_genl_family;

/**
 * pw_genl_hit() - send a hit to the listeners, if there are any
 * @file: The file of the watch.
 * @id: The id of the watch.
 * @hit: The hit, caused by current.
 * @generation: The generation of the watch after @hit.
 *
 * A worker sends: listeners receive the event after this function has returned.
 *
 * Context: invalidation callback, not under pw_watch.lock. Does not sleep.
 */
void pw_genl_hit(const struct pw_file *file, u32 id, const struct pw_hit *hit,
		 u64 generation);

/**
 * pw_genl_init() - offer the family
 *
 * Context: module init, after the files' and before the device.
 * Return: 0, -ENOMEM, or what genl_register_family() returned.
 */
int pw_genl_init(void);

/**
 * pw_genl_exit() - take it back; sends what is in the ring
 *
 * Context: module exit, after the device and before the files'.
 */
void pw_genl_exit(void);

#endif /* _PW_GENL_H */
