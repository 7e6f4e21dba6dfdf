/* SPDX-License-Identifier: MIT */
/*
 * Another process's memory, watched: a watch for each mapping, or for one range.
 *
 * The watches do not overlap. What is mapped later is added by target_rescan(); what
 * was unmapped stays watched, since something else may come there.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpinwatch.h"
#include "maps.h"

struct target_filter {
	uint64_t start, end;	/* --range; end 0: none */
	const char *map;	/* --map: a part of the mapping's name, or NULL */
	uint32_t flags;		/* PINWATCH_WATCH_F_* of each watch */
};

/* A watch's cookie is its start. */
struct target_watch {
	uint64_t start, end;
	char name[256];
};

struct target {
	const char *device;
	pid_t pid;
	int pidfd;
	struct target_filter filter;
	struct pinwatch *dev;
	struct target_watch *watches;	/* in the order of addresses */
	size_t nr_watches, room;
	bool full;			/* no more watches could be had */
	struct maps maps;		/* as of the last look */
};

/* Find the process, and attach. 0 or -errno. */
int target_open(struct target *target, const char *device, pid_t pid,
		const struct target_filter *filter);
void target_close(struct target *target);

/* After exec: the same process, but another address space. 0 or -errno. */
int target_reopen(struct target *target);

/* Watch what is mapped now and not yet watched. 0 or -errno. */
int target_rescan(struct target *target);

/* What an address belonged to when it was last looked at. */
const char *target_name(const struct target *target, const struct pinwatch_event *event);

#endif /* TARGET_H */
