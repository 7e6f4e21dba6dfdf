// SPDX-License-Identifier: MIT
/*
 * Compare the result of a call with the ABI: with the tables of abi.h (rules for input
 * and output, documented errors, capabilities), and with the mapped generations.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/pinwatch.h>

#include "execute.h"

static void fail(const struct attempt *attempt, enum defect kind, const char *text,
		 uint64_t value)
{
	const struct execution *execution = attempt->execution;

	tally_defect(execution->tally, kind, execution->prog, "call %u, %s: %s %#" PRIx64,
		     attempt->index, attempt->prog->call->name, text, value);
}

static bool call_is(const struct attempt *attempt, const char *name)
{
	return !strcmp(attempt->prog->call->name, name);
}

/* The kernel returns the error without a call of the module. */
static bool errno_generic(const struct attempt *attempt, int number)
{
	int fd = (int)attempt->args[0];
	int flags = fcntl(fd, F_GETFL);

	if (number == EBADF)
		return fd < FIRST_FD || flags < 0 || (flags & O_ACCMODE) != O_RDWR;
	return call_is(attempt, "mmap") && attempt->prog->mutated;
}

static bool errno_documented(const struct abi_call *call, int number)
{
	unsigned int i;

	for (i = 0; i < ABI_ERRORS && call->errors[i]; i++)
		if (call->errors[i] == number)
			return true;
	return false;
}

/* @call: the call that documents the error */
static void errno_check(const struct attempt *attempt, const struct abi_call *call, int number)
{
	if (errno_documented(call, number) && attempt->execution->inject != DEFECT_ERRNO)
		return;
	if (!errno_generic(attempt, number))
		fail(attempt, DEFECT_ERRNO, strerrorname_np(number) ?: "unknown errno",
		     (uint64_t)number);
}

static bool zeros(const uint8_t *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

/* Reserved members are 0, and flags have documented bits only, in both directions. */
static bool member_valid(const struct abi_field *member, const uint8_t *at)
{
	if (member->kind == ABI_ZERO)
		return zeros(at, member->size);
	if (member->kind == ABI_FLAGS)
		return !(prog_load(at, member->size) & ~abi_bits(member->values));
	return true;
}

/* Size of the structure for the kernel, in bytes: the number of the ioctl says it. */
static unsigned int kernel_size(const struct attempt *attempt)
{
	unsigned int size = _IOC_SIZE(attempt->args[1]);

	return size < attempt->blobs[0].size ? size : attempt->blobs[0].size;
}

static bool input_valid(const struct attempt *attempt, const struct abi_field *member)
{
	const struct prog_blob *blob = &attempt->blobs[0];
	const uint8_t *at = blob->bytes + member->offset;

	if (member->out)
		return true;
	if (attempt->execution->inject == DEFECT_ACCEPTED)
		return false;
	if (member->kind == ABI_SIZE)
		return prog_load(at, member->size) == kernel_size(attempt);
	return member_valid(member, at);
}

/* The kernel accepted the structure: no member may have a value that the ABI forbids. */
static void input_check(const struct attempt *attempt, const struct abi_struct *structure)
{
	const struct prog_blob *blob = &attempt->blobs[0];
	unsigned int i, size = kernel_size(attempt);

	for (i = 0; i < structure->nr; i++) {
		const struct abi_field *member = &structure->members[i];

		if (member->offset + member->size <= size && !input_valid(attempt, member))
			fail(attempt, DEFECT_ACCEPTED, member->name,
			     prog_load(blob->bytes + member->offset, member->size));
	}
	for (i = structure->size; i < size; i++)
		if (blob->bytes[i])
			fail(attempt, DEFECT_ACCEPTED, "a byte that no kernel knows", i);
}

/* @size: number of bytes that the kernel wrote at @at */
static void output_check(const struct attempt *attempt, const struct abi_struct *structure,
			 const void *at, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < structure->nr; i++) {
		const struct abi_field *member = &structure->members[i];
		const uint8_t *bytes = (const uint8_t *)at + member->offset;

		if (member->out && member->offset + member->size <= size &&
		    !member_valid(member, bytes))
			fail(attempt, DEFECT_ACCEPTED, member->name,
			     prog_load(bytes, member->size));
	}
}

static void privilege_check(const struct attempt *attempt, const struct abi_call *ioctl_call)
{
	if (attempt->execution->privileged)
		return;
	if (ioctl_call->privileged)
		fail(attempt, DEFECT_TOLD, "success without a capability", 0);
	if (attempt->execution->inject == DEFECT_TOLD ||
	    (ioctl_call->request == PINWATCH_IOC_WATCH_ADD &&
	     prog_load(attempt->blobs[0].bytes + offsetof(struct pinwatch_watch_add, flags), 4) &
	     PINWATCH_WATCH_F_STACK))
		fail(attempt, DEFECT_TOLD, "F_STACK without a capability", 0);
}

