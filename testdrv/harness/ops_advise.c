// SPDX-License-Identifier: MIT
/* Operations that give memory back and keep the mapping. */
#include <sys/mman.h>

#include "ops.h"

static int map_shared(struct subject *subject)
{
	return subject_map_file(subject, MAP_SHARED);
}

static int act_dontneed(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_DONTNEED));
}

/* The pages go when memory is short; that they may is what is told. */
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

const struct demo_op ops_advise[] = {
	{
		.name = "madvise MADV_DONTNEED", .map = subject_map_written, .act = act_dontneed,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "madvise MADV_FREE", .map = subject_map_written, .act = act_free,
		.watch = MUST_TELL, .pin = MUST_TELL, .pin_flags = PIN_WRITE,
	}, {
		.name = "madvise MADV_REMOVE, shared memory", .map = map_shared, .act = act_remove,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	},
	{ .name = NULL },
};
