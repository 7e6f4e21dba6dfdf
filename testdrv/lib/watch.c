// SPDX-License-Identifier: MIT
/* WATCH_ADD and WATCH_DEL. */
#include <errno.h>

#include "handle.h"

int pinwatch_watch_add(struct pinwatch *dev, const void *addr, size_t length,
		       uint32_t flags, uint64_t cookie,
		       struct pinwatch_watch *watch)
{
	struct pinwatch_watch_add arg = {
		.size = sizeof(arg),
		.flags = flags,
		.addr = (uintptr_t)addr,
		.length = length,
		.cookie = cookie,
	};
	int ret;

	ret = pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_ADD, &arg);
	if (ret)
		return ret;
	watch->word = &dev->words[arg.id];
	watch->generation = arg.generation;
	watch->nr_pages = arg.nr_pages;
	watch->id = arg.id;
	return 0;
}

int pinwatch_watch_del(struct pinwatch *dev, const struct pinwatch_watch *watch)
{
	struct pinwatch_watch_del arg = {
		.size = sizeof(arg),
		.id = watch->id,
	};

	return pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_DEL, &arg);
}
