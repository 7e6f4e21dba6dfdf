// SPDX-License-Identifier: MIT
/* Programs as the description has them. */
#include <string.h>

#include "prog.h"

/* Calls on the device come more often than what happens around it. */
#define DEVICE_WEIGHT	3

struct gen {
	const struct lang *lang;
	struct rng *rng;
	struct prog *prog;
	struct prog_call *call;
};

/* How long members are that others speak of: a vma's bytes, what a pointer points to. */
struct extent {
	uint64_t bytes;
	uint64_t elements;
};

static void fields_generate(struct gen *gen, const struct lang_field *fields, unsigned int nr,
			    size_t parent_size, int place, unsigned int base);

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

static void put(struct gen *gen, int place, unsigned int offset, size_t size, uint64_t value)
{
	if (place == PROG_ARGS)
		gen->call->args[offset] = value;
	else
		prog_store(gen->call->blobs[place].bytes + offset, size, value);
}

static void patch_add(struct gen *gen, enum prog_patch_kind kind, int place,
		      unsigned int offset, size_t size, int source)
{
	struct prog_call *call = gen->call;

	if (call->nr_patches < PROG_PATCHES)
		call->patches[call->nr_patches++] = (struct prog_patch){
			.kind = kind, .place = place, .offset = offset,
			.size = (unsigned int)size, .source = source,
		};
}

/* A call before this one that made such a thing; the later the likelier. */
static int maker_find(struct gen *gen, const struct lang_resource *resource)
{
	int found = PROG_NO_CALL;
	int i, now = (int)(gen->call - gen->prog->calls);

	for (i = 0; i < now; i++)
		if (gen->prog->calls[i].call->made == resource &&
		    (found == PROG_NO_CALL || !rng_one_in(gen->rng, 3)))
			found = i;
	return found;
}

static void resource_generate(struct gen *gen, const struct lang_type *type, int place,
			      unsigned int offset)
{
	const struct lang_resource *resource = type->resource;
	int maker = maker_find(gen, resource);

	if (maker != PROG_NO_CALL && !rng_one_in(gen->rng, 16))
		patch_add(gen, PROG_RESOURCE, place, offset, type->size, maker);
	put(gen, place, offset, type->size,
	    resource->special[rng_below(gen->rng, resource->nr)]);
}

static uint64_t int_generate(struct gen *gen, const struct lang_type *type)
{
	return rng_between(gen->rng, type->low, type->high);
}

static uint64_t flags_generate(struct gen *gen, const struct lang_set *set)
{
	uint64_t value = set->values[rng_below(gen->rng, set->nr)];

	while (set->bits && rng_one_in(gen->rng, 2))
		value |= set->values[rng_below(gen->rng, set->nr)];
	return set->bits && rng_one_in(gen->rng, 2) ? 0 : value;
}

/* Few places for many ranges: they are to overlap. */
static uint64_t vma_generate(struct gen *gen, const struct lang_type *type, struct extent *extent)
{
	uint64_t nr = rng_between(gen->rng, type->low, type->high);
	uint64_t first = rng_below(gen->rng, PROG_PAGES - nr + 1) / 4 * 4;

	extent->bytes = nr * PROG_PAGE;
	extent->elements = extent->bytes;
	return PROG_ARENA + first * PROG_PAGE;
}

static void array_fill(struct gen *gen, const struct lang_type *type, uint64_t count, int place,
		       unsigned int offset)
{
	const struct lang_type *elem = type->elem;
	struct lang_field field = { .name = "", .type = type->elem };
	uint64_t i;

	for (i = 0; i < count; i++, offset += (unsigned int)elem->size) {
		if (elem->kind == LANG_STRUCT)
			fields_generate(gen, elem->structure->fields, elem->structure->nr,
					elem->size, place, offset);
		else
			fields_generate(gen, &field, 1, 0, place, offset);
	}
}

/* What a pointer points to; its size. */
static struct extent pointee_generate(struct gen *gen, const struct lang_type *elem, int place)
{
	struct prog_blob *blob = &gen->call->blobs[place];
	struct extent extent = { .bytes = elem->size, .elements = 1 };

	if (elem->kind == LANG_ARRAY) {
		extent.elements = rng_between(gen->rng, elem->low, elem->high);
		extent.bytes = extent.elements * elem->elem->size;
	}
	blob->size = (unsigned int)extent.bytes;
	memset(blob->bytes, 0, sizeof(blob->bytes));
	if (elem->kind == LANG_ARRAY)
		array_fill(gen, elem, extent.elements, place, 0);
	else if (elem->kind == LANG_STRUCT)
		fields_generate(gen, elem->structure->fields, elem->structure->nr, elem->size,
				place, 0);
	else if (elem->kind == LANG_STRING)
		memcpy(blob->bytes, elem->name, elem->size);
	return extent;
}

