// SPDX-License-Identifier: MIT
/*
 * Copy-on-write: the page at an address is replaced by a copy of it. A page
 * that is pinned for writing was copied at the time of the pin, and fork()
 * copies it for the child; its owner keeps it.
 */
#include <sys/mman.h>

#include "sysfs.h"
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

int op_write(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, store(s->addr + s->page_size));
}

int op_fork(struct actor *actor)
{
	int ret;

	actor_begin(actor);
	ret = subject_fork_helper(actor->subject);
	actor_end(actor, 0);
	return ret;
}

static int act_populate(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_POPULATE_WRITE));
}

static const char *lacks_populate(void)
{
	return kernel_has_advice(MADV_POPULATE_WRITE) ? NULL : "MADV_POPULATE_WRITE";
}

const struct demo_op ops_cow[] = {
	{
		.name = "fork", .map = subject_map_written, .act = op_fork,
		.watch = MUST_PROTECT, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT_PAGE, .cause = PINWATCH_CAUSE_FORK,
	}, {
		.name = "write after fork", .map = subject_map_forked, .act = op_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COW,
	}, {
		.name = "write after fork, pinned for reading", .map = subject_map_forked,
		.act = op_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COW,
	}, {
		.name = "madvise MADV_POPULATE_WRITE after fork", .map = subject_map_forked,
		.act = act_populate, .lacks = lacks_populate,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COW,
	}, {
		.name = "write to a zero page", .map = subject_map_zero, .act = op_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COW,
	}, {
		.name = "write to a private file", .map = map_private_file, .act = op_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COW,
	},
	{ .name = NULL },
};
