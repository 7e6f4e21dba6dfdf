/* SPDX-License-Identifier: MIT */
/*
 * A description of calls in a subset of syzlang: what pinwatch.txt says
 *
 * Statements: include (ignored), define, resource, calls, flags, structures.
 * Types: int8 to int64 with a range, const, flags, len, bytesize, ptr, ptr64,
 * array, string, vma, vma64, resources and structures. Attributes of members:
 * in, out, inout.
 */
#ifndef LANG_H
#define LANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANG_NAME	48	/* bytes of a name */
#define LANG_ARGS	6	/* of a call */
#define LANG_FIELDS	24	/* of a structure */
#define LANG_VALUES	24	/* of a set of flags, special ones of a resource */
#define LANG_CALLS	48
#define LANG_STRUCTS	32
#define LANG_SETS	32
#define LANG_RESOURCES	8
#define LANG_TYPES	256

#define LANG_IN		1U
#define LANG_OUT	2U
#define LANG_INOUT	(LANG_IN | LANG_OUT)

enum lang_kind {
	LANG_INT,	/* low to high */
	LANG_CONST,	/* low */
	LANG_FLAGS,	/* of set */
	LANG_LEN,	/* elements of the member called name */
	LANG_BYTESIZE,	/* its bytes; "parent": those of the structure */
	LANG_PTR,	/* to elem */
	LANG_ARRAY,	/* low to high of elem */
	LANG_STRING,	/* name */
	LANG_VMA,	/* low to high pages */
	LANG_RESOURCE,	/* resource */
	LANG_STRUCT,	/* structure */
};

struct lang_type {
	enum lang_kind kind;
	size_t size;		/* in memory; 0: not fixed */
	size_t align;
	uint64_t low;
	uint64_t high;
	unsigned int dir;	/* LANG_PTR */
	char name[LANG_NAME];
	struct lang_type *elem;
	struct lang_set *set;
	struct lang_resource *resource;
	struct lang_struct *structure;
};

struct lang_field {
	char name[LANG_NAME];
	struct lang_type *type;
	unsigned int dir;	/* 0: as the pointer's */
	size_t offset;		/* of a structure's member */
};

struct lang_struct {
	char name[LANG_NAME];
	struct lang_field fields[LANG_FIELDS];
	unsigned int nr;
	size_t size;		/* 0: not laid out yet */
	size_t align;
	int line;		/* where it was first named */
};

/* Names for values */
struct lang_set {
	char name[LANG_NAME];
	char names[LANG_VALUES][LANG_NAME];
	uint64_t values[LANG_VALUES];
	unsigned int nr;
	uint64_t all;		/* all of them or-ed */
	bool bits;		/* each is one bit, or none */
	int line;
};

struct lang_resource {
	char name[LANG_NAME];
	uint64_t special[LANG_VALUES];
	unsigned int nr;
	size_t size;
};

struct lang_call {
	char name[LANG_NAME];	/* with its variant: ioctl$X */
	struct lang_field args[LANG_ARGS];
	unsigned int nr;
	struct lang_resource *ret;
	struct lang_resource *made;	/* by it: ret, or that of a member that is out */
};

struct lang {
	struct lang_call calls[LANG_CALLS];
	struct lang_struct structs[LANG_STRUCTS];
	struct lang_set sets[LANG_SETS];
	struct lang_resource resources[LANG_RESOURCES];
	struct lang_type types[LANG_TYPES];
	unsigned int nr_calls;
	unsigned int nr_structs;
	unsigned int nr_sets;
	unsigned int nr_resources;
	unsigned int nr_types;
};

/* Parse @text, which errors call @file. Ends the program with a message on one. */
void lang_parse(struct lang *lang, const char *file, const char *text);

/* What stands before the $ of a call's name is @base. */
bool lang_call_is(const struct lang_call *call, const char *base);

const struct lang_struct *lang_find_struct(const struct lang *lang, const char *name);
const struct lang_field *lang_find_field(const struct lang_struct *structure, const char *name);
/* The structure that the last argument points to (or an array of which); NULL. */
const struct lang_struct *lang_argument(const struct lang_call *call);

/* Lay all structures out and give every constant its value; see layout.c. */
void lang_layout(struct lang *lang, const char *file);

#endif /* LANG_H */
