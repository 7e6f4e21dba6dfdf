/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device node: /dev/pinwatch
 */
#ifndef _PW_CHARDEV_H
#define _PW_CHARDEV_H

/**
 * pw_chardev_init() - register /dev/pinwatch
 *
 * Context: module init, after the other parts: programs may open the device before this
 * function returns.
 * Return: 0, or an error of misc_register().
 */
int pw_chardev_init(void);

/**
 * pw_chardev_exit() - unregister /dev/pinwatch
 *
 * Context: module exit, before the other parts. No file is open: an open file keeps the
 * module loaded.
 */
void pw_chardev_exit(void);

#endif /* _PW_CHARDEV_H */
