/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reader: read(2) on the device
 */
#ifndef _PW_READER_H
#define _PW_READER_H

#include <linux/types.h>

struct pw_event_queue;

/**
 * pw_reader_read() - take pending records, waiting for the first
 * @queue: The queue of the file.
 * @buf: Where to copy the records: an array of struct pinwatch_event.
 * @count: Size of @buf in bytes.
 * @nonblock: Return -EAGAIN instead of waiting for the first record.
 *
 * If several tasks read, each record goes to one of them.
 *
 * Context: process context, may sleep; no lock held.
 * Return: bytes copied, a multiple of the size of a record; -EINVAL if @count is less
 * than one record; -EAGAIN if @nonblock is set and no record is pending; -ERESTARTSYS
 * if a signal is pending, -EINTR if that signal is fatal; -EFAULT if the first record
 * could not be copied. A record that could not be copied stays queued.
 */
ssize_t pw_reader_read(struct pw_event_queue *queue, char __user *buf, size_t count,
		       bool nonblock);

#endif /* _PW_READER_H */
