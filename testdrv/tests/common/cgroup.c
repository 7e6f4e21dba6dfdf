// SPDX-License-Identifier: MIT
/* See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "sysfs.h"

#define ROOT	"/tmp/pinwatch-cgroup"
#define GROUP	ROOT "/pinwatch"

int cgroup_make(const char *controller)
{
	char enable[32];
	int ret;

	mkdir(ROOT, 0700);
	if (mount("cgroup2", ROOT, "cgroup2", 0, NULL))
		return -errno;
	snprintf(enable, sizeof(enable), "+%s", controller);
	ret = sysfs_write(ROOT "/cgroup.subtree_control", enable);
	if (!ret && mkdir(GROUP, 0700))
		ret = -errno;
	if (ret)
		cgroup_remove();
	return ret;
}

void cgroup_remove(void)
{
	rmdir(GROUP);
	umount(ROOT);
	rmdir(ROOT);
}

static void cgroup_path(char *path, size_t size, const char *file)
{
	snprintf(path, size, GROUP "/%s", file);
}

bool cgroup_has(const char *file)
{
	char path[128];

	cgroup_path(path, sizeof(path), file);
	return !access(path, F_OK);
}

long cgroup_read(const char *file)
{
	char path[128];

	cgroup_path(path, sizeof(path), file);
	return sysfs_read(path);
}

int cgroup_open(const char *file)
{
	char path[128];
	int fd;

	cgroup_path(path, sizeof(path), file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup_write(const char *file, const char *value)
{
	char path[128];

	cgroup_path(path, sizeof(path), file);
	return sysfs_write(path, value);
}

int cgroup_write_number(const char *file, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", value);
	return cgroup_write(file, text);
}

int cgroup_join(void)
{
	return cgroup_write("cgroup.procs", "0");
}
