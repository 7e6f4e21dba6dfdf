// SPDX-License-Identifier: MIT
/* Make programs from the tables of the ABI. */
#include <string.h>

#include <linux/pinwatch.h>

#include "prog.h"

#define IOCTL_TRIES	3	/* make ioctls more frequent */
#define RANGE_PAGES	16U	/* the longest range of pages */

struct generator {
	struct rng *rng;
	struct prog *prog;
	struct prog_call *call;
};

/* The length of the memory at a generated address, for ABI_BYTES and ABI_COUNT */
struct extent {
	uint64_t bytes;
	uint64_t elements;
};

static void fields_generate(struct generator *gen, const struct abi_field *fields,
			    unsigned int nr, unsigned int structure_size, int place,
			    unsigned int base);

void prog_store(void *at, size_t size, uint64_t value)
{
	memcpy(at, &value, size < sizeof(value) ? size : sizeof(value));
}

uint64_t prog_load(const void *at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, at, size < sizeof(value) ? size : sizeof(value));
	return value;
}

/* @offset: of a field in blob @place, or the number of an argument */
static void put(struct generator *gen, int place, unsigned int offset, unsigned int size,
		uint64_t value)
{
	if (place == PROG_ARGS)
		gen->call->args[offset] = value;
	else
		prog_store(gen->call->blobs[place].bytes + offset, size, value);
}

static void random_put(struct generator *gen, int place, unsigned int offset, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i += 8)
		put(gen, place, offset + i, size - i, rng_next(gen->rng));
}

static void patch_add(struct generator *gen, enum prog_patch_kind kind, int place,
		      unsigned int offset, unsigned int size, int source)
{
	struct prog_call *call = gen->call;

	if (call->nr_patches < PROG_PATCHES)
		call->patches[call->nr_patches++] = (struct prog_patch){
			.kind = kind, .place = place, .offset = offset, .size = size,
			.source = source,
		};
}

/* An earlier call that makes a descriptor, an id or a PID; the later, the likelier. */
static int maker_find(struct generator *gen, enum abi_kind kind)
{
	int found = PROG_NO_CALL;
	int i, now = (int)(gen->call - gen->prog->calls);

	for (i = 0; i < now; i++)
		if (gen->prog->calls[i].call->makes == kind &&
		    (found == PROG_NO_CALL || !rng_one_in(gen->rng, 3)))
			found = i;
	return found;
}

static uint64_t value_choose(struct generator *gen, const struct abi_values *values)
{
	return values->values[rng_below(gen->rng, values->nr)];
}

static uint64_t made_generate(struct generator *gen, const struct abi_field *field, int place,
			      unsigned int offset)
{
	int maker = maker_find(gen, field->kind);

	if (maker != PROG_NO_CALL && !rng_one_in(gen->rng, 16))
		patch_add(gen, PROG_RESOURCE, place, offset, field->size, maker);
	return value_choose(gen, field->values);
}

static uint64_t flags_generate(struct generator *gen, const struct abi_values *values)
{
	uint64_t flags = value_choose(gen, values);

	if (!values->combine)
		return flags;
	while (rng_one_in(gen->rng, 2))
		flags |= value_choose(gen, values);
	return rng_one_in(gen->rng, 2) ? 0 : flags;
}

/* Ranges begin at each fourth page only, so that many overlap. */
static uint64_t pages_generate(struct generator *gen, struct extent *extent)
{
	uint64_t nr = rng_between(gen->rng, 1, RANGE_PAGES);
	uint64_t first = rng_below(gen->rng, PROG_PAGES - nr + 1) / 4 * 4;

	extent->bytes = nr * PROG_PAGE;
	return PROG_ARENA + first * PROG_PAGE;
}

/* Pointers in a structure are sometimes NULL. */
static void pointer_generate(struct generator *gen, const struct abi_field *field, int place,
			     unsigned int offset, struct extent *extent)
{
	int number = (int)gen->call->nr_blobs;
	const struct abi_struct *to = field->to;
	struct prog_blob *blob;
	uint64_t i;

	if (number == PROG_BLOBS || (place != PROG_ARGS && rng_one_in(gen->rng, 8)))
		return;
	gen->call->nr_blobs++;
	extent->elements = rng_between(gen->rng, field->low, field->high);
	extent->bytes = extent->elements * to->size;
	blob = &gen->call->blobs[number];
	blob->size = (unsigned int)extent->bytes;
	memset(blob->bytes, 0, sizeof(blob->bytes));
	for (i = 0; i < extent->elements; i++)
		fields_generate(gen, to->members, to->nr, to->size, number,
				(unsigned int)i * to->size);
	patch_add(gen, PROG_POINTER, place, offset, field->size, number);
}

