// SPDX-License-Identifier: MIT
/* madvise(2): free pages and keep the mapping. */
#include <sys/mman.h>

#include "ops.h"
#include "sysfs.h"

#ifndef MADV_GUARD_INSTALL	/* 6.13 */
#define MADV_GUARD_INSTALL	102
#endif

static int act_dontneed(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_DONTNEED));
}

/* The kernel notifies at once, and frees the pages when memory is short. */
static int act_free(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_FREE));
}

static int act_remove(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_REMOVE));
}

static const char *lacks_guard(void)
{
	return kernel_has_advice(MADV_GUARD_INSTALL) ? NULL : "MADV_GUARD_INSTALL (6.13)";
}

static int act_guard(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_GUARD_INSTALL));
}

const struct demo_op ops_advise[] = {
	{
		.name = "madvise MADV_DONTNEED", .map = subject_map_written, .act = act_dontneed,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MADVISE,
	}, {
		.name = "madvise MADV_FREE", .map = subject_map_written, .act = act_free,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MADVISE,
	}, {
		.name = "madvise MADV_REMOVE, shared memory", .map = subject_map_shared,
		.act = act_remove,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_TRUNCATE,
	}, {
		.name = "madvise MADV_GUARD_INSTALL", .map = subject_map_written,
		.act = act_guard, .lacks = lacks_guard,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MADVISE,
	},
	{ .name = NULL },
};
