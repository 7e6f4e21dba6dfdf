// SPDX-License-Identifier: MIT
/* Watches on the memory of another process. See watched_process.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watched_process.h"

#define NR_KEPT		2	/* rescans that keep an unmapped range */
#define NR_REOPENS	16	/* executions of new programs in a row */

static int process_attach(struct watched_process *process)
{
	int ret;

	ret = pinwatch_open(&process->dev, process->device, PINWATCH_OPEN_NONBLOCK);
	process->device_failed = ret;
	if (ret)
		return ret;
	ret = pinwatch_attach_pid(process->dev, process->process.pid);
	/* Otherwise the PID may belong to another process by now. */
	if (!ret && !process_exists(&process->process))
		ret = -ESRCH;
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

	*process = (struct watched_process){ .device = device, .filter = *filter };
	ret = process_open(&process->process, pid);
	if (ret)
		return ret;
	ret = process_attach(process);
	if (ret)
		process_close(&process->process);
	return ret;
}

static void ranges_forget(struct watched_process *process)
{
	size_t i;

	pinwatch_close(process->dev);
	process->dev = NULL;
	for (i = 0; i < process->nr_ranges; i++)
		free(process->ranges[i].name);
	free(process->ranges);
	process->ranges = NULL;
	process->nr_ranges = 0;
	process->room = 0;
	process->nr_unwatched = 0;
	maps_free(&process->maps);
}

void watched_process_close(struct watched_process *process)
{
	ranges_forget(process);
	process_close(&process->process);
}

int watched_process_reopen(struct watched_process *process)
{
	int i, ret = -ESRCH;

	/* The process may call exec again before the rescan. */
	for (i = 0; i < NR_REOPENS && ret == -ESRCH; i++) {
		ranges_forget(process);
		ret = process_attach(process);
		if (ret)
			return ret;
		ret = watched_process_rescan(process);
	}
	return ret == -ESRCH ? -EAGAIN : ret;
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

static bool is_limit(int error)
{
	return error == -ENOSPC || error == -EDQUOT;
}

static int range_watch(struct watched_process *process, struct watched_range *range)
{
	const struct pinwatch_watch_attr attr = {
		.size = sizeof(attr), .flags = process->filter.flags, .addr = range->start,
		.length = range->end - range->start, .cookie = range->start,
	};
	int ret;

	if (process->at_limit)
		return -ENOSPC;
	ret = pinwatch_watch_add_attr(process->dev, &attr, &range->watch);
	process->at_limit = is_limit(ret);
	process->device_failed = ret && ret != -ESRCH && !process->at_limit;
	return ret;
}

/* Watch from @start to @end, and insert the range at index @at. Returns 0 or -errno. */
static int range_insert(struct watched_process *process, size_t at, uint64_t start, uint64_t end,
			const char *name)
{
	struct watched_range *slot, range = { .start = start, .end = end };
	int ret;

	ret = ranges_grow(process);
	if (ret)
		return ret;
	range.name = strdup(name);
	if (!range.name)
		return -ENOMEM;
	ret = range_watch(process, &range);
	if (ret) {
		free(range.name);
		return ret;
	}
	slot = &process->ranges[at];
	memmove(slot + 1, slot, (process->nr_ranges++ - at) * sizeof(*slot));
	*slot = range;
	return 0;
}

/* Watch the parts of @map that no range covers yet. Returns 0 or -errno. */
static int map_watch(struct watched_process *process, const struct map *map)
{
	uint64_t addr = map->start;
	int ret = 0;

	while (!ret && addr < map->end) {
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

/* A range of which no part is a wanted mapping */
static bool range_unmapped(const struct watched_process *process,
			   const struct watched_range *range)
{
	const struct maps *maps = &process->maps;
	size_t i = maps_find_after(maps, range->start);

	for (; i < maps->nr && maps->maps[i].start < range->end; i++)
		if (map_wanted(process, &maps->maps[i]))
			return false;
	return true;
}

/* A range that covers no wanted mapping from its start to its end */
static bool range_partial(const struct watched_process *process,
			  struct watched_range *range)
{
	const struct maps *maps = &process->maps;
	size_t i = maps_find_after(maps, range->start);

	for (; i < maps->nr && maps->maps[i].end <= range->end; i++)
		if (maps->maps[i].start >= range->start && map_wanted(process, &maps->maps[i]))
			return false;
	return true;
}

static bool range_expired(const struct watched_process *process, struct watched_range *range)
{
	range->nr_unmapped = range_unmapped(process, range) ? range->nr_unmapped + 1 : 0;
	return range->nr_unmapped > NR_KEPT;
}

typedef bool range_fn(const struct watched_process *process, struct watched_range *range);

/* Delete the ranges for which @useless returns true. */
static void ranges_delete(struct watched_process *process, range_fn *useless)
{
	size_t i, nr = 0;

	for (i = 0; i < process->nr_ranges; i++) {
		struct watched_range *range = &process->ranges[i];

		if (useless(process, range)) {
			pinwatch_watch_del(process->dev, &range->watch);
			free(range->name);
		} else {
			process->ranges[nr++] = *range;
		}
	}
	process->nr_ranges = nr;
}

/* Returns 0 or -errno. A limit is no error: counts the mappings that are not watched. */
static int maps_watch(struct watched_process *process)
{
	int ret = 0;
	size_t i;

	process->nr_unwatched = 0;
	process->at_limit = false;
	for (i = 0; i < process->maps.nr && (!ret || is_limit(ret)); i++) {
		if (!map_wanted(process, &process->maps.maps[i]))
			continue;
		ret = map_watch(process, &process->maps.maps[i]);
		if (is_limit(ret))
			process->nr_unwatched++;
	}
	return is_limit(ret) ? 0 : ret;
}

static int mappings_watch(struct watched_process *process)
{
	int ret;

	ranges_delete(process, range_expired);
	ret = maps_watch(process);
	if (ret || !process->nr_unwatched)
		return ret;
	ranges_delete(process, range_partial);
	return maps_watch(process);
}

/* --range: watch the addresses, mapped or not. */
static int addresses_watch(struct watched_process *process)
{
	const struct map range = {
		.start = process->filter.start, .end = process->filter.end, .name = "-",
	};
	int ret;

	process->at_limit = false;
	ret = map_watch(process, &range);
	process->nr_unwatched = is_limit(ret);
	return is_limit(ret) ? 0 : ret;
}

int watched_process_rescan(struct watched_process *process)
{
	struct maps maps;
	int ret;

	process->device_failed = false;
	ret = maps_read(&maps, process->process.proc_pid);
	if (ret)
		return ret;
	maps_free(&process->maps);
	process->maps = maps;
	/* Otherwise the mappings may be those of a later process with the same PID. */
	if (!process_exists(&process->process))
		return -ESRCH;
	return process->filter.end ? addresses_watch(process) : mappings_watch(process);
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
