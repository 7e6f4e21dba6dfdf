/* SPDX-License-Identifier: MIT */
/* The memory monitor that the provider gives to libfabric. */
#ifndef PINWATCH_FABRIC_MONITOR_H
#define PINWATCH_FABRIC_MONITOR_H

#include <rdma/fabric.h>

#include "table.h"

/* libfabric fills in import_ops and fid.ops when it imports the monitor. */
extern struct fid_mem_monitor pw_monitor;

/*
 * The table of the running monitor, which stop() does not free before pw_monitor_table_put();
 * or NULL. For callers without libfabric's locks.
 */
struct pw_table *pw_monitor_table_get(void);
void pw_monitor_table_put(void);

/*
 * The process ends: stop the thread of a running monitor. The table still works. Returns true
 * if the monitor is running.
 */
bool pw_monitor_exit(void);

#endif /* PINWATCH_FABRIC_MONITOR_H */
