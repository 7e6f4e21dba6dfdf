// SPDX-License-Identifier: MIT
/*
 * Mutate programs: values at the edges, flipped bits, bad pointers, and ioctl numbers of
 * other sizes
 */
#include <string.h>
#include <sys/ioctl.h>

#include "prog.h"

#define TAIL	16U	/* bytes of members of a newer ABI */

static uint64_t edge(struct rng *rng)
{
	static const uint64_t edges[] = {
		0, 1, 2, 7, 4095, 4096, 4097, PROG_ARENA, PROG_ARENA + 4095,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7ffffffff000, 0x800000000000, 1ULL << 63, (1ULL << 63) - 1,
		UINT64_MAX, UINT64_MAX - 4095, UINT64_MAX - 1,
	};

	return edges[rng_below(rng, sizeof(edges) / sizeof(edges[0]))];
}

/* Unmapped, unaligned and kernel addresses */
static uint64_t wild_pointer(struct rng *rng)
{
	static const uint64_t pointers[] = {
		0, 1, 4095, PROG_ARENA, PROG_ARENA + PROG_PAGE - 4,
		PROG_ARENA + PROG_PAGES * PROG_PAGE, 0x7ffffffff000, 0xffff888000000000,
		0xffffffff81000000, UINT64_MAX, UINT64_MAX - 7,
	};

	return pointers[rng_below(rng, sizeof(pointers) / sizeof(pointers[0]))];
}

static struct prog_blob *blob_choose(struct prog_call *call, struct rng *rng)
{
	return call->nr_blobs ? &call->blobs[rng_below(rng, call->nr_blobs)] : NULL;
}

static void flip_bits(struct prog_call *call, struct rng *rng)
{
	struct prog_blob *blob = blob_choose(call, rng);

	if (blob && blob->size)
		blob->bytes[rng_below(rng, blob->size)] ^= 1 << rng_below(rng, 8);
}

/* In a word of a blob */
static void set_edge(struct prog_call *call, struct rng *rng)
{
	struct prog_blob *blob = blob_choose(call, rng);
	size_t size = rng_one_in(rng, 2) ? 4 : 8;

	if (blob && blob->size >= size)
		prog_store(blob->bytes + rng_below(rng, blob->size / size) * size, size, edge(rng));
}

/* The caller has a longer, or a shorter, structure than the kernel. */
static void resize(struct prog_call *call, struct rng *rng)
{
	struct prog_blob *blob = &call->blobs[0];
	unsigned int size = blob->size, nr;

	if (!call->call->request || !call->nr_blobs)
		return;
	if (rng_one_in(rng, 3))
		size = (unsigned int)rng_below(rng, 256);
	else if (rng_one_in(rng, 2) && size < PROG_BLOB_MAX - TAIL)
		size += TAIL;
	else if (size >= 8)
		size -= 8;
	nr = size > blob->size ? size - blob->size : 0;
	memset(blob->bytes + blob->size, 0, nr);
	if (nr && rng_one_in(rng, 3))
		blob->bytes[size - 1] = 1;
	blob->size = size;
	/* Sometimes the caller has more than the structure. */
	if (size >= 8 && rng_one_in(rng, 4))
		size -= 8;
	/* Sometimes the member size keeps another value than the number. */
	if (size >= 4 && !rng_one_in(rng, 4))
		prog_store(blob->bytes, 4, size);
	call->args[1] = (call->args[1] & ~(uint64_t)(_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
			(uint64_t)size << _IOC_SIZESHIFT;
}

static void break_number(struct prog_call *call, struct rng *rng)
{
	if (call->call->request)
		call->args[1] ^= 1ULL << rng_below(rng, 32);
}

static void break_pointer(struct prog_call *call, struct rng *rng)
{
	struct prog_patch *patch;
	unsigned int i;

	for (i = 0; i < call->nr_patches; i++) {
		patch = &call->patches[i];
		if (patch->kind != PROG_POINTER || rng_one_in(rng, 2))
			continue;
		if (patch->place == PROG_ARGS)
			call->args[patch->offset] = wild_pointer(rng);
		else
			prog_store(call->blobs[patch->place].bytes + patch->offset, patch->size,
				   wild_pointer(rng));
		patch->source = PROG_NO_CALL;
	}
}

static void break_argument(struct prog_call *call, struct rng *rng)
{
	unsigned int nr = abi_nr_args(call->call);

	if (nr)
		call->args[rng_below(rng, nr)] = edge(rng);
}

static void call_mutate(struct prog_call *call, struct rng *rng)
{
	static void (*const mutations[])(struct prog_call *call, struct rng *rng) = {
		flip_bits, flip_bits, set_edge, set_edge, set_edge, resize, resize,
		break_number, break_pointer, break_argument,
	};
	size_t nr = sizeof(mutations) / sizeof(mutations[0]);

	do {
		mutations[rng_below(rng, nr)](call, rng);
	} while (rng_one_in(rng, 3));
	call->mutated = true;
}

/* Half of all programs stay as generated, and two thirds of the calls of the rest. */
void prog_mutate(struct prog *prog, struct rng *rng)
{
	unsigned int i;

	if (rng_one_in(rng, 2))
		return;
	/* Do not mutate the call that opens the device. */
	for (i = 1; i < prog->nr; i++)
		if (rng_one_in(rng, 3))
			call_mutate(&prog->calls[i], rng);
}
