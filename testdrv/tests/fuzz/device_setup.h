/* SPDX-License-Identifier: MIT */
/* The device as root sees it: what is alive, and the limits that a run sets. */
#ifndef DEVICE_SETUP_H
#define DEVICE_SETUP_H

#include <stdbool.h>

#include <linux/pinwatch.h>

/* Open the node to everybody, and make limits that programs can reach. */
bool device_prepare(void);
/* Put the limits and the node's mode back. */
void device_restore(void);

/* Of the module; false: it does not answer. */
bool device_stats(struct pinwatch_stats *stats);
/* Wait, a bounded time, until as much is alive as in @start. */
bool device_is_back(const struct pinwatch_stats *start);

#endif /* DEVICE_SETUP_H */
