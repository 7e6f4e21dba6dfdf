// SPDX-License-Identifier: MIT
/* See group.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "group.h"
#include "knob.h"

#define ROOT	"/tmp/pinwatch-cgroup"
#define GROUP	ROOT "/pinwatch-demo"

int group_make(const char *controller)
{
	char enable[32];
	int ret;

	mkdir(ROOT, 0700);
	if (mount("cgroup2", ROOT, "cgroup2", 0, NULL))
		return -errno;
	snprintf(enable, sizeof(enable), "+%s", controller);
	ret = knob_write(ROOT "/cgroup.subtree_control", enable);
	if (!ret && mkdir(GROUP, 0700))
		ret = -errno;
	return ret;
}

void group_remove(void)
{
	rmdir(GROUP);
	umount(ROOT);
	rmdir(ROOT);
}

static void group_path(char *path, size_t size, const char *file)
{
	snprintf(path, size, GROUP "/%s", file);
}

bool group_has(const char *file)
{
	char path[128];

	group_path(path, sizeof(path), file);
	return !access(path, F_OK);
}

int group_write(const char *file, const char *value)
{
	char path[128];

	group_path(path, sizeof(path), file);
	return knob_write(path, value);
}

int group_join(void)
{
	return group_write("cgroup.procs", "0");
}
