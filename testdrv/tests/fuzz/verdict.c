// SPDX-License-Identifier: MIT
/*
 * Is what came back allowed? The description says which arguments are right, the
 * header which errors there are, the mapped generations which values can be.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "run.h"

#define SIZE_BITS	((uint64_t)_IOC_SIZEMASK << _IOC_SIZESHIFT)

static void fail(const struct run_call *call, enum report_kind kind, const char *what,
		 uint64_t value)
{
	report_fail(call->run->report, kind, call->run->prog, "call %u, %s: %s %#" PRIx64,
		    call->index, call->prog->call->name, what, value);
}

/* The ioctl that the number means, which may have been mutated; NULL: none. */
static const struct lang_call *ioctl_find(const struct run_call *call)
{
	const struct lang *lang = call->run->lang;
	uint32_t number = (uint32_t)call->args[1];
	unsigned int i;

	for (i = 0; i < lang->nr_calls; i++)
		if (lang_call_is(&lang->calls[i], "ioctl") &&
		    !(((uint32_t)lang->calls[i].args[1].type->low ^ number) & ~SIZE_BITS))
			return &lang->calls[i];
	return NULL;
}

/* The system call fails before the module is asked. */
static bool errno_generic(const struct run_call *call, int number)
{
	int fd = (int)call->args[lang_call_is(call->prog->call, "mmap") ? 4 : 0];
	int flags = fcntl(fd, F_GETFL);

	if (number == EBADF)
		return fd < RUN_FIRST_FD || flags < 0 || (flags & O_ACCMODE) != O_RDWR;
	return lang_call_is(call->prog->call, "mmap") && call->prog->mutated;
}

static void errno_check(const struct run_call *call, const char *name, int number)
{
	struct header_errors *errors = header_find(call->run->header, name);

	if (errors && errors->documented[number] && call->run->bust != REPORT_ERRNO)
		return;
	if (!errno_generic(call, number))
		fail(call, REPORT_ERRNO, header_errno_name(number) ?: "unknown errno",
		     (uint64_t)number);
}

/* Is a member, as it went in, what the description allows? */
static bool member_valid(const struct lang_field *field, const struct run_call *call)
{
	const struct lang_type *type = field->type;
	const struct prog_blob *blob = &call->blobs[0];
	uint64_t value = prog_load(blob->bytes + field->offset, type->size);

	if (field->dir == LANG_OUT)
		return true;
	if (call->run->bust == REPORT_ACCEPTED)
		return false;
	if (type->kind == LANG_CONST)
		return value == type->low;
	if (type->kind == LANG_FLAGS)
		return !(value & ~type->set->all);
	if (type->kind == LANG_BYTESIZE && !strcmp(type->name, "parent"))
		return value == blob->size;
	return true;
}

/* A structure that was accepted had nothing in it that must be refused. */
static void accepted_check(const struct run_call *call, const struct lang_struct *structure)
{
	const struct prog_blob *blob = &call->blobs[0];
	unsigned int i;

	for (i = 0; i < structure->nr; i++) {
		const struct lang_field *field = &structure->fields[i];

		if (field->offset + field->type->size <= blob->size && !member_valid(field, call))
			fail(call, REPORT_ACCEPTED, field->name,
			     prog_load(blob->bytes + field->offset, field->type->size));
	}
	for (i = (unsigned int)structure->size; i < blob->size; i++)
		if (blob->bytes[i])
			fail(call, REPORT_ACCEPTED, "a byte that no kernel knows", i);
}

static void told_check(const struct run_call *call, const struct lang_call *ioctl_call)
{
	static const char *const privileged[] = { "_GET_STATS", "_ATTACH", "_WATCH_STACK" };
	unsigned int i;

	if (call->run->privileged)
		return;
	for (i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++)
		if (strstr(ioctl_call->name, privileged[i]))
			fail(call, REPORT_TOLD, "success without a capability", 0);
	if (call->run->bust == REPORT_TOLD ||
	    (strstr(ioctl_call->name, "_WATCH_ADD") &&
	     prog_load(call->blobs[0].bytes + 4, 4) & PINWATCH_WATCH_F_STACK))
		fail(call, REPORT_TOLD, "F_STACK without a capability", 0);
}

/* What the call said lies between what was there before and what is there now. */
static void between_check(const struct run_call *call, uint64_t id, uint64_t generation,
			  bool since_before)
{
	const struct pinwatch_gen *words = run_words(call->run, call->args[0]);

	if (!words || id >= RUN_IDS)
		return;
	if ((since_before && generation < call->before[id]) ||
	    generation > __atomic_load_n(&words[id].generation, __ATOMIC_ACQUIRE))
		fail(call, REPORT_GENERATION, "a generation of another time", generation);
}

