// SPDX-License-Identifier: MIT
/* See target.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target.h"

#define MAX_WATCHES	16384	/* "all mappings" of a sane process */

static int target_attach(struct target *target)
{
	int ret;

	ret = pinwatch_open(&target->dev, target->device, PINWATCH_OPEN_NONBLOCK);
	if (ret)
		return ret;
	ret = pinwatch_attach(target->dev, target->pidfd);
	if (ret) {
		pinwatch_close(target->dev);
		target->dev = NULL;
	}
	return ret;
}

int target_open(struct target *target, const char *device, pid_t pid,
		const struct target_filter *filter)
{
	int ret;

	*target = (struct target){ .device = device, .pid = pid, .filter = *filter };
	target->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (target->pidfd < 0)
		return -errno;
	ret = target_attach(target);
	if (ret)
		close(target->pidfd);
	return ret;
}

static void watches_forget(struct target *target)
{
	pinwatch_close(target->dev);
	target->dev = NULL;
	free(target->watches);
	target->watches = NULL;
	target->nr_watches = 0;
	target->room = 0;
	maps_free(&target->maps);
}

void target_close(struct target *target)
{
	watches_forget(target);
	close(target->pidfd);
}

int target_reopen(struct target *target)
{
	int ret;

	watches_forget(target);
	ret = target_attach(target);
	return ret ? ret : target_rescan(target);
}

/* The first watch that ends behind @addr. */
static size_t watches_behind(const struct target *target, uint64_t addr)
{
	size_t low = 0, high = target->nr_watches;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (target->watches[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int watches_grow(struct target *target)
{
	size_t room = target->room ? 2 * target->room : 64;
	struct target_watch *more;

	if (target->nr_watches < target->room)
		return 0;
	more = realloc(target->watches, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	target->watches = more;
	target->room = room;
	return 0;
}

/* Into position @at. A limit is no error: what there is stays. */
static int watch_insert(struct target *target, size_t at, uint64_t start, uint64_t end,
			const char *name)
{
	const struct pinwatch_watch_attr attr = {
		.size = sizeof(attr), .flags = target->filter.flags, .addr = start,
		.length = end - start, .cookie = start,
	};
	struct pinwatch_watch watch;
	struct target_watch *new;
	int ret;

	ret = watches_grow(target);
	if (ret)
		return ret;
	ret = target->nr_watches < MAX_WATCHES ?
		pinwatch_watch_add_attr(target->dev, &attr, &watch) : -ENOSPC;
	if (ret == -ENOSPC || ret == -EDQUOT)
		target->full = true;
	if (ret)
		return target->full ? 0 : ret;
	new = &target->watches[at];
	memmove(new + 1, new, (target->nr_watches++ - at) * sizeof(*new));
	*new = (struct target_watch){ .start = start, .end = end };
	memcpy(new->name, name, sizeof(new->name));
	return 0;
}

/* The parts of a mapping that are not watched yet. */
static int map_watch(struct target *target, const struct map *map)
{
	uint64_t addr = map->start;
	int ret = 0;

	while (!ret && addr < map->end && !target->full) {
		size_t at = watches_behind(target, addr);
		uint64_t next = at < target->nr_watches ? target->watches[at].start : UINT64_MAX;

		if (next <= addr)
			addr = target->watches[at].end;
		else
			ret = watch_insert(target, at, addr, next < map->end ? next : map->end,
					   map->name);
	}
	return ret;
}

static bool map_wanted(const struct target *target, const struct map *map)
{
	/* The vsyscall page is the kernel's. */
	if (map->end > INT64_MAX)
		return false;
	return !target->filter.map || strstr(map->name, target->filter.map);
}

static int maps_watch(struct target *target)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < target->maps.nr && !ret; i++)
		if (map_wanted(target, &target->maps.maps[i]))
			ret = map_watch(target, &target->maps.maps[i]);
	return ret;
}

int target_rescan(struct target *target)
{
	const struct target_filter *filter = &target->filter;
	const struct map range = { .start = filter->start, .end = filter->end, .name = "-" };
	struct maps maps;
	int ret;

	ret = maps_read(&maps, target->pid);
	if (ret)
		return ret;
	maps_free(&target->maps);
	target->maps = maps;
	return filter->end ? map_watch(target, &range) : maps_watch(target);
}

const char *target_name(const struct target *target, const struct pinwatch_event *event)
{
	const struct map *map = maps_find(&target->maps, event->start);
	size_t at = watches_behind(target, event->start);

	if (map)
		return map->name;
	return at < target->nr_watches && target->watches[at].start <= event->start ?
		target->watches[at].name : "-";
}
