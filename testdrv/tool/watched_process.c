// SPDX-License-Identifier: MIT
/* Watches on the memory of another process. See watched_process.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "watched_process.h"

#define MAX_RANGES	16384	/* more mappings than a usual process has */

static int process_attach(struct watched_process *process)
{
	int ret;

	ret = pinwatch_open(&process->dev, process->device, PINWATCH_OPEN_NONBLOCK);
	if (ret)
		return ret;
	ret = pinwatch_attach(process->dev, process->pidfd);
	if (ret) {
		pinwatch_close(process->dev);
		process->dev = NULL;
	}
	return ret;
}

int watched_process_open(struct watched_process *process, const char *device, pid_t pid,
			 const struct watch_filter *filter)
{
	int ret;

	*process = (struct watched_process){ .device = device, .pid = pid, .filter = *filter };
	process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process->pidfd < 0)
		return -errno;
	ret = process_attach(process);
	if (ret)
		close(process->pidfd);
	return ret;
}

static void ranges_forget(struct watched_process *process)
{
	pinwatch_close(process->dev);
	process->dev = NULL;
	free(process->ranges);
	process->ranges = NULL;
	process->nr_ranges = 0;
	process->room = 0;
	maps_free(&process->maps);
}

void watched_process_close(struct watched_process *process)
{
	ranges_forget(process);
	close(process->pidfd);
}

int watched_process_reopen(struct watched_process *process)
{
	int ret;

	ranges_forget(process);
	ret = process_attach(process);
	return ret ? ret : watched_process_rescan(process);
}

/* Returns the index of the first range that ends behind @addr. */
static size_t range_find(const struct watched_process *process, uint64_t addr)
{
	size_t low = 0, high = process->nr_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (process->ranges[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int ranges_grow(struct watched_process *process)
{
	size_t room = process->room ? 2 * process->room : 64;
	struct watched_range *more;

	if (process->nr_ranges < process->room)
		return 0;
	more = realloc(process->ranges, room * sizeof(*more));
	if (!more)
		return -ENOMEM;
	process->ranges = more;
	process->room = room;
	return 0;
}

/* Insert at index @at. A limit is no error: the ranges so far stay watched. */
static int range_insert(struct watched_process *process, size_t at, uint64_t start, uint64_t end,
			const char *name)
{
	const struct pinwatch_watch_attr attr = {
		.size = sizeof(attr), .flags = process->filter.flags, .addr = start,
		.length = end - start, .cookie = start,
	};
	struct pinwatch_watch watch;
	struct watched_range *new;
	int ret;

	ret = ranges_grow(process);
	if (ret)
		return ret;
	ret = process->nr_ranges < MAX_RANGES ?
		pinwatch_watch_add_attr(process->dev, &attr, &watch) : -ENOSPC;
	if (ret == -ENOSPC || ret == -EDQUOT)
		process->at_limit = true;
	if (ret)
		return process->at_limit ? 0 : ret;
	new = &process->ranges[at];
	memmove(new + 1, new, (process->nr_ranges++ - at) * sizeof(*new));
	*new = (struct watched_range){ .start = start, .end = end };
	memcpy(new->name, name, sizeof(new->name));
	return 0;
}

/* Watch the parts of @map that no range covers yet. */
static int map_watch(struct watched_process *process, const struct map *map)
{
	uint64_t addr = map->start;
	int ret = 0;

	while (!ret && addr < map->end && !process->at_limit) {
		size_t at = range_find(process, addr);
		uint64_t next = at < process->nr_ranges ? process->ranges[at].start : UINT64_MAX;

		if (next <= addr)
			addr = process->ranges[at].end;
		else
			ret = range_insert(process, at, addr, next < map->end ? next : map->end,
					   map->name);
	}
	return ret;
}

static bool map_wanted(const struct watched_process *process, const struct map *map)
{
	/* Skip the vsyscall page, an address of the kernel. */
	if (map->end > INT64_MAX)
		return false;
	return !process->filter.map || strstr(map->name, process->filter.map);
}

static int maps_watch(struct watched_process *process)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < process->maps.nr && !ret; i++)
		if (map_wanted(process, &process->maps.maps[i]))
			ret = map_watch(process, &process->maps.maps[i]);
	return ret;
}

int watched_process_rescan(struct watched_process *process)
{
	const struct watch_filter *filter = &process->filter;
	const struct map range = { .start = filter->start, .end = filter->end, .name = "-" };
	struct maps maps;
	int ret;

	ret = maps_read(&maps, process->pid);
	if (ret)
		return ret;
	maps_free(&process->maps);
	process->maps = maps;
	return filter->end ? map_watch(process, &range) : maps_watch(process);
}

const char *watched_process_name(const struct watched_process *process,
				 const struct pinwatch_event *event)
{
	const struct map *map = maps_find(&process->maps, event->start);
	size_t at = range_find(process, event->start);

	if (map)
		return map->name;
	return at < process->nr_ranges && process->ranges[at].start <= event->start ?
		process->ranges[at].name : "-";
}
