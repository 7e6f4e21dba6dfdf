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
 * pw_genl_init() - register the family
 *
 * Context: module init, after pw_file_init() and before pw_chardev_init().
 * Return: 0, -ENOMEM, or an error of genl_register_family().
 */
int pw_genl_init(void);

/**
 * pw_genl_exit() - send the events in the ring, and unregister the family
 *
 * Context: module exit, after pw_chardev_exit() and before pw_file_exit().
 */
void pw_genl_exit(void);

#endif /* _PW_GENL_H */
