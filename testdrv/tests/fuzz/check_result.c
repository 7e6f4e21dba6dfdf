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

#include "execute.h"

#define SIZE_BITS	((uint64_t)_IOC_SIZEMASK << _IOC_SIZESHIFT)

static void fail(const struct attempt *attempt, enum defect kind, const char *what,
		 uint64_t value)
{
	tally_defect(attempt->execution->tally, kind, attempt->execution->prog, "call %u, %s: %s %#" PRIx64,
		    attempt->index, attempt->prog->call->name, what, value);
}

/* The ioctl that the number means, which may have been mutated; NULL: none. */
static const struct lang_call *ioctl_find(const struct attempt *attempt)
{
	const struct lang *lang = attempt->execution->lang;
	uint32_t number = (uint32_t)attempt->args[1];
	unsigned int i;

	for (i = 0; i < lang->nr_calls; i++)
		if (lang_call_is(&lang->calls[i], "ioctl") &&
		    !(((uint32_t)lang->calls[i].args[1].type->low ^ number) & ~SIZE_BITS))
			return &lang->calls[i];
	return NULL;
}

/* The system call fails before the module is asked. */
static bool errno_generic(const struct attempt *attempt, int number)
{
	int fd = (int)attempt->args[lang_call_is(attempt->prog->call, "mmap") ? 4 : 0];
	int flags = fcntl(fd, F_GETFL);

	if (number == EBADF)
		return fd < FIRST_FD || flags < 0 || (flags & O_ACCMODE) != O_RDWR;
	return lang_call_is(attempt->prog->call, "mmap") && attempt->prog->mutated;
}

static void errno_check(const struct attempt *attempt, const char *name, int number)
{
	struct header_errors *errors = header_find(attempt->execution->header, name);

	if (errors && errors->documented[number] && attempt->execution->inject != DEFECT_ERRNO)
		return;
	if (!errno_generic(attempt, number))
		fail(attempt, DEFECT_ERRNO, header_errno_name(number) ?: "unknown errno",
		     (uint64_t)number);
}

