/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queries: WATCH_QUERY, WATCH_STACK, RESYNC
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
 * @args: @id and @flags select the watch. The results are filled in.
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if a reserved member is not 0; -ENOENT if there is no such watch.
 */
int pw_query_watch(struct pw_file *file, struct pinwatch_watch_query *args);

/**
 * pw_query_stack() - PINWATCH_IOC_WATCH_STACK
 * @file: The file.
 * @args: @id selects the watch. The results are filled in.
 *
 * Context: process context. Does not sleep.
 * Return: 0; -EINVAL if a reserved member is not 0; -ENOENT if there is no such watch;
 * -ENODATA if the watch was added without PINWATCH_WATCH_F_STACK.
 */
int pw_query_stack(struct pw_file *file, struct pinwatch_watch_stack *args);

/**
 * pw_query_resync() - PINWATCH_IOC_RESYNC
 * @file: The file.
 * @args: The range of ids, and the address of the array. @nr_ids is set to the number of
 *	ids that were copied.
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL if @nr_ids is 0, @first_id is out of range or a reserved member is
 * not 0; -EFAULT if the array cannot be written.
 */
int pw_query_resync(struct pw_file *file, struct pinwatch_resync *args);

#endif /* _PW_QUERY_H */
