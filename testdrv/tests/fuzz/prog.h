/* SPDX-License-Identifier: MIT */
/*
 * Programs: calls with their arguments, made from a seed and the tables of abi.h
 *
 * A blob is the memory that a pointer points to. A patch is a value that is not known
 * before the program runs: the result of an earlier call, or the address of a blob.
 */
#ifndef PROG_H
#define PROG_H

#include <stdio.h>

#include "abi.h"
#include "rng.h"

#define PROG_CALLS	40
#define PROG_BLOBS	3
#define PROG_BLOB_MAX	1536
#define PROG_PATCHES	8
#define PROG_ARGS	(-1)	/* prog_patch.place: the arguments themselves */
#define PROG_NO_CALL	(-1)	/* prog_patch.source: keep the value */

/* The pages that programs watch and change, the same in every program */
#define PROG_ARENA	0x20000000UL
#define PROG_PAGES	48U
#define PROG_PAGE	4096UL

struct prog_blob {
	unsigned int size;
	uint8_t bytes[PROG_BLOB_MAX];
};

enum prog_patch_kind {
	PROG_RESOURCE,	/* the result of call number source */
	PROG_POINTER,	/* the address of blob number source */
};

struct prog_patch {
	enum prog_patch_kind kind;
	int place;		/* a blob, or PROG_ARGS */
	unsigned int offset;	/* bytes in the blob, or number of the argument */
	unsigned int size;
	int source;
};

struct prog_call {
	const struct abi_call *call;
	uint64_t args[ABI_ARGS];
	struct prog_blob blobs[PROG_BLOBS];
	struct prog_patch patches[PROG_PATCHES];
	unsigned int nr_blobs;
	unsigned int nr_patches;
	bool mutated;		/* may break the rules of the tables */
	bool in_arena;		/* the blobs lie in the arena */
};

struct prog {
	struct prog_call calls[PROG_CALLS];
	unsigned int nr;
	unsigned int nr_threads;
	unsigned int worker;	/* with @index: the argument of --only */
	uint64_t index;
};

void prog_generate(struct prog *prog, struct rng *rng);

/* Change some calls at random: see mutate.c. */
void prog_mutate(struct prog *prog, struct rng *rng);

/* A line for each call */
void prog_print(const struct prog *prog, FILE *file);

/* A value of @size bytes at @at. Of more than 8 bytes only the first 8 count. */
void prog_store(void *at, size_t size, uint64_t value);
uint64_t prog_load(const void *at, size_t size);

#endif /* PROG_H */
