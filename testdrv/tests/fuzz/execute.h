/* SPDX-License-Identifier: MIT */
/*
 * Running a program: a process of its own with an arena, its threads, and the files
 * that it opened
 *
 * A descriptor gets a number that no other one of the program ever has, so that what
 * is known of a file (its generations) stays true when another thread closes it.
 */
#ifndef EXECUTE_H
#define EXECUTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/pinwatch.h>

#include "prog.h"
#include "tally.h"

#define FIRST_FD	64	/* and one for each call of the program */
#define EXECUTION_IDS		64	/* whose generations are looked at */
#define EXECUTION_THREADS	3
#define EXECUTION_CHILDREN	8

struct attempt_result {
	uint64_t value;
	bool made;
};

struct execution {
	const struct prog *prog;
	struct tally *tally;
	bool privileged;
	enum defect inject;	/* judge wrongly, so that it fails so; TALLY_DEFECTS: not */
	struct attempt_result results[PROG_CALLS];
	const struct pinwatch_gen *words[PROG_CALLS];	/* of descriptor FIRST_FD + i */
	pid_t children[EXECUTION_CHILDREN];
	unsigned int nr_children;
	unsigned int depth;	/* of forks */
};

/* A call of a thread: the program's, with all that is known now filled in */
struct attempt {
	struct execution *execution;
	unsigned int index;	/* in the program */
	const struct prog_call *prog;
	uint64_t args[ABI_ARGS];
	struct prog_blob blobs[PROG_BLOBS];	/* before the call */
	uint8_t *memory[PROG_BLOBS];		/* where they are */
	uint64_t before[EXECUTION_IDS];
};

/* In a process that was forked for it; ends it. */
void execution_start(struct execution *execution) __attribute__((noreturn));

/* The calls from @index on, by this thread alone. */
void execution_rest(struct execution *execution, unsigned int index);

/* See generations.c: what is known of the files. */
void generations_add(struct execution *execution, unsigned int index, int fd);
void generations_remap(struct execution *execution);
const struct pinwatch_gen *generations_find(const struct execution *execution, uint64_t fd);
void generations_read(const struct execution *execution, uint64_t fd, uint64_t *generations);

/* See process.c: calls of the table, struct abi_call.make. */
long call_fork(struct attempt *attempt);
long call_exec(struct attempt *attempt);
long call_pass(struct attempt *attempt);
long call_flight(struct attempt *attempt);
void execution_children_end(struct execution *execution);
/* What the program does that call_exec() started: with the descriptor it inherited. */
int execution_after_exec(int fd);

/* See check_result.c: count each defect of the result. */
void attempt_check(const struct attempt *attempt, long ret);
/* A member of the structure that the last argument points to, as it is after the call */
uint64_t attempt_member(const struct attempt *attempt, const struct abi_struct *structure,
			const char *name, bool *there);

#endif /* EXECUTE_H */
