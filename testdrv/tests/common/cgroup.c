// SPDX-License-Identifier: MIT
/* See cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "knob.h"
#include "ktap.h"

#define ROOT	"/tmp/cgroup"
#define GROUP	ROOT "/device"

void cgroup_limit(size_t memory_max)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", memory_max);
	CHECK_EQ(knob_write(GROUP "/memory.max", text), 0);
}

void cgroup_make(size_t memory_max)
{
	mkdir(ROOT, 0755);
	if (mount("cgroup2", ROOT, "cgroup2", 0, NULL) ||
	    knob_write(ROOT "/cgroup.subtree_control", "+memory") || mkdir(GROUP, 0755)) {
		umount(ROOT);
		ktap_skip("no memory cgroup (v2): %s", strerror(errno));
	}
	cgroup_limit(memory_max);
}

size_t cgroup_used(void)
{
	char text[32] = "";
	int fd = open(GROUP "/memory.current", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtoul(text, NULL, 10);
}

void cgroup_enter(void)
{
	CHECK_EQ(knob_write(GROUP "/cgroup.procs", "0"), 0);
}

void cgroup_remove(void)
{
	CHECK_EQ(rmdir(GROUP), 0);
	CHECK_EQ(umount(ROOT), 0);
}
