/* SPDX-License-Identifier: MIT */
/* Mappings of a process, from /proc/PID/maps */
#ifndef MAPS_H
#define MAPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct map {
	uint64_t start, end;
	char prot[5];		/* "rw-p" */
	char name[256];		/* a path, "[heap]" and the like, or "anon" */
};

/* All mappings, in the order of addresses */
struct maps {
	struct map *maps;
	size_t nr;
};

/* Returns 0 or -errno. On failure @maps is empty. */
int maps_read(struct maps *maps, pid_t pid);
void maps_free(struct maps *maps);

/* Returns the mapping at @addr, or NULL. */
const struct map *maps_find(const struct maps *maps, uint64_t addr);

#endif /* MAPS_H */
