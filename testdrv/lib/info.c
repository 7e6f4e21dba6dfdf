// SPDX-License-Identifier: MIT
/* GET_INFO and GET_STATS. */
#include "handle.h"

int pinwatch_get_info(struct pinwatch *dev, struct pinwatch_info *info)
{
	*info = (struct pinwatch_info){ .size = sizeof(*info) };
	return pw_handle_ioctl(dev, PINWATCH_IOC_GET_INFO, info);
}

int pinwatch_get_stats(struct pinwatch *dev, struct pinwatch_stats *stats)
{
	*stats = (struct pinwatch_stats){ .size = sizeof(*stats) };
	return pw_handle_ioctl(dev, PINWATCH_IOC_GET_STATS, stats);
}
