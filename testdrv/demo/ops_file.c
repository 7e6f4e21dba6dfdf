// SPDX-License-Identifier: MIT
/*
 * A file that the subject has mapped is changed, by another process: the page
 * goes although the subject made no system call. Or it is written back.
 */
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "ops.h"

#define DISK	"/var/tmp"

static int map_shared(struct subject *subject)
{
	return subject_map_file(subject, MAP_SHARED);
}

static int map_private(struct subject *subject)
{
	return subject_map_file(subject, MAP_PRIVATE);
}

/* A file without a name, on a disk; or -errno. */
static int disk_file_open(void)
{
	char path[] = DISK "/pinwatch-demo-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Only where pages are written back are they protected for it. */
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

/* Clean: a dirty page that has to move, to be pinned, is one that 6.1 protects no more. */
static int map_disk(struct subject *subject)
{
	int ret;

	subject->fd = disk_file_open();
	if (subject->fd < 0)
		return subject->fd;
	if (ftruncate(subject->fd, (off_t)subject->length))
		return -errno;
	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE, MAP_SHARED,
			subject->fd);
	if (ret)
		return ret;
	range_write(subject->addr, subject->length);
	return fsync(subject->fd) ? -errno : 0;
}

/* The subject's file, opened by its name in /proc. */
static int subject_file_open(const struct subject *subject)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", subject->pid, subject->fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int act_punch_hole(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, fd = subject_file_open(s);

	if (fd < 0)
		return -errno;
	ret = ACT(actor, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   (off_t)s->page_size, (off_t)(2 * s->page_size)));
	close(fd);
	return ret;
}

static int act_truncate(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, fd = subject_file_open(s);

	if (fd < 0)
		return -errno;
	ret = ACT(actor, ftruncate(fd, (off_t)(s->length / 2)));
	close(fd);
	return ret;
}

/* What is written to a page from here on must be noticed: it is write-protected. */
static int act_writeback(struct actor *actor)
{
	struct subject *s = actor->subject;

	range_write(s->addr, s->length);
	return ACT(actor, fsync(s->fd));
}

const struct demo_op ops_file[] = {
	{
		.name = "hole punched into a shared file", .by = DEMO_BY_OTHER,
		.map = map_shared, .act = act_punch_hole,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_TRUNCATE,
	}, {
		.name = "shared file truncated", .by = DEMO_BY_OTHER,
		.map = map_shared, .act = act_truncate,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_TRUNCATE,
	}, {
		.name = "privately mapped file truncated", .by = DEMO_BY_OTHER,
		.map = map_private, .act = act_truncate,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_TRUNCATE,
	}, {
		/* A disk's page cannot be pinned for writing, from 6.5 on. */
		.name = "shared file written back", .map = map_disk,
		.act = act_writeback, .lacks = lacks_disk,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_PROTECT_PAGE, .cause = PINWATCH_CAUSE_WRITEBACK,
	},
	{ .name = NULL },
};
