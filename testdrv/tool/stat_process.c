// SPDX-License-Identifier: MIT
/* `pinwatch stat -p`: watches of a process. See stat_process.h. */
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpinwatch.h"
#include "print.h"
#include "stat_process.h"
#include "verb.h"

static bool is_valid(const struct pinwatch_watch_query *figures)
{
	return figures->state == PINWATCH_STATE_ACTIVE &&
	       figures->generation == figures->valid_generation;
}

static const char *state_name(const struct pinwatch_watch_query *figures)
{
	if (figures->state == PINWATCH_STATE_DEAD)
		return "dead";
	return is_valid(figures) ? "valid" : "changed";
}

static void watch_print(int fd, const struct pinwatch_watch_query *figures)
{
	char range[48], causes[256];

	snprintf(range, sizeof(range), "%llx-%llx", figures->addr, figures->addr + figures->length);
	printf("%4d %8u  %-25s %8llu %8llu %-8s %8llu  %s\n", fd, figures->id, range,
	       figures->nr_pages, figures->nr_pinned, state_name(figures), figures->hits,
	       pinwatch_causes_string(figures->causes, causes, sizeof(causes)));
}

static json_t *watch_to_json(int fd, const struct pinwatch_watch_query *figures)
{
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:o, s:o}",
			 "fd", fd, "id", (json_int_t)figures->id,
			 "start", (json_int_t)figures->addr,
			 "end", (json_int_t)(figures->addr + figures->length),
			 "pages", (json_int_t)figures->nr_pages,
			 "pinned", (json_int_t)figures->nr_pinned, "state", state_name(figures),
			 "generation", (json_int_t)figures->generation,
			 "hits", (json_int_t)figures->hits,
			 "time_ns", (json_int_t)figures->time_ns,
			 "causes", print_causes_to_json(figures->causes),
			 "events", print_events_to_json(figures->events));
}

/* Append all watches of a descriptor to @array; NULL: print them. Returns 0 or -errno. */
static int dev_print(struct pinwatch *dev, int fd, json_t *array)
{
	struct pinwatch_watch_query figures;
	uint32_t next = 0;
	int ret;

	while ((ret = pinwatch_watch_query_next(dev, &next, &figures)) == 1) {
		if (array)
			json_array_append_new(array, watch_to_json(fd, &figures));
		else
			watch_print(fd, &figures);
	}
	return ret;
}

/* True if the descriptor was opened by the name of the device. */
static bool is_device(pid_t pid, const char *fd)
{
	char path[64], opened[256];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", pid, fd);
	length = readlink(path, opened, sizeof(opened) - 1);
	if (length < 0)
		return false;
	opened[length] = '\0';
	return !strcmp(strrchr(opened, '/') ? strrchr(opened, '/') : opened,
		       strrchr(PINWATCH_DEVICE, '/'));
}

static int fd_print(int pidfd, int fd, json_t *array)
{
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	struct pinwatch *dev;
	int ret;

	if (copy < 0)
		return -errno;
	ret = pinwatch_from_fd(&dev, copy);
	if (ret) {
		close(copy);
		return ret;
	}
	ret = dev_print(dev, fd, array);
	pinwatch_close(dev);
	return ret;
}

/* Returns the number of descriptors of the device, or -errno. */
static int fds_print(pid_t pid, int pidfd, json_t *array)
{
	int nr = 0, ret = 0;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir))) {
		if (!is_device(pid, entry->d_name))
			continue;
		ret = fd_print(pidfd, atoi(entry->d_name), array);
		nr++;
	}
	closedir(dir);
	return ret ? ret : nr;
}

static int process_print(pid_t pid, int pidfd, bool json)
{
	json_t *array = json ? json_array() : NULL;
	int nr;

	if (!json)
		printf("%4s %8s  %-25s %8s %8s %-8s %8s  %s\n", "FD", "ID", "RANGE", "PAGES",
		       "PINNED", "STATE", "HITS", "CAUSES");
	nr = fds_print(pid, pidfd, array);
	if (nr < 0) {
		json_decref(array);
		return verb_device_error("the process's descriptors", nr);
	}
	if (!nr)
		fprintf(stderr, "pinwatch: process %d has not opened the device\n", pid);
	if (json)
		return print_json(array);
	return STATUS_OK;
}

int stat_process(pid_t pid, bool json)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status;

	if (pidfd < 0) {
		fprintf(stderr, "pinwatch: process %d: %s\n", pid, strerror(errno));
		return STATUS_BAD;
	}
	status = process_print(pid, pidfd, json);
	close(pidfd);
	return status;
}
