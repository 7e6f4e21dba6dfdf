// SPDX-License-Identifier: MIT
/*
 * Another process changes a file that the subject has mapped: the page goes
 * although the subject made no system call.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"

static int map_shared(struct subject *subject)
{
	return subject_map_file(subject, MAP_SHARED);
}

static int map_private(struct subject *subject)
{
	return subject_map_file(subject, MAP_PRIVATE);
}

/* The subject's memfd, opened by its name in /proc. */
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

const struct demo_op ops_file[] = {
	{
		.name = "hole punched into a shared file", .who = DEMO_OTHER,
		.map = map_shared, .act = act_punch_hole,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "shared file truncated", .who = DEMO_OTHER,
		.map = map_shared, .act = act_truncate,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "privately mapped file truncated", .who = DEMO_OTHER,
		.map = map_private, .act = act_truncate,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_READ,
	},
	{ .name = NULL },
};
