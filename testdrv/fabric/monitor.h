/* SPDX-License-Identifier: MIT */
/* The memory monitor that the provider gives to libfabric. */
#ifndef PINWATCH_FABRIC_MONITOR_H
#define PINWATCH_FABRIC_MONITOR_H

#include <rdma/fabric.h>

/* libfabric fills in import_ops and fid.ops when it imports the monitor. */
extern struct fid_mem_monitor pw_monitor;

/* The process ends: stop the thread of a running monitor. The table still works. */
void pw_monitor_exit(void);

#endif /* PINWATCH_FABRIC_MONITOR_H */
