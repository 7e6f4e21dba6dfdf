/* SPDX-License-Identifier: MIT */
/*
 * Watches on the memory of another process: one for each mapping, or one for a range.
 *
 * The watched ranges do not overlap. watched_process_rescan() adds watches for new
 * mappings. A range that was unmapped stays watched until a third rescan finds no mapping
 * there, because the process may map the range again at once.
 *
 * At a limit of watches, a rescan first replaces ranges that cover no whole mapping, and
 * then counts the mappings that it could not watch. The next rescan tries again.
 */
#ifndef WATCHED_PROCESS_H
#define WATCHED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpinwatch.h"
#include "maps.h"
#include "process.h"

struct watch_filter {
	uint64_t start, end;	/* --range; end 0: no such option */
	const char *map;	/* --map: part of the mapping's name, or NULL */
	uint32_t flags;		/* PINWATCH_WATCH_F_* of each watch */
};

/* One watch; start is the cookie of the watch. */
struct watched_range {
	uint64_t start, end;
	struct pinwatch_watch watch;
	unsigned int nr_unmapped;	/* rescans in a row that found no mapping here */
	char *name;
};

struct watched_process {
	const char *device;
	struct process process;
	struct watch_filter filter;
	struct pinwatch *dev;
	struct watched_range *ranges;	/* in the order of addresses */
	size_t nr_ranges, room;
	size_t nr_unwatched;		/* mappings not or partly watched, for a limit */
	bool at_limit;			/* this rescan can add no more watches */
	bool device_failed;		/* the last error was the device's */
	struct maps maps;		/* as of the last rescan */
};

/* Open the device and attach to process @pid. Returns 0 or -errno. */
int watched_process_open(struct watched_process *process, const char *device, pid_t pid,
			 const struct watch_filter *filter);
void watched_process_close(struct watched_process *process);

/*
 * After exec: attach to the new address space, and rescan. Returns 0 or -errno: -ESRCH if
 * the process has no address space.
 */
int watched_process_reopen(struct watched_process *process);

/*
 * Watch the mappings that are not watched yet. Discards unread events of ranges that are
 * no mapping any more: read events first. Returns 0 or -errno: -ESRCH after exec or exit.
 */
int watched_process_rescan(struct watched_process *process);

/* Returns the name of the mapping at @event->start, as of the last rescan. */
const char *watched_process_name(const struct watched_process *process,
				 const struct pinwatch_event *event);

#endif /* WATCHED_PROCESS_H */
