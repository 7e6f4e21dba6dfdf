// SPDX-License-Identifier: MIT
/* Mappings of a process. See maps.h. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maps.h"

/* Returns 0 or -errno: -EINVAL if @line has another format. */
static int line_parse(char *line, struct map *map)
{
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &map->start, &map->end,
		   map->prot, &at) != 3 || !at)
		return -EINVAL;
	line[strcspn(line, "\n")] = '\0';
	map->name = strdup(line[at] ? line + at : "anon");
	return map->name ? 0 : -ENOMEM;
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

static int line_append(struct maps *maps, char *line)
{
	struct map map;
	int ret;

	ret = line_parse(line, &map);
	if (ret)
		return ret;
	ret = maps_append(maps, &map);
	if (ret)
		free(map.name);
	return ret;
}

static int file_read(struct maps *maps, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	errno = 0;
	while (!ret && getline(&line, &size, file) > 0)
		ret = line_append(maps, line);
	/* After the process has ended, reads of the file fail. */
	if (!ret && ferror(file))
		ret = errno ? -errno : -EIO;
	free(line);
	return ret;
}

/* Returns 0 or -errno; -ESRCH if the thread of @path has no address space any more. */
static int path_read(struct maps *maps, const char *path)
{
	FILE *file = fopen(path, "re");
	int ret;

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	ret = file_read(maps, file);
	fclose(file);
	if (ret)
		maps_free(maps);
	else if (!maps->nr)
		ret = -ESRCH;
	return ret;
}

/* Read the mappings through any thread that has not exited. */
static int tasks_read(struct maps *maps, pid_t pid)
{
	struct dirent *entry;
	int ret = -ESRCH;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (ret == -ESRCH && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/maps", pid, entry->d_name);
		ret = path_read(maps, path);
	}
	closedir(dir);
	return ret;
}

int maps_read(struct maps *maps, pid_t pid)
{
	char path[64];
	int ret;

	*maps = (struct maps){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	ret = path_read(maps, path);
	/* That file is the first thread's, which may have exited. */
	return ret == -ESRCH ? tasks_read(maps, pid) : ret;
}

void maps_free(struct maps *maps)
{
	size_t i;

	for (i = 0; i < maps->nr; i++)
		free(maps->maps[i].name);
	free(maps->maps);
	*maps = (struct maps){ 0 };
}

size_t maps_find_after(const struct maps *maps, uint64_t addr)
{
	size_t low = 0, high = maps->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (maps->maps[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct map *maps_find(const struct maps *maps, uint64_t addr)
{
	size_t at = maps_find_after(maps, addr);

	return at < maps->nr && maps->maps[at].start <= addr ? &maps->maps[at] : NULL;
}
