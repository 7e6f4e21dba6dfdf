/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device's ioctls: arguments in, calls, results out
 */
#ifndef _PW_IOCTL_H
#define _PW_IOCTL_H

struct file;

/**
 * pw_ioctl() - file_operations.unlocked_ioctl
 * @filp: The open device.
 * @cmd: As user space gave it.
 * @ptr: Likewise.
 *
 * Context: process context, may sleep.
 * Return: 0, or what the ABI lists.
 */
long pw_ioctl(struct file *filp, unsigned int cmd, unsigned long ptr);

#endif /* _PW_IOCTL_H */
