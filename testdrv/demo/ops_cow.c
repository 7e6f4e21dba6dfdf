// SPDX-License-Identifier: MIT
/*
 * Copy-on-write: a write replaces the page at an address by a copy. A page that is
 * pinned for writing stays: the pin broke copy-on-write in advance, and fork() gives
 * the child the copy.
 */
#include <sys/mman.h>

#include "ops.h"
#include "sysfs.h"

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
	return ACT_ERRNO(actor, subject_fork_helper(actor->subject));
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
		.name = "write to a private file", .map = subject_map_private, .act = op_write,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COW,
	},
	{ .name = NULL },
};
