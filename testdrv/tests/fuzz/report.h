/* SPDX-License-Identifier: MIT */
/* What all processes of a run have seen: counts, and the first failure of each kind. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "header.h"
#include "prog.h"

/* What can be wrong */
enum report_kind {
	REPORT_ERRNO,		/* an error that is not documented */
	REPORT_ACCEPTED,	/* success of what is to be refused */
	REPORT_GENERATION,	/* one went backwards */
	REPORT_TOLD,		/* something that this user is not to know */
	REPORT_DIED,		/* a process that fell, or cannot be killed */
	REPORT_KINDS,
};

struct report {
	uint64_t programs;
	uint64_t killed;	/* that took too long: a read() without an event */
	uint64_t failed[REPORT_KINDS];
	uint64_t calls[LANG_CALLS][HEADER_ERRNOS];	/* by errno; [0]: success */
	bool printed;		/* one program is enough to read */
	bool quiet;
};

/* Shared by the processes that are forked from now on; NULL if memory is short. */
struct report *report_make(void);

void report_call(struct report *report, unsigned int call, long ret);

/* Counts, and prints the first one: @format and the program. */
void report_fail(struct report *report, enum report_kind kind, const struct prog *prog,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One line for each call: how often, and with which errors. */
void report_print(const struct report *report, const struct lang *lang);

#endif /* REPORT_H */
