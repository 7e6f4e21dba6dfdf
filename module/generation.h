/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generations: the words that user space maps and compares
 *
 * A set of struct pinwatch_gen, an element for each id of a file. Its pages are
 * allocated when first used or first touched, never go before the set does, and are
 * never writable in user space, so what the kernel reads back is its own.
 *
 * Who holds the set: the open device file, and each mapping through an anonymous
 * file of its own, which owns the set and nothing else. So a mapping that
 * outlives the last close of the device keeps a few pages, but no watch, no pin
 * and no address space.
 */
#ifndef _PW_GENERATION_H
#define _PW_GENERATION_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/pinwatch.h>

struct pw_generation_set;
struct pw_user;
struct vm_area_struct;

/**
 * pw_generation_alloc() - a set without pages
 * @nr: Number of ids, not 0.
 * @user: Who pays for its pages, but for the first, for as long as the set is there.
 *
 * Context: process context, may sleep.
 * Return: the set with one reference, NULL when memory is short.
 */
struct pw_generation_set *pw_generation_alloc(unsigned int nr, struct pw_user *user);

/**
 * pw_generation_put() - give a reference back
 * @set: From pw_generation_alloc().
 *
 * Context: process context, may sleep.
 */
void pw_generation_put(struct pw_generation_set *set);

/**
 * pw_generation_size() - what mmap() can map
 * @set: The set.
 *
 * Context: any. Does not sleep.
 * Return: bytes, whole pages.
 */
unsigned long pw_generation_size(const struct pw_generation_set *set);

/**
 * pw_generation_slot() - the word of an id
 * @set: The set.
 * @id: Below the number that the set was allocated for.
 *
 * Context: process context, may sleep.
 * Return: the word, valid for as long as the set is; -ENOMEM, -EDQUOT (the user's
 * share of pages).
 */
struct pinwatch_gen *pw_generation_slot(struct pw_generation_set *set, u32 id);

/**
 * pw_generation_copy() - the word of an id, if it has one
 * @set: The set.
 * @id: Below the number that the set was allocated for.
 * @gen: Filled; zero when the id was never used.
 *
 * Context: any. Does not sleep.
 */
void pw_generation_copy(struct pw_generation_set *set, u32 id, struct pinwatch_gen *gen);

/**
 * pw_generation_mmap() - map a set into user space
 * @set: The set.
 * @vma: From file_operations.mmap; its file is replaced.
 *
 * Context: file_operations.mmap.
 * Return: 0, -EINVAL (private, or not within the set), -EACCES (writable),
 * -ENOMEM, -ENFILE.
 */
int pw_generation_mmap(struct pw_generation_set *set, struct vm_area_struct *vma);

/**
 * pw_generation_read() - the value now
 * @gen: From pw_generation_slot().
 *
 * Context: under the lock of the id's watch. Does not sleep.
 * Return: the generation.
 */
static inline u64 pw_generation_read(const struct pinwatch_gen *gen)
{
	return gen->generation;
}

/**
 * pw_generation_bump() - tell user space
 * @gen: From pw_generation_slot().
 *
 * Context: under the lock of the id's watch, in an invalidation callback as
 * well. Does not sleep.
 * Return: the new generation; not 0.
 */
static inline u64 pw_generation_bump(struct pinwatch_gen *gen)
{
	u64 generation = gen->generation + 1;

	/* User space reads without a lock, one word or the other. */
	WRITE_ONCE(gen->generation, generation);
	WRITE_ONCE(gen->generation32, (u32)generation);
	return generation;
}

#endif /* _PW_GENERATION_H */