static void pointer_generate(struct gen *gen, const struct lang_type *type, int place,
			     unsigned int offset, struct extent *extent)
{
	int blob = (int)gen->call->nr_blobs;

	*extent = (struct extent){ 0 };
	if (blob == PROG_BLOBS || (place != PROG_ARGS && rng_one_in(gen->rng, 8))) {
		put(gen, place, offset, type->size, 0);
		return;
	}
	gen->call->nr_blobs++;
	*extent = pointee_generate(gen, type->elem, blob);
	patch_add(gen, PROG_POINTER, place, offset, type->size, blob);
}

static void field_generate(struct gen *gen, const struct lang_type *type, int place,
			   unsigned int offset, struct extent *extent)
{
	uint64_t value = 0;

	switch (type->kind) {
	case LANG_INT:
		value = int_generate(gen, type);
		break;
	case LANG_CONST:
		value = type->low;
		break;
	case LANG_FLAGS:
		value = flags_generate(gen, type->set);
		break;
	case LANG_VMA:
		value = vma_generate(gen, type, extent);
		break;
	case LANG_RESOURCE:
		resource_generate(gen, type, place, offset);
		return;
	case LANG_PTR:
		pointer_generate(gen, type, place, offset, extent);
		return;
	case LANG_ARRAY:
		array_fill(gen, type, type->low, place, offset);
		return;
	default:
		return;		/* lengths come last */
	}
	put(gen, place, offset, type->size, value);
}

static uint64_t length_of(const struct lang_type *type, const struct lang_field *fields,
			  unsigned int nr, size_t parent_size, const struct extent *extents)
{
	unsigned int i;

	if (!strcmp(type->name, "parent"))
		return parent_size;
	for (i = 0; i < nr; i++)
		if (!strcmp(fields[i].name, type->name))
			return type->kind == LANG_LEN ? extents[i].elements : extents[i].bytes;
	return 0;
}

static unsigned int field_offset(const struct lang_field *field, unsigned int i, int place,
				 unsigned int base)
{
	return place == PROG_ARGS ? i : base + (unsigned int)field->offset;
}

/* Members of a structure at @base of a blob, or a call's arguments. */
static void fields_generate(struct gen *gen, const struct lang_field *fields, unsigned int nr,
			    size_t parent_size, int place, unsigned int base)
{
	struct extent extents[LANG_FIELDS] = { { 0 } };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		field_generate(gen, fields[i].type, place, field_offset(&fields[i], i, place, base),
			       &extents[i]);
	}
	for (i = 0; i < nr; i++) {
		const struct lang_type *type = fields[i].type;

		if (type->kind == LANG_LEN || type->kind == LANG_BYTESIZE)
			put(gen, place, field_offset(&fields[i], i, place, base), type->size,
			    length_of(type, fields, nr, parent_size, extents));
	}
}

static void call_generate(struct gen *gen, const struct lang_call *call)
{
	struct prog *prog = gen->prog;

	gen->call = &prog->calls[prog->nr];
	gen->call->call = call;
	memset(gen->call->args, 0, sizeof(gen->call->args));
	gen->call->nr_blobs = 0;
	gen->call->nr_patches = 0;
	gen->call->mutated = false;
	gen->call->in_arena = call->nr && rng_one_in(gen->rng, 24);
	fields_generate(gen, call->args, call->nr, 0, PROG_ARGS, 0);
	prog->nr++;
}

static const struct lang_call *call_choose(struct gen *gen)
{
	const struct lang *lang = gen->lang;
	const struct lang_call *call;
	unsigned int tries = DEVICE_WEIGHT;

	do {
		call = &lang->calls[rng_below(gen->rng, lang->nr_calls)];
		/* Rarely what nothing comes after. */
		if (strstr(call->name, "_exi") || strstr(call->name, "_exec"))
			call = &lang->calls[rng_below(gen->rng, lang->nr_calls)];
	} while (--tries && !lang_call_is(call, "ioctl"));
	return call;
}

/* The first calls open the device and watch something, or nothing would happen. */
void prog_generate(struct prog *prog, const struct lang *lang, struct rng *rng)
{
	struct gen gen = { .lang = lang, .rng = rng, .prog = prog };
	unsigned int nr = (unsigned int)rng_between(rng, 4, PROG_CALLS);
	unsigned int i;

	prog->nr = 0;
	prog->nr_threads = 1 + (unsigned int)rng_below(rng, 3);
	call_generate(&gen, &lang->calls[0]);
	for (i = 0; i < lang->nr_calls; i++)
		if (strstr(lang->calls[i].name, "_WATCH_ADD"))
			call_generate(&gen, &lang->calls[i]);
	while (prog->nr < nr)
		call_generate(&gen, call_choose(&gen));
}
