/* SPDX-License-Identifier: MIT */
/*
 * Watches on the memory of another process: one for each mapping, or one for a range.
 *
 * The watched ranges do not overlap. watched_process_rescan() adds watches for new
 * mappings. A range that was unmapped stays watched, because the process may map the
 * range again.
 */
#ifndef WATCHED_PROCESS_H
#define WATCHED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpinwatch.h"
#include "maps.h"

struct watch_filter {
	uint64_t start, end;	/* --range; end 0: no such option */
	const char *map;	/* --map: part of the mapping's name, or NULL */
	uint32_t flags;		/* PINWATCH_WATCH_F_* of each watch */
};

/* One watch; start is the cookie of the watch. */
struct watched_range {
	uint64_t start, end;
	char name[256];
};

struct watched_process {
	const char *device;
	pid_t pid;
	int pidfd;
	struct watch_filter filter;
	struct pinwatch *dev;
	struct watched_range *ranges;	/* in the order of addresses */
	size_t nr_ranges, room;
	bool at_limit;			/* no more watches can be added */
	struct maps maps;		/* as of the last rescan */
};

/* Open the device and attach to process @pid. Returns 0 or -errno. */
int watched_process_open(struct watched_process *process, const char *device, pid_t pid,
			 const struct watch_filter *filter);
void watched_process_close(struct watched_process *process);

/* After exec: attach to the new address space, and rescan. Returns 0 or -errno. */
int watched_process_reopen(struct watched_process *process);

/* Watch the mappings that are not watched yet. Returns 0 or -errno. */
int watched_process_rescan(struct watched_process *process);

/* Returns the name of the mapping at @event->start, as of the last rescan. */
const char *watched_process_name(const struct watched_process *process,
				 const struct pinwatch_event *event);

#endif /* WATCHED_PROCESS_H */
