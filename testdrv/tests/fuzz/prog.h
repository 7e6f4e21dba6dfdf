/* SPDX-License-Identifier: MIT */
/*
 * Programs: calls with their arguments, as a seed makes them from a description
 *
 * A blob is the memory that a pointer argument points to. What is not known before
 * the program runs is a patch: the result of an earlier call, the address of a blob.
 */
#ifndef PROG_H
#define PROG_H

#include <stdio.h>

#include "lang.h"
#include "rng.h"

#define PROG_CALLS	40
#define PROG_BLOBS	3
#define PROG_BLOB_MAX	1536
#define PROG_PATCHES	8
#define PROG_ARGS	(-1)	/* prog_patch.place: the arguments themselves */
#define PROG_NO_CALL	(-1)	/* prog_patch.source: none, the value that stands there */

/* The pages that vma's are of, the same in every program */
#define PROG_ARENA	0x20000000UL
#define PROG_PAGES	48U
#define PROG_PAGE	4096UL

struct prog_blob {
	unsigned int size;
	uint8_t bytes[PROG_BLOB_MAX];
};

enum prog_patch_kind {
	PROG_RESOURCE,	/* what call number source made */
	PROG_POINTER,	/* the address of blob number source */
};

struct prog_patch {
	enum prog_patch_kind kind;
	int place;		/* a blob, or PROG_ARGS */
	unsigned int offset;	/* bytes in the blob, or which argument */
	unsigned int size;
	int source;
};

struct prog_call {
	const struct lang_call *call;
	uint64_t args[LANG_ARGS];
	struct prog_blob blobs[PROG_BLOBS];
	struct prog_patch patches[PROG_PATCHES];
	unsigned int nr_blobs;
	unsigned int nr_patches;
	bool mutated;		/* not as the description has it */
	bool in_arena;		/* its blobs lie in the arena */
};

struct prog {
	struct prog_call calls[PROG_CALLS];
	unsigned int nr;
	unsigned int nr_threads;
};

void prog_generate(struct prog *prog, const struct lang *lang, struct rng *rng);

/* Break some of it: see mutate.c. */
void prog_mutate(struct prog *prog, struct rng *rng);

/* As syzkaller's programs are written, nearly. */
void prog_print(const struct prog *prog, FILE *file);

/* A value of a type where it is stored. */
void prog_store(void *at, size_t size, uint64_t value);
uint64_t prog_load(const void *at, size_t size);

#endif /* PROG_H */
