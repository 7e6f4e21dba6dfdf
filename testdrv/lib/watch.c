// SPDX-License-Identifier: MIT
/* WATCH_ADD, WATCH_DEL and WATCH_REPIN. */
#include <errno.h>
#include <string.h>

#include "handle.h"

/* Bytes of struct pinwatch_watch_attr in its first version */
#define ATTR_SIZE_VER0	40

_Static_assert(sizeof(struct pinwatch_watch_attr) == ATTR_SIZE_VER0,
	       "struct pinwatch_watch_attr may only grow");
_Static_assert(sizeof(struct pinwatch_watch) ==
	       offsetof(struct pinwatch_watch, generation) + 24 &&
	       offsetof(struct pinwatch_watch, generation) <= 8,
	       "struct pinwatch_watch is frozen");

/*
 * Copy @user, whose size depends on the version that the caller was compiled against:
 * missing members become 0, and bytes that this version does not know must be 0.
 */
static int attr_get(struct pinwatch_watch_attr *attr, const struct pinwatch_watch_attr *user)
{
	const char *bytes = (const char *)user;
	size_t size = user->size, i;

	if (size < ATTR_SIZE_VER0)
		return -EINVAL;
	for (i = sizeof(*attr); i < size; i++)
		if (bytes[i])
			return -E2BIG;
	memset(attr, 0, sizeof(*attr));
	memcpy(attr, user, size < sizeof(*attr) ? size : sizeof(*attr));
	return attr->reserved ? -EINVAL : 0;
}

static int watch_add(struct pinwatch *dev, struct pinwatch_watch_add *arg,
		     struct pinwatch_watch *watch)
{
	int ret;

	if (__atomic_load_n(&dev->attached_to_reused_pid, __ATOMIC_ACQUIRE))
		return -ESRCH;
	ret = pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_ADD, arg);
	if (ret)
		return ret;
	watch->word = &dev->words[arg->id];
	watch->generation = arg->generation;
	watch->nr_pages = arg->nr_pages;
	watch->id = arg->id;
	watch->touched_shift = arg->touched_shift;
	return 0;
}

int pinwatch_watch_add_attr(struct pinwatch *dev, const struct pinwatch_watch_attr *user,
			    struct pinwatch_watch *watch)
{
	struct pinwatch_watch_attr attr;
	struct pinwatch_watch_add arg = { .size = sizeof(arg) };
	int ret;

	ret = attr_get(&attr, user);
	if (ret)
		return ret;
	arg.flags = attr.flags;
	arg.addr = attr.addr;
	arg.length = attr.length;
	arg.cookie = attr.cookie;
	arg.ignore_events = attr.ignore_events;
	return watch_add(dev, &arg, watch);
}

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

	return watch_add(dev, &arg, watch);
}

int pinwatch_watch_del(struct pinwatch *dev, const struct pinwatch_watch *watch)
{
	struct pinwatch_watch_del arg = {
		.size = sizeof(arg),
		.id = watch->id,
		.generation = watch->generation,
	};

	return pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_DEL, &arg);
}

static int watch_repin(struct pinwatch *dev, struct pinwatch_watch *watch, uint32_t flags)
{
	struct pinwatch_watch_repin arg = {
		.size = sizeof(arg),
		.flags = flags,
		.id = watch->id,
		.generation = watch->generation,
	};
	int ret;

	ret = pw_handle_ioctl(dev, PINWATCH_IOC_WATCH_REPIN, &arg);
	if (ret)
		return ret;
	/* pinwatch_valid() of another thread may load the generation at the same time. */
#if __SIZEOF_POINTER__ >= 8
	__atomic_store_n(&watch->generation, arg.generation, __ATOMIC_RELAXED);
#else
	watch->generation = arg.generation;
#endif
	return 0;
}

int pinwatch_watch_repin(struct pinwatch *dev, struct pinwatch_watch *watch)
{
	return watch_repin(dev, watch, 0);
}

int pinwatch_watch_keep(struct pinwatch *dev, struct pinwatch_watch *watch)
{
	return watch_repin(dev, watch, PINWATCH_REPIN_F_KEEP);
}
