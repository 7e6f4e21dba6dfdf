/* SPDX-License-Identifier: MIT */
/* The memory monitor that the provider gives to libfabric. */
#ifndef PINWATCH_FABRIC_MONITOR_H
#define PINWATCH_FABRIC_MONITOR_H

#include <pthread.h>

#include <rdma/fabric.h>

#include "table.h"

/*
 * A thread that is cancelled inside the plugin would leave locks, also those of libfabric. So
 * each entry point that may come to a cancellation point disables cancellation.
 */
static inline int pw_monitor_cancel_disable(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

/* @state: From pw_monitor_cancel_disable(). */
static inline void pw_monitor_cancel_restore(int state)
{
	pthread_setcancelstate(state, NULL);
}

/* Call this before libfabric imports the monitor. Returns 0 or -errno. */
int pw_monitor_init(void);

/* libfabric fills in import_ops and fid.ops when it imports the monitor. */
extern struct fid_mem_monitor pw_monitor;

/*
 * The table of the running monitor, which stop() does not free before pw_monitor_table_put();
 * or NULL, also in a child of the process that has started the monitor. For callers without
 * libfabric's locks, and with cancellation disabled.
 */
struct pw_table *pw_monitor_table_get(void);
void pw_monitor_table_put(struct pw_table *table);

/*
 * The process ends: stop the thread of a running monitor. The table still works. Returns true
 * if the monitor is running.
 */
bool pw_monitor_exit(void);

#endif /* PINWATCH_FABRIC_MONITOR_H */
