// SPDX-License-Identifier: MIT
/* From the text of a description to struct lang: see lang.h. */
#include <stdio.h>
#include <string.h>

#include "constant.h"
#include "lang.h"
#include "lex.h"

static struct lang_type *type_parse(struct lang *lang, struct lex *lex, size_t size);

/* The token's name into @name, and on. */
static void name_parse(struct lex *lex, char *name)
{
	if (lex->kind != LEX_NAME || strlen(lex->text) >= LANG_NAME)
		lex_fail(lex, "a name expected, not '%s'", lex->text);
	memcpy(name, lex->text, strlen(lex->text) + 1);
	lex_next(lex);
}

/* The next of @nr elements in a table of @max. */
static unsigned int slot(struct lex *lex, unsigned int *nr, unsigned int max, const char *what)
{
	if (*nr == max)
		lex_fail(lex, "more than %u %s", max, what);
	return (*nr)++;
}

static uint64_t number_parse(struct lang *lang, struct lex *lex)
{
	uint64_t value = lex->number;

	if (lex->kind == LEX_NAME) {
		if (!constant_find(lang, lex->text, &value))
			lex_fail(lex, "%s is not known", lex->text);
	} else if (lex->kind != LEX_NUMBER) {
		lex_fail(lex, "a number expected, not '%s'", lex->text);
	}
	lex_next(lex);
	return value;
}

static void range_parse(struct lang *lang, struct lex *lex, struct lang_type *type)
{
	type->low = number_parse(lang, lex);
	type->high = type->low;
	if (lex_accept(lex, ':'))
		type->high = number_parse(lang, lex);
	if (type->high < type->low)
		lex_fail(lex, "a range from high to low");
}

static struct lang_struct *struct_get(struct lang *lang, struct lex *lex, const char *name)
{
	struct lang_struct *structure = (void *)lang_find_struct(lang, name);

	if (structure)
		return structure;
	structure = &lang->structs[slot(lex, &lang->nr_structs, LANG_STRUCTS, "structures")];
	memcpy(structure->name, name, strlen(name) + 1);
	structure->line = lex->line;
	return structure;
}

static struct lang_set *set_get(struct lang *lang, struct lex *lex, const char *name)
{
	struct lang_set *set;
	unsigned int i;

	for (i = 0; i < lang->nr_sets; i++)
		if (!strcmp(lang->sets[i].name, name))
			return &lang->sets[i];
	set = &lang->sets[slot(lex, &lang->nr_sets, LANG_SETS, "sets of flags")];
	memcpy(set->name, name, strlen(name) + 1);
	set->line = lex->line;
	return set;
}

static struct lang_resource *resource_find(struct lang *lang, const char *name)
{
	unsigned int i;

	for (i = 0; i < lang->nr_resources; i++)
		if (!strcmp(lang->resources[i].name, name))
			return &lang->resources[i];
	return NULL;
}

