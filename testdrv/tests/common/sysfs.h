/* SPDX-License-Identifier: MIT */
/* Read and write settings of the kernel in /proc and /sys; and ask which kernel runs. */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>

/* The number in the file, or -1 when the file has no number or does not exist. */
long sysfs_read(const char *path);

/* The first line, or "" when the file does not exist. */
void sysfs_read_text(const char *path, char *text, size_t size);

/* 0 or -errno. */
int sysfs_write(const char *path, const char *value);

/* Like sysfs_write(). sysfs_restore() writes the number back that the file had before. */
int sysfs_set(const char *path, const char *value);

/* Undo each sysfs_set() of this process. */
void sysfs_restore(void);

#define KERNEL(major, minor)	((major) << 8 | (minor))

/* The running kernel, as KERNEL() gives it. Only for what is expected of that kernel. */
unsigned int kernel_running(void);

/* Does the kernel know this advice of madvise(2)? */
bool kernel_has_advice(int advice);

#endif /* SYSFS_H */
