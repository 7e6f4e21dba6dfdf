/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of the device
 */
#ifndef _PW_IOCTL_H
#define _PW_IOCTL_H

struct file;

/**
 * pw_ioctl() - file_operations.unlocked_ioctl
 * @filp: The open device.
 * @cmd: The ioctl number, from user space.
 * @ptr: The address of the argument, from user space.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0, or an error that linux/pinwatch.h lists for the ioctl.
 */
long pw_ioctl(struct file *filp, unsigned int cmd, unsigned long ptr);

#endif /* _PW_IOCTL_H */
