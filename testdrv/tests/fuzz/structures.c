// SPDX-License-Identifier: MIT
/*
 * The structures of the ABI: an entry for each member. A member that has no entry is an
 * error of compilation at the end of this file.
 */
#include <poll.h>
#include <string.h>

#include <linux/pinwatch.h>

#include "abi.h"

const struct abi_values abi_fds = VALUES(UINT64_MAX, 0);
static const struct abi_values ids = VALUES(0, 1, 2, 63, UINT32_MAX);
/* Random numbers would always be above the first generation of a watch. */
static const struct abi_values generations = VALUES(0, 1, 2, 8, UINT64_MAX);
static const struct abi_values pids = VALUES(0, 1, UINT64_MAX, INT32_MAX);

static const struct abi_values poll_events = BITS(POLLIN, POLLOUT, POLLPRI);
static const struct abi_values watch_flags = BITS(PINWATCH_WATCH_F_PIN, PINWATCH_WATCH_F_WRITE,
	PINWATCH_WATCH_F_ONESHOT, PINWATCH_WATCH_F_STACK, PINWATCH_WATCH_F_PAGES);
static const struct abi_values repin_flags = BITS(PINWATCH_REPIN_F_KEEP);
static const struct abi_values repin_result_flags = BITS(PINWATCH_REPIN_RESULT_KEPT);
static const struct abi_values query_flags = BITS(PINWATCH_QUERY_F_NEXT);
static const struct abi_values events = BITS(PINWATCH_EVENT_UNMAP, PINWATCH_EVENT_CLEAR,
	PINWATCH_EVENT_PROTECT, PINWATCH_EVENT_PROTECT_PAGE, PINWATCH_EVENT_SOFT_DIRTY,
	PINWATCH_EVENT_RELEASE, PINWATCH_EVENT_MIGRATE, PINWATCH_EVENT_EXCLUSIVE,
	PINWATCH_EVENT_OTHER);
static const struct abi_values event_flags = BITS(PINWATCH_EVENT_F_ACTOR,
	PINWATCH_EVENT_F_ACTORS, PINWATCH_EVENT_F_ATOMIC);

#define SIZE		.kind = ABI_SIZE
#define ID		.kind = ABI_ID, .values = &ids
#define GENERATION	.kind = ABI_ID, .values = &generations
#define PID		.kind = ABI_PID, .values = &pids
#define BYTES(s, m)	.kind = ABI_BYTES, .length_of = offsetof(struct pinwatch_##s, m)
#define COUNT(s, m)	.kind = ABI_COUNT, .length_of = offsetof(struct pinwatch_##s, m)
#define OUT_ANY		.out = true, ANY
#define OUT_ZERO	.out = true, ZERO
#define OUT_ID		.out = true, ID
#define OUT_FLAGS(set)	.out = true, FLAGS(set)

#define SIZEOF(s, m)	sizeof(((struct pinwatch_##s *)0)->m)
#define FIELD(s, m, ...) {						\
	.name = #m, .offset = offsetof(struct pinwatch_##s, m),		\
	.size = SIZEOF(s, m), __VA_ARGS__				\
},
#define SAME_BYTES(s, m, ...) char m[SIZEOF(s, m)];

/*
 * A list of members becomes the table, and a structure of bytes, which is too short if a
 * member has no entry.
 */
#define STRUCTURE(s, list)						\
	static const struct abi_field s##_members[] = list(FIELD, s);	\
	_Static_assert(sizeof(struct list(SAME_BYTES, s)) ==		\
		       sizeof(struct pinwatch_##s),			\
		       "a member of struct pinwatch_" #s " has no entry"); \
	const struct abi_struct abi_##s = {				\
		"pinwatch_" #s, sizeof(struct pinwatch_##s), s##_members, \
		sizeof(s##_members) / sizeof(s##_members[0])		\
	}

#define GEN(M, s) {						\
	M(s, generation,	OUT_ANY)			\
	M(s, generation32,	OUT_ANY)			\
	M(s, reserved,		OUT_ZERO)			\
}
STRUCTURE(gen, GEN);

#define INFO(M, s) {						\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, abi_major,		OUT_ANY)			\
	M(s, abi_minor,		OUT_ANY)			\
	M(s, features,		OUT_ANY)			\
	M(s, page_size,		OUT_ANY)			\
	M(s, event_size,	OUT_ANY)			\
	M(s, max_watches,	OUT_ANY)			\
	M(s, nr_watches,	OUT_ANY)			\
	M(s, gen_map_size,	OUT_ANY)			\
	M(s, max_pin_pages,	OUT_ANY)			\
	M(s, watch_flags,	OUT_FLAGS(watch_flags))		\
	M(s, events,		OUT_FLAGS(events))		\
	M(s, causes,		OUT_ANY)			\
	M(s, hits_offset,	OUT_ANY)			\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(info, INFO);

#define WATCH_ADD(M, s) {					\
	M(s, size,		SIZE)				\
	M(s, flags,		FLAGS(watch_flags))		\
	M(s, addr,		PAGES)			\
	M(s, length,		BYTES(s, addr))			\
	M(s, cookie,		ANY)				\
	M(s, id,		OUT_ID)				\
	M(s, ignore_events,	FLAGS(events))			\
	M(s, generation,	OUT_ANY)			\
	M(s, nr_pages,		OUT_ANY)			\
	M(s, touched_shift,	OUT_ANY)			\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(watch_add, WATCH_ADD);

#define WATCH_DEL(M, s) {					\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, id,		ID)				\
	M(s, reserved,		ZERO)				\
	M(s, generation,	GENERATION)			\
}
STRUCTURE(watch_del, WATCH_DEL);

