// SPDX-License-Identifier: MIT
/*
 * Copy-on-write: the page at an address is replaced by a copy of it. A page
 * that is pinned for writing was copied at the time of the pin, and fork()
 * copies it for the child; its owner keeps it.
 */
#include <sys/mman.h>

#include "ops.h"

static int map_private_file(struct subject *subject)
{
	return subject_map_file(subject, MAP_PRIVATE);
}

static long store(char *addr)
{
	*(volatile char *)addr = 'w';
	return 0;
}

static int act_write(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, store(s->addr + s->page_size));
}

static int act_fork(struct actor *actor)
{
	int ret;

	actor_begin(actor);
	ret = subject_fork_helper(actor->subject);
	actor_end(actor, 0);
	return ret;
}

const struct demo_op ops_cow[] = {
	{
		.name = "fork", .map = subject_map_written, .act = act_fork,
		.watch = MUST_PROTECT, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
	}, {
		.name = "write after fork", .map = subject_map_forked, .act = act_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
	}, {
		.name = "write after fork, pinned for reading", .map = subject_map_forked,
		.act = act_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
	}, {
		.name = "write to a zero page", .map = subject_map_zero, .act = act_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
	}, {
		.name = "write to a private file", .map = map_private_file, .act = act_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
	},
	{ .name = NULL },
};
