/* SPDX-License-Identifier: MIT */
/* Counters of results and of defects, which all processes of the fuzzer share. */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "prog.h"

enum defect {
	DEFECT_ERRNO,		/* an undocumented error */
	DEFECT_ACCEPTED,	/* success although the input is bad, or a bad output */
	DEFECT_GENERATION,	/* a generation went backwards */
	DEFECT_TOLD,		/* output or success without a capability */
	DEFECT_DIED,		/* a process crashed, or cannot be killed */
	TALLY_DEFECTS,
};

struct tally {
	uint64_t programs;
	uint64_t killed;	/* programs that took too much time */
	uint64_t failed[TALLY_DEFECTS];
	uint64_t calls[ABI_CALLS][ABI_ERRNOS];	/* by errno; 0: success */
	bool printed;		/* the program of the first defect */
	bool quiet;
};

/* Shared by the processes that are forked from now on; NULL if memory is short. */
struct tally *tally_make(void);

void tally_call(struct tally *tally, const struct abi_call *call, long ret);

/* Count a defect. Print @format of the first three, and the program of the first. */
void tally_defect(struct tally *tally, enum defect kind, const struct prog *prog,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Print a line for each call: how often the call succeeded, and failed by errno. */
void tally_print(const struct tally *tally);

#endif /* TALLY_H */
