/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generic netlink: the family "pinwatch"
 */
#ifndef _PW_GENL_H
#define _PW_GENL_H

struct genl_family;

extern struct genl_family pw_genl_family;

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
