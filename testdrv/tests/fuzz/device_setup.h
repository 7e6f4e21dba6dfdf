/* SPDX-License-Identifier: MIT */
/*
 * Prepare the device for programs of an unprivileged user, and compare the module's
 * counters before and after
 *
 * All functions need root. On an error they print the path and the error.
 */
#ifndef DEVICE_SETUP_H
#define DEVICE_SETUP_H

#include <stdbool.h>

#include <linux/pinwatch.h>

/* Let all users open the device, and set limits low enough for programs to reach. */
bool device_prepare(void);
/* Restore the limits and the mode of the device node. */
void device_restore(void);

bool device_stats(struct pinwatch_stats *stats);
/*
 * Wait until address spaces, subscriptions, files, watches and pinned pages are as many as
 * in @start. False: they are not after ten seconds.
 */
bool device_is_back(const struct pinwatch_stats *start);

#endif /* DEVICE_SETUP_H */