/* Bytes of int8 to int64, and of what syzkaller bases resources on; 0: none of them. */
static size_t int_size(const char *name)
{
	static const struct { const char *name; size_t size; } sizes[] = {
		{ "int8", 1 }, { "int16", 2 }, { "int32", 4 }, { "int64", 8 },
		{ "fd", 4 }, { "pid", 4 },
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (!strcmp(sizes[i].name, name))
			return sizes[i].size;
	return 0;
}

/* ", int32" at the end of a type's arguments; none in a call's argument. */
static void base_parse(struct lex *lex, struct lang_type *type)
{
	char name[LANG_NAME];

	if (!lex_accept(lex, ','))
		return;
	name_parse(lex, name);
	type->size = int_size(name);
	if (!type->size)
		lex_fail(lex, "%s is no integer", name);
}

static unsigned int dir_parse(struct lex *lex)
{
	char name[LANG_NAME];

	name_parse(lex, name);
	if (!strcmp(name, "in"))
		return LANG_IN;
	if (!strcmp(name, "out"))
		return LANG_OUT;
	if (!strcmp(name, "inout"))
		return LANG_INOUT;
	lex_fail(lex, "in, out or inout expected, not %s", name);
}

static void pointer_parse(struct lang *lang, struct lex *lex, struct lang_type *type)
{
	type->kind = LANG_PTR;
	type->dir = dir_parse(lex);
	lex_expect(lex, ',');
	type->elem = type_parse(lang, lex, 8);
}

static void array_parse(struct lang *lang, struct lex *lex, struct lang_type *type)
{
	type->kind = LANG_ARRAY;
	type->size = 0;
	type->elem = type_parse(lang, lex, 8);
	lex_expect(lex, ',');
	range_parse(lang, lex, type);
}

static void string_parse(struct lex *lex, struct lang_type *type)
{
	if (lex->kind != LEX_STRING || strlen(lex->text) >= LANG_NAME)
		lex_fail(lex, "a short string expected");
	type->kind = LANG_STRING;
	memcpy(type->name, lex->text, strlen(lex->text) + 1);
	type->size = strlen(lex->text) + 1;
	lex_next(lex);
}

static void set_name_parse(struct lang *lang, struct lex *lex, struct lang_type *type)
{
	type->kind = LANG_FLAGS;
	name_parse(lex, type->name);
	type->set = set_get(lang, lex, type->name);
	base_parse(lex, type);
}

/* A constant's name may be defined further down: layout.c looks it up. */
static void const_parse(struct lex *lex, struct lang_type *type)
{
	type->kind = LANG_CONST;
	if (lex->kind == LEX_NAME) {
		name_parse(lex, type->name);
	} else if (lex->kind == LEX_NUMBER) {
		type->low = lex->number;
		lex_next(lex);
	} else {
		lex_fail(lex, "a constant expected, not '%s'", lex->text);
	}
	base_parse(lex, type);
}

/* What stands in [] after the name of a type. */
static void arguments_parse(struct lang *lang, struct lex *lex, const char *name,
			    struct lang_type *type)
{
	if (!strcmp(name, "const")) {
		const_parse(lex, type);
	} else if (!strcmp(name, "flags")) {
		set_name_parse(lang, lex, type);
	} else if (!strcmp(name, "len") || !strcmp(name, "bytesize")) {
		type->kind = *name == 'l' ? LANG_LEN : LANG_BYTESIZE;
		name_parse(lex, type->name);
		base_parse(lex, type);
	} else if (!strcmp(name, "ptr") || !strcmp(name, "ptr64")) {
		pointer_parse(lang, lex, type);
	} else if (!strcmp(name, "array")) {
		array_parse(lang, lex, type);
	} else if (!strcmp(name, "string")) {
		string_parse(lex, type);
	} else {
		lex_fail(lex, "%s takes no arguments", name);
	}
}

/* Types that are a name alone. False: it is none. */
static bool plain_type(struct lang *lang, const char *name, struct lang_type *type)
{
	size_t size = int_size(name);

	type->resource = resource_find(lang, name);
	if (size) {
		type->kind = LANG_INT;
		type->size = size;
		type->high = size == 8 ? UINT64_MAX : (1ULL << (8 * size)) - 1;
	} else if (!strcmp(name, "vma") || !strcmp(name, "vma64")) {
		type->kind = LANG_VMA;
		type->low = 1;
		type->high = 16;
	} else if (type->resource) {
		type->kind = LANG_RESOURCE;
		type->size = type->resource->size;
	} else {
		return false;
	}
	return true;
}

/* @size: of integers and pointers that do not say theirs: arguments of calls. */
static struct lang_type *type_parse(struct lang *lang, struct lex *lex, size_t size)
{
	struct lang_type *type = &lang->types[slot(lex, &lang->nr_types, LANG_TYPES, "types")];
	char name[LANG_NAME];
	bool plain;

	name_parse(lex, name);
	type->size = size;
	plain = plain_type(lang, name, type);
	if (lex_accept(lex, '[')) {
		if (plain)
			range_parse(lang, lex, type);
		else
			arguments_parse(lang, lex, name, type);
		lex_expect(lex, ']');
	} else if (!plain) {
		type->kind = LANG_STRUCT;
		type->structure = struct_get(lang, lex, name);
		type->size = 0;
	}
	return type;
}

static void line_end(struct lex *lex)
{
	if (lex->kind != LEX_END && lex->kind != LEX_NEWLINE)
		lex_fail(lex, "the line should end before '%s'", lex->text);
}

static void resource_parse(struct lang *lang, struct lex *lex)
{
	struct lang_resource *resource;
	char base[LANG_NAME];

	resource = &lang->resources[slot(lex, &lang->nr_resources, LANG_RESOURCES, "resources")];
	name_parse(lex, resource->name);
	lex_expect(lex, '[');
	name_parse(lex, base);
	resource->size = int_size(base);
	if (!resource->size)
		lex_fail(lex, "%s is no integer", base);
	lex_expect(lex, ']');
	lex_expect(lex, ':');
	do {
		unsigned int i = slot(lex, &resource->nr, LANG_VALUES, "special values");

		resource->special[i] = number_parse(lang, lex);
	} while (lex_accept(lex, ','));
}

static void define_parse(struct lex *lex)
{
	char name[LANG_NAME];

	if (lex->kind != LEX_NAME || strlen(lex->text) >= sizeof(name))
		lex_fail(lex, "a name expected, not '%s'", lex->text);
	memcpy(name, lex->text, strlen(lex->text) + 1);
	lex_rest(lex);
	constant_define(name, lex->text);
}

static void set_parse(struct lang *lang, struct lex *lex, const char *name)
{
	struct lang_set *set = set_get(lang, lex, name);

	if (set->nr)
		lex_fail(lex, "%s is there already", name);
	do {
		unsigned int i = slot(lex, &set->nr, LANG_VALUES, "values of a set");

		name_parse(lex, set->names[i]);
	} while (lex_accept(lex, ','));
}

static void field_parse(struct lang *lang, struct lex *lex, struct lang_struct *structure)
{
	unsigned int i = slot(lex, &structure->nr, LANG_FIELDS, "members");
	struct lang_field *field = &structure->fields[i];

	name_parse(lex, field->name);
	field->type = type_parse(lang, lex, 8);
	if (lex_accept(lex, '(')) {
		field->dir = dir_parse(lex);
		lex_expect(lex, ')');
	}
	line_end(lex);
	lex_next(lex);
}

static void struct_parse(struct lang *lang, struct lex *lex, const char *name)
{
	struct lang_struct *structure = struct_get(lang, lex, name);

	if (structure->nr)
		lex_fail(lex, "%s is there already", name);
	line_end(lex);
	lex_next(lex);
	while (!lex_accept(lex, '}'))
		field_parse(lang, lex, structure);
	if (!structure->nr)
		lex_fail(lex, "%s has no member", name);
}

static void call_parse(struct lang *lang, struct lex *lex, const char *name)
{
	unsigned int slot_of_call = slot(lex, &lang->nr_calls, LANG_CALLS, "calls");
	struct lang_call *call = &lang->calls[slot_of_call];
	bool more = !lex_accept(lex, ')');

	memcpy(call->name, name, strlen(name) + 1);
	while (more) {
		unsigned int i = slot(lex, &call->nr, LANG_ARGS, "arguments");

		name_parse(lex, call->args[i].name);
		call->args[i].type = type_parse(lang, lex, 8);
		more = lex_accept(lex, ',');
		if (!more)
			lex_expect(lex, ')');
	}
	if (lex->kind != LEX_NAME)
		return;
	call->ret = resource_find(lang, lex->text);
	if (!call->ret)
		lex_fail(lex, "%s is no resource", lex->text);
	lex_next(lex);
}

static void statement_parse(struct lang *lang, struct lex *lex)
{
	char name[LANG_NAME];

	name_parse(lex, name);
	if (!strcmp(name, "include"))
		lex_rest(lex);
	else if (!strcmp(name, "define"))
		define_parse(lex);
	else if (!strcmp(name, "resource"))
		resource_parse(lang, lex);
	else if (lex_accept(lex, '('))
		call_parse(lang, lex, name);
	else if (lex_accept(lex, '='))
		set_parse(lang, lex, name);
	else if (lex_accept(lex, '{'))
		struct_parse(lang, lex, name);
	else
		lex_fail(lex, "'%s' after %s is no statement", lex->text, name);
	line_end(lex);
}

void lang_parse(struct lang *lang, const char *file, const char *text)
{
	struct lex lex;

	lex_begin(&lex, file, text);
	for (lex_next(&lex); lex.kind != LEX_END; lex_next(&lex))
		if (lex.kind != LEX_NEWLINE)
			statement_parse(lang, &lex);
	lang_layout(lang, file);
}
