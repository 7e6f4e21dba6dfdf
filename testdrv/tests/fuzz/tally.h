/* SPDX-License-Identifier: MIT */
/* What all processes of a run have seen: counts, and the first failure of each kind. */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "header.h"
#include "prog.h"

/* What can be wrong */
enum defect {
	DEFECT_ERRNO,		/* an error that is not documented */
	DEFECT_ACCEPTED,	/* success of what is to be refused */
	DEFECT_GENERATION,	/* one went backwards */
	DEFECT_TOLD,		/* something that this user is not to know */
	DEFECT_DIED,		/* a process that fell, or cannot be killed */
	TALLY_DEFECTS,
};

struct tally {
	uint64_t programs;
	uint64_t killed;	/* that took too long: a read() without an event */
	uint64_t failed[TALLY_DEFECTS];
	uint64_t calls[LANG_CALLS][HEADER_ERRNOS];	/* by errno; [0]: success */
	bool printed;		/* one program is enough to read */
	bool quiet;
};

/* Shared by the processes that are forked from now on; NULL if memory is short. */
struct tally *tally_make(void);

void tally_call(struct tally *tally, unsigned int call, long ret);

/* Counts, and prints the first one: @format and the program. */
void tally_defect(struct tally *tally, enum defect kind, const struct prog *prog,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One line for each call: how often, and with which errors. */
void tally_print(const struct tally *tally, const struct lang *lang);

#endif /* TALLY_H */
