/* SPDX-License-Identifier: MIT */
/* What is mapped in a process: /proc/PID/maps. */
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

/* In the order of addresses. */
struct maps {
	struct map *maps;
	size_t nr;
};

/* 0 or -errno; on failure @maps is empty. */
int maps_read(struct maps *maps, pid_t pid);
void maps_free(struct maps *maps);

/* The mapping that @addr is in, or NULL. */
const struct map *maps_find(const struct maps *maps, uint64_t addr);

#endif /* MAPS_H */
