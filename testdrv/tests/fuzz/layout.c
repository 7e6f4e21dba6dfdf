// SPDX-License-Identifier: MIT
/* After parsing: are all names there, what do structures look like, see lang.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "constant.h"
#include "lang.h"

static void fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

static void fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

bool lang_call_is(const struct lang_call *call, const char *base)
{
	size_t length = strlen(base);

	return !strncmp(call->name, base, length) &&
	       (call->name[length] == '$' || !call->name[length]);
}

const struct lang_struct *lang_find_struct(const struct lang *lang, const char *name)
{
	unsigned int i;

	for (i = 0; i < lang->nr_structs; i++)
		if (!strcmp(lang->structs[i].name, name))
			return &lang->structs[i];
	return NULL;
}

const struct lang_field *lang_find_field(const struct lang_struct *structure, const char *name)
{
	unsigned int i;

	for (i = 0; i < structure->nr; i++)
		if (!strcmp(structure->fields[i].name, name))
			return &structure->fields[i];
	return NULL;
}

const struct lang_struct *lang_argument(const struct lang_call *call)
{
	const struct lang_type *type = call->nr ? call->args[call->nr - 1].type : NULL;

	if (!type || type->kind != LANG_PTR)
		return NULL;
	return type->elem->structure;
}

static void struct_layout(const char *file, struct lang_struct *structure);

/* Bytes of a member. Alignment is that of the ABI: 64 bits to 8, for all callers. */
static void type_layout(const char *file, struct lang_type *type)
{
	type->align = type->size;
	if (type->kind == LANG_STRUCT) {
		struct_layout(file, type->structure);
		type->size = type->structure->size;
		type->align = type->structure->align;
	} else if (type->kind == LANG_ARRAY) {
		type_layout(file, type->elem);
		type->align = type->elem->align;
		type->size = type->low == type->high ? type->low * type->elem->size : 0;
	} else if (type->kind == LANG_PTR) {
		type_layout(file, type->elem);
	}
}

static void struct_layout(const char *file, struct lang_struct *structure)
{
	size_t at = 0;
	unsigned int i;

	if (structure->size)
		return;
	if (!structure->nr)
		fail(file, structure->line, "%s is not defined", structure->name);
	structure->align = 1;
	for (i = 0; i < structure->nr; i++) {
		struct lang_field *field = &structure->fields[i];
		struct lang_type *type = field->type;

		type_layout(file, type);
		if (!type->size)
			fail(file, structure->line, "%s.%s has no fixed size",
			     structure->name, field->name);
		at = (at + type->align - 1) / type->align * type->align;
		field->offset = at;
		at += type->size;
		if (type->align > structure->align)
			structure->align = type->align;
	}
	structure->size = (at + structure->align - 1) / structure->align * structure->align;
}

static void set_resolve(const struct lang *lang, const char *file, struct lang_set *set)
{
	unsigned int i;

	if (!set->nr)
		fail(file, set->line, "%s is not defined", set->name);
	set->bits = true;
	for (i = 0; i < set->nr; i++) {
		uint64_t value;

		if (!constant_find(lang, set->names[i], &value))
			fail(file, set->line, "%s is not known", set->names[i]);
		set->values[i] = value;
		set->bits &= !(value & (value - 1));
		set->all |= value;
	}
}

/* Every member that len or bytesize speaks of is there. */
static void lengths_check(const char *file, const struct lang_struct *structure)
{
	unsigned int i;

	for (i = 0; i < structure->nr; i++) {
		const struct lang_type *type = structure->fields[i].type;

		if ((type->kind == LANG_LEN || type->kind == LANG_BYTESIZE) &&
		    strcmp(type->name, "parent") != 0 && !lang_find_field(structure, type->name))
			fail(file, structure->line, "%s has no %s", structure->name, type->name);
	}
}

static void const_resolve(const struct lang *lang, const char *file, struct lang_type *type)
{
	if (type->kind != LANG_CONST)
		return;
	if (type->name[0] && !constant_find(lang, type->name, &type->low))
		fail(file, 0, "%s is not known", type->name);
	type->high = type->low;
}

/* The resource that a call makes: what it returns, or a member that comes out. */
static void made_resolve(struct lang_call *call)
{
	const struct lang_struct *structure = lang_argument(call);
	unsigned int i;

	call->made = call->ret;
	for (i = 0; structure && i < structure->nr && !call->made; i++)
		if (structure->fields[i].dir & LANG_OUT)
			call->made = structure->fields[i].type->resource;
}

void lang_layout(struct lang *lang, const char *file)
{
	unsigned int i, j;

	for (i = 0; i < lang->nr_structs; i++)
		struct_layout(file, &lang->structs[i]);
	for (i = 0; i < lang->nr_structs; i++)
		lengths_check(file, &lang->structs[i]);
	for (i = 0; i < lang->nr_sets; i++)
		set_resolve(lang, file, &lang->sets[i]);
	for (i = 0; i < lang->nr_types; i++)
		const_resolve(lang, file, &lang->types[i]);
	for (i = 0; i < lang->nr_calls; i++) {
		for (j = 0; j < lang->calls[i].nr; j++)
			type_layout(file, lang->calls[i].args[j].type);
		made_resolve(&lang->calls[i]);
	}
}
