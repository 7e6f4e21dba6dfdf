/* SPDX-License-Identifier: MIT */
/* The tokens of a description. */
#ifndef LEX_H
#define LEX_H

#include <stdint.h>

enum lex_kind {
	LEX_END,
	LEX_NEWLINE,
	LEX_NAME,
	LEX_NUMBER,
	LEX_STRING,
	LEX_SIGN,	/* one of them, in text[0] */
};

struct lex {
	const char *file;
	const char *at;		/* what comes after the token */
	int line;
	enum lex_kind kind;
	char text[256];
	uint64_t number;
};

/* Before the first token. */
void lex_begin(struct lex *lex, const char *file, const char *text);
void lex_next(struct lex *lex);
/* The rest of the line, in text; the token is the newline then. */
void lex_rest(struct lex *lex);
/* Is the token this sign? If so, go on to the next one. */
int lex_accept(struct lex *lex, char sign);
void lex_expect(struct lex *lex, char sign);
/* A message with the file and the line; ends the program. */
void lex_fail(const struct lex *lex, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

#endif /* LEX_H */