/* Is a member, as it went in, what the description allows? */
static bool member_valid(const struct lang_field *field, const struct attempt *attempt)
{
	const struct lang_type *type = field->type;
	const struct prog_blob *blob = &attempt->blobs[0];
	uint64_t value = prog_load(blob->bytes + field->offset, type->size);

	if (field->dir == LANG_OUT)
		return true;
	if (attempt->execution->inject == DEFECT_ACCEPTED)
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
static void accepted_check(const struct attempt *attempt, const struct lang_struct *structure)
{
	const struct prog_blob *blob = &attempt->blobs[0];
	unsigned int i;

	for (i = 0; i < structure->nr; i++) {
		const struct lang_field *field = &structure->fields[i];

		if (field->offset + field->type->size <= blob->size && !member_valid(field, attempt))
			fail(attempt, DEFECT_ACCEPTED, field->name,
			     prog_load(blob->bytes + field->offset, field->type->size));
	}
	for (i = (unsigned int)structure->size; i < blob->size; i++)
		if (blob->bytes[i])
			fail(attempt, DEFECT_ACCEPTED, "a byte that no kernel knows", i);
}

static void told_check(const struct attempt *attempt, const struct lang_call *ioctl_call)
{
	static const char *const privileged[] = { "_GET_STATS", "_ATTACH", "_WATCH_STACK" };
	unsigned int i;

	if (attempt->execution->privileged)
		return;
	for (i = 0; i < sizeof(privileged) / sizeof(privileged[0]); i++)
		if (strstr(ioctl_call->name, privileged[i]))
			fail(attempt, DEFECT_TOLD, "success without a capability", 0);
	if (attempt->execution->inject == DEFECT_TOLD ||
	    (strstr(ioctl_call->name, "_WATCH_ADD") &&
	     prog_load(attempt->blobs[0].bytes + 4, 4) & PINWATCH_WATCH_F_STACK))
		fail(attempt, DEFECT_TOLD, "F_STACK without a capability", 0);
}

/* What the call said lies between what was there before and what is there now. */
static void between_check(const struct attempt *attempt, uint64_t id, uint64_t generation,
			  bool since_before)
{
	const struct pinwatch_gen *words = generations_find(attempt->execution, attempt->args[0]);

	if (!words || id >= EXECUTION_IDS)
		return;
	if ((since_before && generation < attempt->before[id]) ||
	    generation > __atomic_load_n(&words[id].generation, __ATOMIC_ACQUIRE))
		fail(attempt, DEFECT_GENERATION, "a generation of another time", generation);
}

static uint64_t member(const struct attempt *attempt, const struct lang_struct *structure,
		       const char *name, bool *there)
{
	const struct lang_field *field = lang_find_field(structure, name);

	*there = field && field->offset + field->type->size <= attempt->blobs[0].size;
	return *there ? prog_load(attempt->memory[0] + field->offset, field->type->size) : 0;
}

/* A stack's generation is that of the last hit, all others are of now. */
static void generation_check(const struct attempt *attempt, const struct lang_struct *structure)
{
	bool has_id, has_generation;
	uint64_t id = member(attempt, structure, "id", &has_id);
	uint64_t generation = member(attempt, structure, "generation", &has_generation);

	if (has_id && has_generation)
		between_check(attempt, id, generation,
			      strcmp(structure->name, "pinwatch_watch_stack") != 0);
}

static void resync_check(const struct attempt *attempt, const struct lang_struct *structure)
{
	const struct pinwatch_gen *gens = (void *)attempt->memory[1];
	bool there;
	uint64_t first = member(attempt, structure, "first_id", &there);
	uint64_t nr = member(attempt, structure, "nr_ids", &there), i;

	if (attempt->prog->nr_blobs < 2 || attempt->prog->mutated)
		return;
	for (i = 0; i < nr; i++)
		between_check(attempt, first + i, gens[i].generation, true);
}

static void ioctl_check(const struct attempt *attempt, long ret)
{
	const struct lang_call *ioctl_call = ioctl_find(attempt);
	const struct lang_struct *structure;

	if (!ioctl_call) {
		/* Numbers without a type are the file system's. */
		if (ret != -ENOTTY && ret != -EBADF && (uint32_t)attempt->args[1] >> _IOC_TYPESHIFT)
			fail(attempt, DEFECT_ACCEPTED, "unknown ioctl", attempt->args[1]);
		return;
	}
	if (ret < 0) {
		errno_check(attempt, strchr(ioctl_call->name, '$') + 1, (int)-ret);
		return;
	}
	/* What other threads may write to is no evidence. */
	if (attempt->prog->in_arena || ioctl_call != attempt->prog->call || !attempt->prog->nr_blobs ||
	    attempt->args[2] != (uintptr_t)attempt->memory[0])
		return;
	structure = lang_argument(ioctl_call);
	accepted_check(attempt, structure);
	told_check(attempt, ioctl_call);
	generation_check(attempt, structure);
	if (!strcmp(structure->name, "pinwatch_resync"))
		resync_check(attempt, structure);
}

static bool zeros(const void *at, size_t size)
{
	const uint8_t *bytes = at;

	while (size && !bytes[size - 1])
		size--;
	return !size;
}

static void event_check(const struct attempt *attempt, const struct pinwatch_event *event)
{
	bool actor = event->flags & PINWATCH_EVENT_F_ACTOR;

	if (!event->count || event->start >= event->end || !zeros(event->reserved, 24))
		fail(attempt, DEFECT_ACCEPTED, "an event that says nothing, count", event->count);
	if (!actor && (event->tid || event->tgid || !zeros(event->comm, sizeof(event->comm))))
		fail(attempt, DEFECT_TOLD, "an actor that is not told, thread", (uint64_t)event->tid);
	if (actor && !attempt->execution->privileged && event->tgid != getpid())
		fail(attempt, DEFECT_TOLD, "another process's actor", (uint64_t)event->tgid);
	between_check(attempt, event->id, event->generation, false);
}

static void read_check(const struct attempt *attempt, long ret)
{
	const struct pinwatch_event *events = (void *)attempt->memory[0];
	size_t i, nr = (size_t)ret / sizeof(*events);

	if (ret < 0) {
		errno_check(attempt, "read", (int)-ret);
		return;
	}
	if ((size_t)ret % sizeof(*events) || !ret)
		fail(attempt, DEFECT_ACCEPTED, "no whole records", (uint64_t)ret);
	if (attempt->prog->in_arena || attempt->prog->mutated)
		return;
	for (i = 0; i < nr; i++)
		event_check(attempt, &events[i]);
}

static void monotonic_check(const struct attempt *attempt)
{
	uint64_t after[EXECUTION_IDS];
	unsigned int i;

	if (!generations_find(attempt->execution, attempt->args[0]))
		return;
	generations_read(attempt->execution, attempt->args[0], after);
	for (i = 0; i < EXECUTION_IDS; i++)
		if (after[i] < attempt->before[i])
			fail(attempt, DEFECT_GENERATION, "a generation went backwards, id", i);
}

void attempt_check(const struct attempt *attempt, long ret)
{
	const struct lang_call *lang = attempt->prog->call;

	if (lang_call_is(lang, "ioctl"))
		ioctl_check(attempt, ret);
	else if (lang_call_is(lang, "read"))
		read_check(attempt, ret);
	else if (lang_call_is(lang, "mmap") && !strstr(lang->name, "_arena") && ret < 0)
		errno_check(attempt, "mmap", (int)-ret);
	if (!lang_call_is(lang, "openat") && !lang_call_is(lang, "dup"))
		monotonic_check(attempt);
}
