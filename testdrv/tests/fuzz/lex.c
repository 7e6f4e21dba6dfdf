// SPDX-License-Identifier: MIT
/* See lex.h. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lex.h"

void lex_fail(const struct lex *lex, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", lex->file, lex->line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static int name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Take what lies between the token's begin and @end. */
static void lex_take(struct lex *lex, enum lex_kind kind, const char *begin, const char *end)
{
	size_t length = (size_t)(end - begin);

	if (length >= sizeof(lex->text))
		lex_fail(lex, "too long");
	memcpy(lex->text, begin, length);
	lex->text[length] = '\0';
	lex->kind = kind;
	lex->at = end;
}

static void lex_number(struct lex *lex, const char *at)
{
	char *end;

	lex->number = *at == '-' ? -strtoull(at + 1, &end, 0) : strtoull(at, &end, 0);
	if (name_char(*end))
		lex_fail(lex, "no number: %.16s", at);
	lex_take(lex, LEX_NUMBER, at, end);
}

static void lex_string(struct lex *lex, const char *at)
{
	const char *end = strpbrk(at + 1, "\"\n");

	if (!end || *end == '\n')
		lex_fail(lex, "a string without an end");
	lex_take(lex, LEX_STRING, at + 1, end);
	lex->at = end + 1;
}

void lex_next(struct lex *lex)
{
	const char *at = lex->at, *end;

	lex->line += lex->kind == LEX_NEWLINE;
	at += strspn(at, " \t");
	if (*at == '#')
		at += strcspn(at, "\n");
	if (!*at) {
		lex_take(lex, LEX_END, at, at);
	} else if (*at == '\n') {
		lex_take(lex, LEX_NEWLINE, at, at + 1);
	} else if (isdigit((unsigned char)*at) || *at == '-') {
		lex_number(lex, at);
	} else if (*at == '"') {
		lex_string(lex, at);
	} else if (name_char(*at)) {
		for (end = at; name_char(*end); end++)
			;
		lex_take(lex, LEX_NAME, at, end);
	} else {
		lex_take(lex, LEX_SIGN, at, at + 1);
	}
}

void lex_begin(struct lex *lex, const char *file, const char *text)
{
	*lex = (struct lex){ .file = file, .at = text, .line = 1 };
}

void lex_rest(struct lex *lex)
{
	const char *at = lex->at + strspn(lex->at, " \t");

	lex_take(lex, LEX_NEWLINE, at, at + strcspn(at, "\n"));
	if (*lex->at)
		lex->at++;
}

int lex_accept(struct lex *lex, char sign)
{
	if (lex->kind != LEX_SIGN || lex->text[0] != sign)
		return 0;
	lex_next(lex);
	return 1;
}

void lex_expect(struct lex *lex, char sign)
{
	if (!lex_accept(lex, sign))
		lex_fail(lex, "'%c' expected, not '%s'", sign, lex->text);
}
