/* SPDX-License-Identifier: MIT */
/* The device as root sees it: what is alive, and the limits that a run sets. */
#ifndef WORLD_H
#define WORLD_H

#include <stdbool.h>

#include <linux/pinwatch.h>

/* Open the node to everybody, and make limits that programs can reach. */
bool world_prepare(void);
/* Put the limits and the node's mode back. */
void world_restore(void);

/* Of the module; false: it does not answer. */
bool world_stats(struct pinwatch_stats *stats);
/* Wait, a bounded time, until as much is alive as in @start. */
bool world_is_back(const struct pinwatch_stats *start);

#endif /* WORLD_H */
