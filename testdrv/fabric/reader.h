/* SPDX-License-Identifier: MIT */
/*
 * The device of a running monitor, with a thread that reads its events and tells libfabric's
 * caches which ranges to drop.
 */
#ifndef PINWATCH_FABRIC_READER_H
#define PINWATCH_FABRIC_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "table.h"

#define PW_READER_NAME	"pinwatch-fi"	/* of the thread */

struct pw_reader;

/*
 * Open the device, create a table and start the thread. The thread calls @notify, without
 * any lock, for each range that the caches must drop. Returns 0 or -errno.
 */
int pw_reader_start(struct pw_reader **reader,
		    void (*notify)(const void *addr, size_t length));
struct pw_table *pw_reader_table(const struct pw_reader *reader);
/*
 * Stop the thread. Returns false, without waiting, if the thread is in @notify, and can need
 * a lock of libfabric that the caller keeps from it: the thread ends after @notify. Returns
 * false after a second if the thread does not end. Returns true if the thread has ended. In a
 * child of the process, there is no such thread.
 */
bool pw_reader_stop(struct pw_reader *reader);
/* Has the thread, which pw_reader_stop() left in @notify, ended? Waits for at most @ms. */
bool pw_reader_ended(struct pw_reader *reader, unsigned int ms);
/* The thread has ended, or this process is a child. Delete all watches, close the device. */
void pw_reader_free(struct pw_reader *reader);

#endif /* PINWATCH_FABRIC_READER_H */
