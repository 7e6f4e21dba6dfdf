/* SPDX-License-Identifier: MIT */
/*
 * The watches of the registrations, and what they tell UCX
 *
 * Each registration has a watch, added before libibverbs registers the range. The word of the
 * descriptor changes when a watch is hit or deleted. A thread that looks up a region compares
 * the word with the value that the same thread saw at its last look-up. If the word has
 * changed, the thread reads the events and passes each range to ucm_vm_munmap(), and UCX's
 * caches drop the regions in the range, at once or at their next look-up under their lock.
 *
 * The value is kept for each thread, and not for the process, because of this order:
 *
 *	thread A			thread B
 *	changes the mapping
 *	UCX checks its queue: empty
 *					reads the event, UCX queues the range
 *	looks up the region
 *
 * With one value for the process, B has stored it, and A would get the old region. A has not
 * seen the change, so the look-up of A returns NULL, and UCX checks the queue again.
 *
 * Locks: deliver_lock, and in it table_lock. UCX calls with its own locks held. Under
 * deliver_lock, ucm_vm_munmap() takes the lock of UCM's handlers for reading and only tries the
 * locks of the caches, so no thread waits here for a thread that waits for deliver_lock. No
 * lock is held in libibverbs.
 *
 * A child after fork() has no watches: the descriptor belongs to the address space of the
 * parent. The first registration of the child opens a descriptor of the child.
 */
#ifndef UCX_WATCH_H
#define UCX_WATCH_H

#include <stdbool.h>

/*
 * Open the device, unless that was done or has failed. Returns whether the device is open.
 * The first call that fails says so on stderr.
 */
bool ucx_watch_open(void);

/*
 * Has the word changed since the last ucx_watch_deliver() of this thread, or is there a
 * registration without a watch? The first is one load of the word.
 */
bool ucx_watch_changed(void);

/* Pass the range of each event, and of each registration without a watch, to ucm_vm_munmap(). */
void ucx_watch_deliver(void);

#endif /* UCX_WATCH_H */
