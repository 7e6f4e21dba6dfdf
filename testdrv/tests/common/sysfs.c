// SPDX-License-Identifier: MIT
/* See sysfs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sysfs.h"

#define NR_SAVED	4

static struct {
	const char *path;
	long value;
} saved[NR_SAVED];

static size_t nr_saved;

void sysfs_read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");

	text[0] = '\0';
	if (!file)
		return;
	if (!fgets(text, (int)size, file))
		text[0] = '\0';
	fclose(file);
}

long sysfs_read(const char *path)
{
	char text[32], *end;
	long value;

	sysfs_read_text(path, text, sizeof(text));
	value = strtol(text, &end, 10);
	return end == text ? -1 : value;
}

int sysfs_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int sysfs_set(const char *path, const char *value)
{
	long old = sysfs_read(path);
	int ret;

	if (old < 0 || nr_saved == NR_SAVED)
		return -ENOENT;
	ret = sysfs_write(path, value);
	if (ret)
		return ret;
	saved[nr_saved].path = path;
	saved[nr_saved++].value = old;
	return 0;
}

void sysfs_restore(void)
{
	char text[32];

	while (nr_saved) {
		nr_saved--;
		snprintf(text, sizeof(text), "%ld", saved[nr_saved].value);
		if (sysfs_write(saved[nr_saved].path, text))
			perror(saved[nr_saved].path);
	}
}

unsigned int kernel_running(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (!uname(&name))
		(void)sscanf(name.release, "%u.%u", &major, &minor);
	return KERNEL(major, minor);
}

/* With no memory at all, madvise() checks only the advice. */
bool kernel_has_advice(int advice)
{
	return !madvise(NULL, 0, advice);
}