static uint64_t member(const struct run_call *call, const struct lang_struct *structure,
		       const char *name, bool *there)
{
	const struct lang_field *field = lang_find_field(structure, name);

	*there = field && field->offset + field->type->size <= call->blobs[0].size;
	return *there ? prog_load(call->memory[0] + field->offset, field->type->size) : 0;
}

/* A stack's generation is that of the last hit, all others are of now. */
static void generation_check(const struct run_call *call, const struct lang_struct *structure)
{
	bool has_id, has_generation;
	uint64_t id = member(call, structure, "id", &has_id);
	uint64_t generation = member(call, structure, "generation", &has_generation);

	if (has_id && has_generation)
		between_check(call, id, generation,
			      strcmp(structure->name, "pinwatch_watch_stack") != 0);
}

static void resync_check(const struct run_call *call, const struct lang_struct *structure)
{
	const struct pinwatch_gen *gens = (void *)call->memory[1];
	bool there;
	uint64_t first = member(call, structure, "first_id", &there);
	uint64_t nr = member(call, structure, "nr_ids", &there), i;

	if (call->prog->nr_blobs < 2 || call->prog->mutated)
		return;
	for (i = 0; i < nr; i++)
		between_check(call, first + i, gens[i].generation, true);
}

static void ioctl_check(const struct run_call *call, long ret)
{
	const struct lang_call *ioctl_call = ioctl_find(call);
	const struct lang_struct *structure;

	if (!ioctl_call) {
		/* Numbers without a type are the file system's. */
		if (ret != -ENOTTY && ret != -EBADF && (uint32_t)call->args[1] >> _IOC_TYPESHIFT)
			fail(call, REPORT_ACCEPTED, "unknown ioctl", call->args[1]);
		return;
	}
	if (ret < 0) {
		errno_check(call, strchr(ioctl_call->name, '$') + 1, (int)-ret);
		return;
	}
	/* What other threads may write to is no evidence. */
	if (call->prog->in_arena || ioctl_call != call->prog->call || !call->prog->nr_blobs ||
	    call->args[2] != (uintptr_t)call->memory[0])
		return;
	structure = lang_argument(ioctl_call);
	accepted_check(call, structure);
	told_check(call, ioctl_call);
	generation_check(call, structure);
	if (!strcmp(structure->name, "pinwatch_resync"))
		resync_check(call, structure);
}

static bool zeros(const void *at, size_t size)
{
	const uint8_t *bytes = at;

	while (size && !bytes[size - 1])
		size--;
	return !size;
}

static void event_check(const struct run_call *call, const struct pinwatch_event *event)
{
	bool actor = event->flags & PINWATCH_EVENT_F_ACTOR;

	if (!event->count || event->start >= event->end || !zeros(event->reserved, 24))
		fail(call, REPORT_ACCEPTED, "an event that says nothing, count", event->count);
	if (!actor && (event->tid || event->tgid || !zeros(event->comm, sizeof(event->comm))))
		fail(call, REPORT_TOLD, "an actor that is not told, thread", (uint64_t)event->tid);
	if (actor && !call->run->privileged && event->tgid != getpid())
		fail(call, REPORT_TOLD, "another process's actor", (uint64_t)event->tgid);
	between_check(call, event->id, event->generation, false);
}

static void read_check(const struct run_call *call, long ret)
{
	const struct pinwatch_event *events = (void *)call->memory[0];
	size_t i, nr = (size_t)ret / sizeof(*events);

	if (ret < 0) {
		errno_check(call, "read", (int)-ret);
		return;
	}
	if ((size_t)ret % sizeof(*events) || !ret)
		fail(call, REPORT_ACCEPTED, "no whole records", (uint64_t)ret);
	if (call->prog->in_arena || call->prog->mutated)
		return;
	for (i = 0; i < nr; i++)
		event_check(call, &events[i]);
}

static void monotonic_check(const struct run_call *call)
{
	uint64_t after[RUN_IDS];
	unsigned int i;

	if (!run_words(call->run, call->args[0]))
		return;
	run_snapshot(call->run, call->args[0], after);
	for (i = 0; i < RUN_IDS; i++)
		if (after[i] < call->before[i])
			fail(call, REPORT_GENERATION, "a generation went backwards, id", i);
}

void run_verdict(const struct run_call *call, long ret)
{
	const struct lang_call *lang = call->prog->call;

	if (lang_call_is(lang, "ioctl"))
		ioctl_check(call, ret);
	else if (lang_call_is(lang, "read"))
		read_check(call, ret);
	else if (lang_call_is(lang, "mmap") && !strstr(lang->name, "_arena") && ret < 0)
		errno_check(call, "mmap", (int)-ret);
	if (!lang_call_is(lang, "openat") && !lang_call_is(lang, "dup"))
		monotonic_check(call);
}
