// SPDX-License-Identifier: MIT
/* Reading events. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "handle.h"

int pinwatch_read_events(struct pinwatch *dev, struct pinwatch_event *events,
			 size_t nr_events)
{
	ssize_t ret;

	if (nr_events > INT_MAX / sizeof(*events))
		nr_events = INT_MAX / sizeof(*events);
	ret = read(dev->fd, events, nr_events * sizeof(*events));
	return ret < 0 ? -errno : (int)(ret / (ssize_t)sizeof(*events));
}
