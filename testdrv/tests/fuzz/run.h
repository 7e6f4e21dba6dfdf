/* SPDX-License-Identifier: MIT */
/*
 * Running a program: a process of its own with an arena, its threads, and the files
 * that it opened
 *
 * A descriptor gets a number that no other one of the program ever has, so that what
 * is known of a file (its generations) stays true when another thread closes it.
 */
#ifndef RUN_H
#define RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/pinwatch.h>

#include "header.h"
#include "prog.h"
#include "report.h"

#define RUN_FIRST_FD	64	/* and one for each call of the program */
#define RUN_IDS		64	/* whose generations are looked at */
#define RUN_THREADS	3
#define RUN_CHILDREN	8

struct run_result {
	uint64_t value;
	bool made;
};

struct run {
	const struct lang *lang;
	const struct prog *prog;
	struct header *header;
	struct report *report;
	bool privileged;
	enum report_kind bust;	/* judge wrongly, so that it fails so; REPORT_KINDS: not */
	struct run_result results[PROG_CALLS];
	const struct pinwatch_gen *words[PROG_CALLS];	/* of descriptor RUN_FIRST_FD + i */
	pid_t children[RUN_CHILDREN];
	unsigned int nr_children;
	unsigned int depth;	/* of forks */
};

/* A call of a thread: the program's, with all that is known now filled in */
struct run_call {
	struct run *run;
	unsigned int index;	/* in the program */
	const struct prog_call *prog;
	uint64_t args[LANG_ARGS];
	struct prog_blob blobs[PROG_BLOBS];	/* before the call */
	uint8_t *memory[PROG_BLOBS];		/* where they are */
	uint64_t before[RUN_IDS];
};

/* In a process that was forked for it; ends it. */
void run_program(struct run *run) __attribute__((noreturn));

/* The calls from @index on, by this thread alone. */
void run_rest(struct run *run, unsigned int index);

/* See words.c: what is known of the files. */
void run_file_add(struct run *run, unsigned int index, int fd);
void run_files_remap(struct run *run);
const struct pinwatch_gen *run_words(const struct run *run, uint64_t fd);
void run_snapshot(const struct run *run, uint64_t fd, uint64_t *generations);

/* See calls.c: make the call; its result or -errno. */
long run_make(struct run_call *call);
/* See process.c. */
long run_fork(struct run_call *call);
long run_exec(struct run_call *call);
long run_pass(struct run_call *call);
long run_flight(struct run_call *call);
void run_children_end(struct run *run);
/* What the program does that run_exec() started: with the descriptor it inherited. */
int run_after_exec(int fd);

/* See verdict.c: is what came back allowed? */
void run_verdict(const struct run_call *call, long ret);

#endif /* RUN_H */
