// SPDX-License-Identifier: MIT
/* Operations on whole mappings: unmap, move, shrink, protect. */
#include <sys/mman.h>
#include <sys/shm.h>
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

static int map_untouched(struct subject *subject)
{
	return range_map_anonymous(subject->addr, subject->length);
}

static int act_map_over(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, (long)mmap(s->addr, s->length, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

static int map_sysv(struct subject *subject)
{
	int id = shmget(IPC_PRIVATE, subject->length, IPC_CREAT | 0600);
	void *addr;

	if (id < 0)
		return -errno;
	addr = shmat(id, subject->addr, SHM_REMAP);
	/* The kernel destroys the segment when the last process detaches. */
	if (shmctl(id, IPC_RMID, NULL) || addr == (void *)-1)
		return -errno;
	range_write(subject->addr, subject->length);
	return 0;
}

static int act_shmdt(struct actor *actor)
{
	return ACT(actor, shmdt(actor->subject->addr));
}

static int act_shmat_over(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, id = shmget(IPC_PRIVATE, s->length, IPC_CREAT | 0600);

	if (id < 0)
		return -errno;
	ret = ACT(actor, (long)shmat(id, s->addr, SHM_REMAP));
	shmctl(id, IPC_RMID, NULL);
	return ret;
}

static int map_beside(struct subject *subject)
{
	int ret = subject_map_written(subject);

	return ret ? ret : range_map_anonymous(subject->spare, subject->length);
}

static int act_mremap_over(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, (long)mremap(s->spare, s->length, s->length,
				       MREMAP_MAYMOVE | MREMAP_FIXED, s->addr));
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

static const char *lacks_pkeys(void)
{
	int key = pkey_alloc(0, 0);

	if (key < 0)
		return "protection keys (pku)";
	pkey_free(key);
	return NULL;
}

/* The permissions of the mapping stay the same; only the key changes. */
static int act_pkey_mprotect(struct actor *actor)
{
	struct subject *s = actor->subject;
	int key = pkey_alloc(0, 0);

	if (key < 0)
		return -errno;
	return ACT(actor, pkey_mprotect(s->addr, s->length, PROT_READ | PROT_WRITE, key));
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
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "munmap, a part", .map = subject_map_written, .act = act_munmap_part,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "munmap, never touched", .map = map_untouched, .act = act_munmap,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "mmap MAP_FIXED over it", .map = subject_map_written, .act = act_map_over,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MMAP,
	}, {
		.name = "shmdt", .map = map_sysv, .act = act_shmdt,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "shmat SHM_REMAP over it", .map = subject_map_written,
		.act = act_shmat_over,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MMAP,
	}, {
		.name = "mremap, something over it", .map = map_beside, .act = act_mremap_over,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MREMAP,
	}, {
		.name = "mremap, move", .map = subject_map_written, .act = act_mremap_move,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MREMAP,
	}, {
		.name = "mremap, MREMAP_DONTUNMAP", .map = subject_map_written,
		.act = act_mremap_dontunmap,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MREMAP,
	}, {
		.name = "mremap, shrink", .map = subject_map_written, .act = act_mremap_shrink,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MREMAP,
	}, {
		.name = "brk, shrink", .map = subject_map_brk, .act = act_brk_shrink,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "mprotect PROT_READ", .map = subject_map_written, .act = act_mprotect,
		.watch = MUST_PROTECT, .pin = MUST_PROTECT, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_MPROTECT,
	}, {
		.name = "mprotect PROT_NONE, a part", .map = subject_map_written,
		.act = act_mprotect_none,
		.watch = MUST_PROTECT, .pin = MUST_PROTECT, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_MPROTECT,
	}, {
		.name = "pkey_mprotect", .map = subject_map_written, .act = act_pkey_mprotect,
		.lacks = lacks_pkeys,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_MPROTECT,
	},
	{ .name = NULL },
};