#define WATCH_REPIN(M, s) {					\
	M(s, size,		SIZE)				\
	M(s, flags,		FLAGS(repin_flags))		\
	M(s, id,		ID)				\
	M(s, result_flags,	OUT_FLAGS(repin_result_flags))	\
	M(s, generation,	GENERATION)			\
	M(s, nr_pages,		OUT_ANY)			\
}
STRUCTURE(watch_repin, WATCH_REPIN);

#define EVENT(M, s) {						\
	M(s, size,		OUT_ANY)			\
	M(s, flags,		OUT_FLAGS(event_flags))		\
	M(s, cookie,		OUT_ANY)			\
	M(s, id,		OUT_ANY)			\
	M(s, events,		OUT_FLAGS(events))		\
	M(s, start,		OUT_ANY)			\
	M(s, end,		OUT_ANY)			\
	M(s, generation,	OUT_ANY)			\
	M(s, count,		OUT_ANY)			\
	M(s, time_ns,		OUT_ANY)			\
	M(s, touched,		OUT_ANY)			\
	M(s, causes,		OUT_ANY)			\
	M(s, touched_shift,	OUT_ANY)			\
	M(s, tid,		OUT_ANY)			\
	M(s, tgid,		OUT_ANY)			\
	M(s, comm,		OUT_ANY)			\
	M(s, reserved,		OUT_ZERO)			\
}
STRUCTURE(event, EVENT);

#define WATCH_QUERY(M, s) {					\
	M(s, size,		SIZE)				\
	M(s, flags,		FLAGS(query_flags))		\
	M(s, id,		ID)				\
	M(s, state,		OUT_ANY)			\
	M(s, addr,		OUT_ANY)			\
	M(s, length,		OUT_ANY)			\
	M(s, cookie,		OUT_ANY)			\
	M(s, generation,	OUT_ANY)			\
	M(s, valid_generation,	OUT_ANY)			\
	M(s, hits,		OUT_ANY)			\
	M(s, time_ns,		OUT_ANY)			\
	M(s, causes,		OUT_ANY)			\
	M(s, events,		OUT_FLAGS(events))		\
	M(s, watch_flags,	OUT_FLAGS(watch_flags))		\
	M(s, ignore_events,	OUT_FLAGS(events))		\
	M(s, touched_shift,	OUT_ANY)			\
	M(s, nr_pages,		OUT_ANY)			\
	M(s, nr_pinned,		OUT_ANY)			\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(watch_query, WATCH_QUERY);

/* The elements of the array of verdicts are no structure of the ABI. */
static const struct abi_field verdict_member = { .name = "verdict", .size = 1, OUT_ANY };
static const struct abi_struct verdict = { "verdict", 1, &verdict_member, 1 };

#define WATCH_VERIFY(M, s) {					\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, id,		ID)				\
	M(s, verdict,		OUT_ANY)			\
	M(s, first_page,	RANGE(0, 3))			\
	M(s, nr_pages,		COUNT(s, verdicts))		\
	M(s, verdicts,		POINTER(verdict, 0, 16))	\
	M(s, nr,		OUT_ANY)			\
	M(s, generation,	OUT_ANY)			\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(watch_verify, WATCH_VERIFY);

#define WATCH_STACK(M, s) {					\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, id,		ID)				\
	M(s, nr_entries,	OUT_ANY)			\
	M(s, generation,	OUT_ANY)			\
	M(s, entries,		OUT_ANY)			\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(watch_stack, WATCH_STACK);

#define RESYNC(M, s) {						\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, first_id,		RANGE(0, 64))			\
	M(s, nr_ids,		COUNT(s, gens))			\
	M(s, gens,		POINTER(abi_gen, 1, 16))	\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(resync, RESYNC);

#define ATTACH(M, s) {						\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, pid,		PID)				\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(attach, ATTACH);

#define BIND(M, s) {						\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(bind, BIND);

#define STATS(M, s) {						\
	M(s, size,		SIZE)				\
	M(s, flags,		ZERO)				\
	M(s, nr_mms,		OUT_ANY)			\
	M(s, nr_subscriptions,	OUT_ANY)			\
	M(s, nr_files,		OUT_ANY)			\
	M(s, nr_watches,	OUT_ANY)			\
	M(s, pinned_pages,	OUT_ANY)			\
	M(s, walks,		OUT_ANY)			\
	M(s, callbacks,		OUT_ANY)			\
	M(s, waits,		OUT_ANY)			\
	M(s, remove_waits,	OUT_ANY)			\
	M(s, overflows,		OUT_ANY)			\
	M(s, vetoes,		OUT_ANY)			\
	M(s, reserved,		ZERO)				\
}
STRUCTURE(stats, STATS);

static const struct abi_field pollfd_members[] = {
	{ .name = "fd", .offset = offsetof(struct pollfd, fd), .size = 4, FD },
	{ .name = "events", .offset = offsetof(struct pollfd, events), .size = 2,
	  FLAGS(poll_events) },
	{ .name = "revents", .offset = offsetof(struct pollfd, revents), .size = 2, OUT_ANY },
};
const struct abi_struct abi_pollfd = { "pollfd", sizeof(struct pollfd), pollfd_members, 3 };

const struct abi_field *abi_find_member(const struct abi_struct *structure, const char *name)
{
	unsigned int i;

	for (i = 0; i < structure->nr; i++)
		if (!strcmp(structure->members[i].name, name))
			return &structure->members[i];
	return NULL;
}

uint64_t abi_bits(const struct abi_values *values)
{
	uint64_t bits = 0;
	unsigned int i;

	for (i = 0; i < values->nr; i++)
		bits |= values->values[i];
	return bits;
}
