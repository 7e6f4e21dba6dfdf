/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions: WATCH_QUERY, WATCH_STACK, RESYNC
 */
#ifndef _PW_QUERY_H
#define _PW_QUERY_H

#include <linux/types.h>

struct pinwatch_resync;
struct pinwatch_watch_query;
struct pinwatch_watch_stack;
struct pw_file;

/**
 * pw_query_watch() - PINWATCH_IOC_WATCH_QUERY
 * @file: The file.
 * @args: Which watch; the results are filled in.
 *
 * Context: process context. Does not sleep.
 * Return: 0, -EINVAL, -ENOENT.
 */
int pw_query_watch(struct pw_file *file, struct pinwatch_watch_query *args);

/**
 * pw_query_stack() - PINWATCH_IOC_WATCH_STACK
 * @file: The file.
 * @args: Which watch; the results are filled in.
 *
 * Context: process context. Does not sleep.
 * Return: 0, -EINVAL, -ENOENT, -ENODATA.
 */
int pw_query_stack(struct pw_file *file, struct pinwatch_watch_stack *args);

/**
 * pw_query_resync() - PINWATCH_IOC_RESYNC
 * @file: The file.
 * @args: Which ids, and where to.
 *
 * Context: process context, may sleep.
 * Return: 0, -EINVAL, -EFAULT.
 */
int pw_query_resync(struct pw_file *file, struct pinwatch_resync *args);

#endif /* _PW_QUERY_H */
