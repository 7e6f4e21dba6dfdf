/* SPDX-License-Identifier: MIT */
/* Mappings of a process, from /proc/PID/maps or /proc/PID/task/TID/maps */
#ifndef MAPS_H
#define MAPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct map {
	uint64_t start, end;
	char prot[5];		/* "rw-p" */
	char *name;		/* as in /proc: a path, "[heap]" and the like; or "anon" */
};

/* All mappings, in the order of addresses */
struct maps {
	struct map *maps;
	size_t nr;
};

/*
 * @pid: PID in the PID namespace of /proc. Returns 0, or -errno and an empty @maps: -ESRCH
 * if no thread of the process has an address space.
 */
int maps_read(struct maps *maps, pid_t pid);
void maps_free(struct maps *maps);

/* Returns the index of the first mapping that ends behind @addr; maps->nr: there is none. */
size_t maps_find_after(const struct maps *maps, uint64_t addr);

/* Returns the mapping at @addr, or NULL. */
const struct map *maps_find(const struct maps *maps, uint64_t addr);

#endif /* MAPS_H */
