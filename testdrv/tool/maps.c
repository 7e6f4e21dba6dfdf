// SPDX-License-Identifier: MIT
/* Mappings of a process. See maps.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps.h"
#include "print.h"

/* Returns false if @line has another format. */
static bool line_parse(char *line, struct map *map)
{
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &map->start, &map->end,
		   map->prot, &at) != 3 || !at)
		return false;
	line[strcspn(line, "\n")] = '\0';
	snprintf(map->name, sizeof(map->name), "%s", line[at] ? line + at : "anon");
	print_clean(map->name, sizeof(map->name));
	return true;
}

static int maps_append(struct maps *maps, const struct map *map)
{
	/* The array is full at powers of two: double the array. */
	if (!(maps->nr & (maps->nr - 1))) {
		size_t room = maps->nr ? 2 * maps->nr : 1;
		struct map *more = realloc(maps->maps, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		maps->maps = more;
	}
	maps->maps[maps->nr++] = *map;
	return 0;
}

static int file_read(struct maps *maps, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	struct map map;
	int ret = 0;

	errno = 0;
	while (!ret && getline(&line, &size, file) > 0)
		ret = line_parse(line, &map) ? maps_append(maps, &map) : -EINVAL;
	/* After the process has ended, reads of the file fail. */
	if (!ret && ferror(file))
		ret = errno ? -errno : -EIO;
	free(line);
	return ret;
}

int maps_read(struct maps *maps, pid_t pid)
{
	char path[64];
	FILE *file;
	int ret;

	*maps = (struct maps){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	ret = file_read(maps, file);
	fclose(file);
	if (ret)
		maps_free(maps);
	return ret;
}

void maps_free(struct maps *maps)
{
	free(maps->maps);
	*maps = (struct maps){ 0 };
}

const struct map *maps_find(const struct maps *maps, uint64_t addr)
{
	size_t low = 0, high = maps->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct map *map = &maps->maps[middle];

		if (addr < map->start)
			high = middle;
		else if (addr >= map->end)
			low = middle + 1;
		else
			return map;
	}
	return NULL;
}
