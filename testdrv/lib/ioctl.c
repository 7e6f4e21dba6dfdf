// SPDX-License-Identifier: MIT
/* The one way into the module; tests put a device of their own in its place. */
#include <errno.h>
#include <sys/ioctl.h>

#include "handle.h"

int pw_handle_ioctl(const struct pinwatch *dev, unsigned long cmd, void *arg)
{
	return ioctl(dev->fd, cmd, arg) < 0 ? -errno : 0;
}