/* Fields without a value here are 0; the lengths come last. */
static void field_generate(struct generator *gen, const struct abi_field *field, int place,
			   unsigned int offset, struct extent *extent)
{
	uint64_t value = 0;

	if (field->out || field->kind == ABI_ANY) {
		random_put(gen, place, offset, field->size);
		return;
	}
	switch (field->kind) {
	case ABI_REQUEST:
		value = gen->call->call->request;
		break;
	case ABI_RANGE:
		value = rng_between(gen->rng, field->low, field->high);
		break;
	case ABI_FLAGS:
		value = flags_generate(gen, field->values);
		break;
	case ABI_PAGES:
		value = pages_generate(gen, extent);
		break;
	case ABI_FD:
	case ABI_ID:
	case ABI_PID:
		value = made_generate(gen, field, place, offset);
		break;
	case ABI_POINTER:
		pointer_generate(gen, field, place, offset, extent);
		break;
	default:
		break;
	}
	put(gen, place, offset, field->size, value);
}

static unsigned int field_offset(const struct abi_field *fields, unsigned int i, int place)
{
	return place == PROG_ARGS ? i : fields[i].offset;
}

/* Members of a structure at @base of blob @place, or the arguments of a call. */
static void fields_generate(struct generator *gen, const struct abi_field *fields,
			    unsigned int nr, unsigned int structure_size, int place,
			    unsigned int base)
{
	struct extent extents[ABI_MEMBERS] = { { 0 } };
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		field_generate(gen, &fields[i], place, base + field_offset(fields, i, place),
			       &extents[i]);
	for (i = 0; i < nr; i++) {
		unsigned int offset = base + field_offset(fields, i, place);

		if (fields[i].kind == ABI_SIZE)
			put(gen, place, offset, fields[i].size, structure_size);
		if (fields[i].kind != ABI_BYTES && fields[i].kind != ABI_COUNT)
			continue;
		for (j = 0; field_offset(fields, j, place) != fields[i].length_of; j++)
			;
		put(gen, place, offset, fields[i].size,
		    fields[i].kind == ABI_BYTES ? extents[j].bytes : extents[j].elements);
	}
}

static void call_generate(struct generator *gen, const struct abi_call *call)
{
	unsigned int nr_args = abi_nr_args(call);

	gen->call = &gen->prog->calls[gen->prog->nr];
	gen->call->call = call;
	memset(gen->call->args, 0, sizeof(gen->call->args));
	gen->call->nr_blobs = 0;
	gen->call->nr_patches = 0;
	gen->call->mutated = false;
	gen->call->in_arena = nr_args && rng_one_in(gen->rng, 24);
	fields_generate(gen, call->args, nr_args, 0, PROG_ARGS, 0);
	gen->prog->nr++;
}

static const struct abi_call *call_choose(struct rng *rng)
{
	const struct abi_call *call;
	unsigned int tries = IOCTL_TRIES;

	do {
		call = &abi_calls[rng_below(rng, abi_nr_calls)];
		if (call->rare)
			call = &abi_calls[rng_below(rng, abi_nr_calls)];
	} while (--tries && !call->request);
	return call;
}

/* The first two calls open the device and add a watch: most calls need both. */
void prog_generate(struct prog *prog, struct rng *rng)
{
	struct generator gen = { .rng = rng, .prog = prog };
	unsigned int nr = (unsigned int)rng_between(rng, 4, PROG_CALLS);

	prog->nr = 0;
	prog->nr_threads = 1 + (unsigned int)rng_below(rng, 3);
	call_generate(&gen, &abi_calls[0]);
	call_generate(&gen, abi_find_ioctl(PINWATCH_IOC_WATCH_ADD));
	while (prog->nr < nr)
		call_generate(&gen, call_choose(rng));
}
