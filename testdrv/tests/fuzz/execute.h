/* SPDX-License-Identifier: MIT */
/*
 * Execute a program: in a process with an arena, threads, and files
 *
 * Each descriptor that a call makes gets a number of its own: FIRST_FD + the number of the
 * call. When another thread closes the descriptor, the number is never given to another
 * file, so the mapped generations of the number stay those of the file.
 */
#ifndef EXECUTE_H
#define EXECUTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/pinwatch.h>

#include "prog.h"
#include "tally.h"

#define FIRST_FD		64	/* + number of the call */
#define EXECUTION_IDS		64	/* watch ids with checked generations */
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
	enum defect inject;	/* defect with a wrong check, or TALLY_DEFECTS */
	struct attempt_result results[PROG_CALLS];
	const struct pinwatch_gen *words[PROG_CALLS];	/* of FIRST_FD + i */
	pid_t children[EXECUTION_CHILDREN];
	unsigned int nr_children;
	unsigned int depth;	/* of forks */
};

/* A call by a thread: a call of the program, with all patches applied */
struct attempt {
	struct execution *execution;
	unsigned int index;	/* in the program */
	const struct prog_call *prog;
	uint64_t args[ABI_ARGS];
	struct prog_blob blobs[PROG_BLOBS];	/* before the call */
	uint8_t *memory[PROG_BLOBS];		/* addresses of the blobs */
	uint64_t before[EXECUTION_IDS];
};

/* Execute the program in the calling process, and end the process. */
void execution_start(struct execution *execution) __attribute__((noreturn));

/* Make the calls from @index to the last, in the calling thread. */
void execution_rest(struct execution *execution, unsigned int index);

/* See generations.c: the mapped generations of each descriptor. */
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
/* The program that call_exec() starts: use the inherited descriptor. */
void execution_after_exec(int fd);

/* See check_result.c: count each defect of the result. */
void attempt_check(const struct attempt *attempt, long ret);
/* A member of the structure of an ioctl after the call; 0 if the structure is shorter */
uint64_t attempt_member(const struct attempt *attempt, const struct abi_struct *structure,
			const char *name, bool *there);

#endif /* EXECUTE_H */
