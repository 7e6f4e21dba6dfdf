// SPDX-License-Identifier: MIT
/* Operations on the mappings themselves: unmap, move, shrink, protect. */
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"

static int act_munmap(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, munmap(s->addr, s->length));
}

static int act_munmap_part(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, munmap(s->addr + 2 * s->page_size, 2 * s->page_size));
}

static int act_map_over(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, (long)mmap(s->addr, s->length, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static int act_mremap_move(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, (long)mremap(s->addr, s->length, s->length,
				       MREMAP_MAYMOVE | MREMAP_FIXED, s->spare));
}

static int act_mremap_dontunmap(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, (long)mremap(s->addr, s->length, s->length,
				       MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
				       s->spare));
}

static int act_mremap_shrink(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, (long)mremap(s->addr, s->length, s->length / 2, 0));
}

static int act_brk_shrink(struct actor *actor)
{
	return ACT(actor, brk(actor->subject->addr));
}

static int act_mprotect(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, mprotect(s->addr, s->length, PROT_READ));
}

static int act_mprotect_none(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, mprotect(s->addr + s->page_size, s->page_size, PROT_NONE));
}

const struct demo_op ops_map[] = {
	{
		.name = "munmap, whole", .map = subject_map_written, .act = act_munmap,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "munmap, a part", .map = subject_map_written, .act = act_munmap_part,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "mmap MAP_FIXED over it", .map = subject_map_written, .act = act_map_over,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "mremap, move", .map = subject_map_written, .act = act_mremap_move,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "mremap, MREMAP_DONTUNMAP", .map = subject_map_written,
		.act = act_mremap_dontunmap,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "mremap, shrink", .map = subject_map_written, .act = act_mremap_shrink,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "brk, shrink", .map = subject_map_brk, .act = act_brk_shrink,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
	}, {
		.name = "mprotect PROT_READ", .map = subject_map_written, .act = act_mprotect,
		.watch = MUST_PROTECT, .pin = MUST_PROTECT, .pin_flags = PIN_WRITE,
	}, {
		.name = "mprotect PROT_NONE, a part", .map = subject_map_written,
		.act = act_mprotect_none,
		.watch = MUST_PROTECT, .pin = MUST_PROTECT, .pin_flags = PIN_WRITE,
	},
	{ .name = NULL },
};
