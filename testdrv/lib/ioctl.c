// SPDX-License-Identifier: MIT
/* Every ioctl of the device. Tests link a fake device in place of this file. */
#include <errno.h>
#include <sys/ioctl.h>

#include "handle.h"

int pw_handle_ioctl(const struct pinwatch *dev, unsigned long cmd, void *arg)
{
	return ioctl(dev->fd, cmd, arg) < 0 ? -errno : 0;
}