/* @generation lies between the mapped generation before the call and the generation now. */
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

uint64_t attempt_member(const struct attempt *attempt, const struct abi_struct *structure,
			const char *name, bool *there)
{
	const struct abi_field *member = abi_find_member(structure, name);

	*there = member && member->offset + member->size <= kernel_size(attempt);
	return *there ? prog_load(attempt->memory[0] + member->offset, member->size) : 0;
}

/* WATCH_STACK returns the generation of the last hit, each other ioctl the generation now. */
static void generation_check(const struct attempt *attempt, const struct abi_struct *structure)
{
	bool has_id, has_generation;
	uint64_t id = attempt_member(attempt, structure, "id", &has_id);
	uint64_t generation = attempt_member(attempt, structure, "generation", &has_generation);

	/* An argument of WATCH_DEL, not a result */
	if (structure == &abi_watch_del)
		return;
	if (has_id && has_generation)
		between_check(attempt, id, generation, structure != &abi_watch_stack);
}

static void resync_check(const struct attempt *attempt)
{
	const struct pinwatch_gen *gens = (void *)attempt->memory[1];
	bool there;
	uint64_t first = attempt_member(attempt, &abi_resync, "first_id", &there);
	uint64_t nr = attempt_member(attempt, &abi_resync, "nr_ids", &there), i;

	if (attempt->prog->nr_blobs < 2 || attempt->prog->mutated)
		return;
	for (i = 0; i < nr; i++) {
		between_check(attempt, first + i, gens[i].generation, true);
		output_check(attempt, &abi_gen, &gens[i], sizeof(gens[i]));
	}
}

static void ioctl_check(const struct attempt *attempt, long ret)
{
	/* The number may have been mutated. */
	const struct abi_call *ioctl_call = abi_find_ioctl(attempt->args[1]);
	const struct abi_struct *structure;

	if (!ioctl_call) {
		/* Numbers without a type are the file system's. */
		if (ret != -ENOTTY && ret != -EBADF &&
		    (uint32_t)attempt->args[1] >> _IOC_TYPESHIFT)
			fail(attempt, DEFECT_ACCEPTED, "unknown ioctl", attempt->args[1]);
		return;
	}
	if (ret < 0) {
		errno_check(attempt, ioctl_call, (int)-ret);
		return;
	}
	/* Another thread may have written to the arena or to another address meanwhile. */
	if (attempt->prog->in_arena || ioctl_call != attempt->prog->call ||
	    !attempt->prog->nr_blobs || attempt->args[2] != (uintptr_t)attempt->memory[0])
		return;
	structure = ioctl_call->args[2].to;
	input_check(attempt, structure);
	output_check(attempt, structure, attempt->memory[0], kernel_size(attempt));
	privilege_check(attempt, ioctl_call);
	generation_check(attempt, structure);
	if (structure == &abi_resync)
		resync_check(attempt);
}

static void event_check(const struct attempt *attempt, const struct pinwatch_event *event)
{
	bool actor = event->flags & PINWATCH_EVENT_F_ACTOR;

	output_check(attempt, &abi_event, event, sizeof(*event));
	if (event->size != sizeof(*event))
		fail(attempt, DEFECT_ACCEPTED, "a record of another size", event->size);
	if (!event->count || event->start >= event->end)
		fail(attempt, DEFECT_ACCEPTED, "an event without a hit, count", event->count);
	if (!actor && (event->tid || event->tgid ||
		       !zeros((const uint8_t *)event->comm, sizeof(event->comm))))
		fail(attempt, DEFECT_TOLD, "an actor without F_ACTOR, thread",
		     (uint64_t)event->tid);
	if (actor && !attempt->execution->privileged && event->tgid != getpid())
		fail(attempt, DEFECT_TOLD, "an actor of another process",
		     (uint64_t)event->tgid);
	between_check(attempt, event->id, event->generation, false);
}

static void read_check(const struct attempt *attempt, long ret)
{
	const struct pinwatch_event *events = (void *)attempt->memory[0];
	size_t i, nr = (size_t)ret / sizeof(*events);

	if (ret < 0)
		return;
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
	const struct abi_call *call = attempt->prog->call;

	if (call->request)
		ioctl_check(attempt, ret);
	else if (ret < 0 && call->errors[0])
		errno_check(attempt, call, (int)-ret);
	if (call_is(attempt, "read"))
		read_check(attempt, ret);
	if (call->makes != ABI_FD)
		monotonic_check(attempt);
}
