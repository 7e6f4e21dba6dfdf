/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reader: read(2) on the device
 */
#ifndef _PW_READER_H
#define _PW_READER_H

#include <linux/types.h>

struct iov_iter;
struct pw_event_queue;

/**
 * pw_reader_read() - take pending records, waiting for the first
 * @queue: The queue of the file.
 * @to: Where to copy the records: an array of struct pinwatch_event. A record may
 *	cross the border of two segments.
 * @nonblock: Return -EAGAIN instead of waiting for the first record.
 *
 * If several tasks read, each record goes to one of them.
 *
 * Context: process context, may sleep; no lock held.
 * Return: bytes copied, a multiple of the size of a record; -EINVAL if @to is shorter
 * than one record; -EAGAIN if @nonblock is set and no record is pending; -ERESTARTSYS
 * if a signal is pending, -EINTR if that signal is fatal; -EFAULT if the first record
 * could not be copied. A record that could not be copied stays queued.
 */
ssize_t pw_reader_read(struct pw_event_queue *queue, struct iov_iter *to, bool nonblock);

#endif /* _PW_READER_H */
