// SPDX-License-Identifier: MIT
/* See constant.h. An expression has numbers, names, (), <<, | and _IOWR(). */
#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "constant.h"
#include "lang.h"
#include "text.h"

#define MAX_DEFINES	16

/* Newer than some C libraries */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

struct define {
	char name[LANG_NAME];
	char expression[128];
};

struct libc_constant {
	const char *name;
	uint64_t value;
};

#define LIBC(name)	{ #name, (uint64_t)(name) }

static const struct libc_constant libc_constants[] = {
	LIBC(AT_FDCWD), LIBC(O_RDWR), LIBC(O_RDONLY), LIBC(O_WRONLY), LIBC(O_NONBLOCK),
	LIBC(O_CLOEXEC), LIBC(PROT_NONE), LIBC(PROT_READ), LIBC(PROT_WRITE),
	LIBC(MAP_SHARED), LIBC(MAP_PRIVATE), LIBC(MAP_FIXED), LIBC(MAP_ANONYMOUS),
	LIBC(MAP_POPULATE), LIBC(MREMAP_MAYMOVE), LIBC(MREMAP_FIXED),
	LIBC(MADV_DONTNEED), LIBC(MADV_FREE), LIBC(MADV_REMOVE), LIBC(MADV_DONTFORK),
	LIBC(MADV_DOFORK), LIBC(MADV_WIPEONFORK), LIBC(MADV_KEEPONFORK),
	LIBC(MADV_HUGEPAGE), LIBC(MADV_NOHUGEPAGE), LIBC(MADV_COLLAPSE),
	LIBC(MADV_MERGEABLE), LIBC(MADV_UNMERGEABLE), LIBC(MADV_COLD), LIBC(MADV_PAGEOUT),
	LIBC(MADV_POPULATE_READ), LIBC(MADV_POPULATE_WRITE),
	LIBC(POLLIN), LIBC(POLLOUT), LIBC(POLLPRI),
};

static struct define defines[MAX_DEFINES];
static unsigned int nr_defines;

struct expression {
	const struct lang *lang;
	const char *at;
	bool bad;
	int depth;
};

static uint64_t expression_or(struct expression *e);

void constant_define(const char *name, const char *expression)
{
	struct define *define = &defines[nr_defines];

	if (nr_defines == MAX_DEFINES) {
		fprintf(stderr, "more than %d defines\n", MAX_DEFINES);
		exit(1);
	}
	snprintf(define->name, sizeof(define->name), "%s", name);
	snprintf(define->expression, sizeof(define->expression), "%s", expression);
	nr_defines++;
}

static void skip_space(struct expression *e)
{
	while (isspace((unsigned char)*e->at) && *e->at != '\n')
		e->at++;
}

static bool accept(struct expression *e, const char *sign)
{
	skip_space(e);
	if (strncmp(e->at, sign, strlen(sign)) != 0)
		return false;
	e->at += strlen(sign);
	return true;
}

static void name_take(struct expression *e, char *name)
{
	size_t n = 0;

	skip_space(e);
	while ((isalnum((unsigned char)*e->at) || *e->at == '_') && n < LANG_NAME - 1)
		name[n++] = *e->at++;
	name[n] = '\0';
}

/* "(magic, number, struct name)" */
static uint64_t expression_iowr(struct expression *e)
{
	const struct lang_struct *structure;
	char name[LANG_NAME];
	uint64_t magic, nr;

	e->bad |= !accept(e, "(");
	magic = expression_or(e);
	e->bad |= !accept(e, ",");
	nr = expression_or(e);
	e->bad |= !accept(e, ",") || !accept(e, "struct ");
	name_take(e, name);
	e->bad |= !accept(e, ")");
	structure = lang_find_struct(e->lang, name);
	e->bad |= !structure;
	return structure ? _IOC(_IOC_READ | _IOC_WRITE, magic, nr, structure->size) : 0;
}

static uint64_t expression_name(struct expression *e)
{
	char name[LANG_NAME];
	uint64_t value = 0;

	name_take(e, name);
	if (!strcmp(name, "_IOWR"))
		return expression_iowr(e);
	if (!name[0] || e->depth > 4 || !constant_find(e->lang, name, &value))
		e->bad = true;
	return value;
}

static uint64_t expression_atom(struct expression *e)
{
	uint64_t value;
	char *end;

	skip_space(e);
	if (accept(e, "(")) {
		value = expression_or(e);
		e->bad |= !accept(e, ")");
		return value;
	}
	if (!isdigit((unsigned char)*e->at))
		return expression_name(e);
	value = strtoull(e->at, &end, 0);
	e->at = end + strspn(end, "ULul");
	return value;
}

static uint64_t expression_shift(struct expression *e)
{
	uint64_t value = expression_atom(e);

	while (!e->bad && accept(e, "<<"))
		value <<= expression_atom(e) & 63;
	return value;
}

static uint64_t expression_or(struct expression *e)
{
	uint64_t value = expression_shift(e);

	while (!e->bad && accept(e, "|"))
		value |= expression_shift(e);
	return value;
}

static bool evaluate(const struct lang *lang, const char *text, uint64_t *value)
{
	static _Thread_local int depth;
	struct expression e = { .lang = lang, .at = text, .depth = depth };

	depth++;
	*value = expression_or(&e);
	depth--;
	return !e.bad;
}

/* What stands after "#define NAME" in the header; NULL. */
static const char *header_find(const char *name)
{
	size_t length = strlen(name);
	const char *at = text_header;

	while ((at = strstr(at, "#define "))) {
		at += strlen("#define ");
		if (!strncmp(at, name, length) && (at[length] == ' ' || at[length] == '\t'))
			return at + length;
	}
	return NULL;
}

bool constant_find(const struct lang *lang, const char *name, uint64_t *value)
{
	const char *text = header_find(name);
	unsigned int i;

	if (text)
		return evaluate(lang, text, value);
	for (i = 0; i < nr_defines; i++)
		if (!strcmp(defines[i].name, name))
			return evaluate(lang, defines[i].expression, value);
	for (i = 0; i < sizeof(libc_constants) / sizeof(libc_constants[0]); i++) {
		if (!strcmp(libc_constants[i].name, name)) {
			*value = libc_constants[i].value;
			return true;
		}
	}
	return false;
}
