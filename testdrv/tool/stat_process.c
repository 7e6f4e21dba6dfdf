// SPDX-License-Identifier: MIT
/* `pinwatch stat -p`: watches of a process. See stat_process.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libpinwatch.h"
#include "print.h"
#include "process.h"
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

/* Read the device number of the module from /proc/misc. Returns 0 or -errno. */
static int misc_device(dev_t *device)
{
	FILE *file = fopen("/proc/misc", "re");
	char line[128], name[64];
	unsigned int minor;
	int ret = -ENODEV;

	if (!file)
		return -errno;
	while (ret && fgets(line, sizeof(line), file))
		if (sscanf(line, "%u %63s", &minor, name) == 2 && !strcmp(name, "pinwatch"))
			ret = 0;
	fclose(file);
	if (!ret)
		*device = makedev(MISC_MAJOR, minor);
	return ret;
}

/* @path: node of the device, or NULL. Returns 0 or -errno. */
static int device_number(const char *path, dev_t *device)
{
	struct stat st;

	if (!path)
		return misc_device(device);
	if (stat(path, &st))
		return -errno;
	*device = st.st_rdev;
	return S_ISCHR(st.st_mode) ? 0 : -ENODEV;
}

/* Returns 1 if @name in directory @dir is a descriptor of @device, 0 if not, or -errno. */
static int fd_is_device(int dir, const char *name, dev_t device)
{
	struct statx st;

	/* Do not ask a server about a file on a network file system. */
	if (statx(dir, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st))
		return errno == ENOENT ? 0 : -errno;
	return S_ISCHR(st.stx_mode) && makedev(st.stx_rdev_major, st.stx_rdev_minor) == device;
}

/* @pidfd: of a thread, or -1. Returns 1, 0 if the descriptor was closed, or -errno. */
static int fd_print(int pidfd, int fd, json_t *array)
{
	struct pinwatch *dev;
	int copy, ret;

	if (pidfd < 0)
		return -EOPNOTSUPP;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		return errno == EBADF ? 0 : -errno;
	ret = pinwatch_from_fd(&dev, copy);
	if (ret) {
		close(copy);
		return ret == -ENOTTY ? 0 : ret;
	}
	ret = dev_print(dev, fd, array);
	pinwatch_close(dev);
	return ret ? ret : 1;
}

/* Returns the number of descriptors of @device in directory @path, or -errno. */
static int fds_print(const char *path, int pidfd, dev_t device, json_t *array)
{
	int nr = 0, ret = 0;
	struct dirent *entry;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (ret >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		ret = fd_is_device(dirfd(dir), entry->d_name, device);
		if (ret > 0)
			ret = fd_print(pidfd, atoi(entry->d_name), array);
		if (ret > 0)
			nr++;
	}
	closedir(dir);
	return ret < 0 ? ret : nr;
}

/* The descriptors of thread @tid, a number of the PID namespace of /proc */
static int thread_print(const struct process *process, const char *tid, dev_t device,
			json_t *array)
{
	int ret, pidfd = -1;
	char path[64];

	if (process->pid == process->proc_pid)
		/* PIDFD_THREAD, since Linux 6.9 */
		pidfd = (int)syscall(SYS_pidfd_open, atoi(tid), O_EXCL);
	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/fd", process->proc_pid, tid);
	ret = fds_print(path, pidfd, device, array);
	if (pidfd >= 0)
		close(pidfd);
	return ret;
}

/* The descriptors of the first thread that has some. */
static int threads_print(const struct process *process, dev_t device, json_t *array)
{
	struct dirent *entry;
	char path[64];
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", process->proc_pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!ret && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			ret = thread_print(process, entry->d_name, device, array);
	closedir(dir);
	return ret;
}

/* Returns the number of descriptors of @device, or -errno. */
static int process_print_fds(const struct process *process, dev_t device, json_t *array)
{
	char path[64];
	int nr;

	snprintf(path, sizeof(path), "/proc/%d/fd", process->proc_pid);
	nr = fds_print(path, process->pidfd, device, array);
	/* That directory is the first thread's, which may have exited. */
	return nr ? nr : threads_print(process, device, array);
}

static int process_print(const struct process *process, dev_t device, bool json)
{
	json_t *array = json ? json_array() : NULL;
	int nr;

	if (!json)
		printf("%4s %8s  %-25s %8s %8s %-8s %8s  %s\n", "FD", "ID", "RANGE", "PAGES",
		       "PINNED", "STATE", "HITS", "CAUSES");
	nr = process_print_fds(process, device, array);
	if (nr < 0) {
		json_decref(array);
		return nr == -EPROTO ? verb_device_error(PINWATCH_DEVICE, nr) :
			process_error(process->pid, nr);
	}
	if (!nr)
		fprintf(stderr, "pinwatch: process %d has not opened the device\n", process->pid);
	if (json)
		return print_json(array);
	return STATUS_OK;
}

int stat_process(pid_t pid, const char *path, bool json)
{
	struct process process;
	dev_t device = 0;
	int status, ret;

	ret = process_open(&process, pid);
	if (ret)
		return process_error(pid, ret);
	ret = device_number(path, &device);
	status = ret ? verb_device_error(path ? path : PINWATCH_DEVICE, ret) :
		process_print(&process, device, json);
	process_close(&process);
	return status;
}
