/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device node: /dev/pinwatch
 */
#ifndef _PW_CHARDEV_H
#define _PW_CHARDEV_H

/**
 * pw_chardev_init() - offer the device
 *
 * Context: module init, the last step: it can be opened from here on.
 * Return: 0, or what misc_register() returned.
 */
int pw_chardev_init(void);

/**
 * pw_chardev_exit() - take it back
 *
 * Context: module exit, the first step; no file is open, or the module could not
 * be unloaded.
 */
void pw_chardev_exit(void);

#endif /* _PW_CHARDEV_H */
