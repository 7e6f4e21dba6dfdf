// SPDX-License-Identifier: MIT
/*
 * A mapped file changes: another process removes its pages, without a system call of the
 * subject, or the kernel writes the pages back.
 */
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ops.h"

#define DISK	"/var/tmp"

/* Create a file without a name on a disk. Returns a descriptor or -errno. */
static int disk_file_open(void)
{
	char path[] = DISK "/pinwatch-demo-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Only a file system on a disk write-protects a page to write back the page. */
static const char *lacks_disk(void)
{
	struct statfs fs;
	uint32_t type;

	if (statfs(DISK, &fs))
		return "the directory " DISK;
	type = (uint32_t)fs.f_type;
	if (type == TMPFS_MAGIC || type == RAMFS_MAGIC || type == OVERLAYFS_SUPER_MAGIC)
		return "a file system on a disk at " DISK;
	return NULL;
}

/*
 * fsync() makes the pages clean: if a pin has to migrate a dirty page, 6.1 does not
 * write-protect the page afterwards.
 */
static int map_disk(struct subject *subject)
{
	int ret, fd = disk_file_open();

	if (fd < 0)
		return fd;
	ret = subject_map_fd(subject, fd);
	if (ret)
		return ret;
	range_write(subject->addr, subject->length);
	return fsync(subject->fd) ? -errno : 0;
}

/* Open the mapped file of the subject. Returns a descriptor or -errno. */
static int file_open(const struct actor *actor)
{
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", actor->subject->fd);
	return actor_proc_open(actor, name, O_RDWR);
}

static int act_punch_hole(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, fd = file_open(actor);

	if (fd < 0)
		return fd;
	ret = ACT(actor, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   (off_t)s->page_size, (off_t)(2 * s->page_size)));
	close(fd);
	return ret;
}

static int act_truncate(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, fd = file_open(actor);

	if (fd < 0)
		return fd;
	ret = ACT(actor, ftruncate(fd, (off_t)(s->length / 2)));
	close(fd);
	return ret;
}

/* Writeback write-protects each page, so that the next write marks the page dirty. */
static int act_writeback(struct actor *actor)
{
	struct subject *s = actor->subject;

	range_write(s->addr, s->length);
	return ACT(actor, fsync(s->fd));
}

const struct demo_op ops_file[] = {
	{
		.name = "hole punched into a shared file", .by = DEMO_BY_OTHER,
		.map = subject_map_shared, .act = act_punch_hole,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_TRUNCATE,
	}, {
		.name = "shared file truncated", .by = DEMO_BY_OTHER,
		.map = subject_map_shared, .act = act_truncate,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_TRUNCATE,
	}, {
		.name = "privately mapped file truncated", .by = DEMO_BY_OTHER,
		.map = subject_map_private, .act = act_truncate,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_TRUNCATE,
	}, {
		/* PIN_READ: from 6.5 on, such a page cannot be pinned for writing. */
		.name = "shared file written back", .map = map_disk,
		.act = act_writeback, .lacks = lacks_disk,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_PROTECT_PAGE, .cause = PINWATCH_CAUSE_WRITEBACK,
	},
	{ .name = NULL },
};
