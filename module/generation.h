/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generations: counters that user space maps and compares
 *
 * A set has one struct pinwatch_gen for each id of a file. A page of the set is allocated
 * when one of its ids is first used, and freed together with the set. Until then mappings
 * show the zero page. User space can never write to the pages, so the kernel can rely on
 * the values that it reads back.
 *
 * The user whose WATCH_ADD allocates a page is charged for the page until it is freed, and
 * not the user that opened the file: a process that received the descriptor could use up
 * the share of the opener, and keep it by a mapping. The first page of a set is free. It is
 * allocated together with the set, because the word of the file is in it.
 *
 * The word of the file changes whenever a watch of the file stops being valid: by a hit,
 * and by deletion (WATCH_DEL, the last close). So while this word is unchanged, each watch
 * that was valid is valid, and a reader of many watches has one word to load. WATCH_ADD and
 * WATCH_REPIN only make watches valid. They leave the word alone.
 *
 * References to the set are held by the open device file and by each mapping. A mapping
 * has an anonymous file of its own, which holds the set and nothing else. So a mapping
 * that outlives the last close of the device keeps the pages of the set, but no watch, no
 * pin and no address space.
 */
#ifndef _PW_GENERATION_H
#define _PW_GENERATION_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <linux/pinwatch.h>

struct pw_generation_set;
struct vm_area_struct;

/* The word of the file has the slot of this id, the last of the first page. Not a watch's. */
#define PW_GENERATION_FILE_ID	(PAGE_SIZE / sizeof(struct pinwatch_gen) - 1)

/**
 * struct pw_generation_file - struct pinwatch_gen of a file
 * @generation: Number of changes. Begins with 1.
 * @generation32: The same number, modulo 2^32.
 * @reserved: 0.
 *
 * Watches of a file can be hit on several CPUs at once, each under its own pw_watch.lock.
 * So each member is counted by an atomic operation, and the members may differ for a moment.
 */
struct pw_generation_file {
	atomic64_t generation;
	atomic_t generation32;
	u32 reserved;
};

static_assert(sizeof(struct pw_generation_file) == sizeof(struct pinwatch_gen));
static_assert(offsetof(struct pw_generation_file, generation32) ==
	      offsetof(struct pinwatch_gen, generation32));

/**
 * pw_generation_alloc() - allocate a set with its first page
 * @nr: Number of ids, not 0. @nr may include PW_GENERATION_FILE_ID.
 *
 * Context: process context, may sleep.
 * Return: the set with one reference; NULL if there is no memory.
 */
struct pw_generation_set *pw_generation_alloc(unsigned int nr);

/**
 * pw_generation_put() - drop a reference
 * @set: From pw_generation_alloc().
 *
 * Context: process context, may sleep.
 */
void pw_generation_put(struct pw_generation_set *set);

/**
 * pw_generation_size() - return the size of a set
 * @set: The set.
 *
 * Context: any. Does not sleep.
 * Return: the largest length that mmap() can map, in bytes; a multiple of PAGE_SIZE.
 */
unsigned long pw_generation_size(const struct pw_generation_set *set);

/**
 * pw_generation_nr() - return the number of slots of a set
 * @set: The set.
 *
 * Context: any. Does not sleep.
 * Return: at least the number of ids; a multiple of the slots of a page.
 */
u32 pw_generation_nr(const struct pw_generation_set *set);

/**
 * pw_generation_of_file() - return the word of the file
 * @set: The set.
 *
 * Context: any. Does not sleep.
 * Return: the word, valid until the set is freed.
 */
struct pw_generation_file *pw_generation_of_file(const struct pw_generation_set *set);

/**
 * pw_generation_slot() - return the generation of an id, and allocate its page if needed
 * @set: The set.
 * @id: The id, less than the number of ids of @set.
 *
 * Context: process context, may sleep.
 * Return: the generation, valid until the set is freed; an ERR_PTR of -ENOMEM, or of
 * -EDQUOT if the user of current is charged for the maximum of pages.
 */
struct pinwatch_gen *pw_generation_slot(struct pw_generation_set *set, u32 id);

/**
 * pw_generation_copy() - copy the generation of an id
 * @set: The set.
 * @id: Less than pw_generation_nr(). %PW_GENERATION_FILE_ID copies the word of the file.
 * @gen: Filled in; zero if the id was never used.
 *
 * Context: any. Does not sleep.
 */
void pw_generation_copy(struct pw_generation_set *set, u32 id, struct pinwatch_gen *gen);

/**
 * pw_generation_mmap() - map a set into user space
 * @set: The set.
 * @vma: From file_operations.mmap. Its file is replaced by the anonymous file.
 *
 * Context: file_operations.mmap, under the mmap lock.
 * Return: 0; -EINVAL if the mapping is private or exceeds the set; -EACCES if it is
 * writable; -ENOMEM; -ENFILE.
 */
int pw_generation_mmap(struct pw_generation_set *set, struct vm_area_struct *vma);

/**
 * pw_generation_read() - read a generation
 * @gen: From pw_generation_slot().
 *
 * Context: under the pw_watch.lock of the id. Does not sleep.
 * Return: the generation.
 */
static inline u64 pw_generation_read(const struct pinwatch_gen *gen)
{
	return gen->generation;
}

/**
 * pw_generation_bump() - advance a generation by one
 * @gen: From pw_generation_slot().
 *
 * Context: under the pw_watch.lock of the id, callbacks included. Does not sleep.
 * Return: the new generation; not 0.
 */
static inline u64 pw_generation_bump(struct pinwatch_gen *gen)
{
	u64 generation = gen->generation + 1;

	/* User space reads either member without a lock. */
	WRITE_ONCE(gen->generation, generation);
	WRITE_ONCE(gen->generation32, (u32)generation);
	return generation;
}

/**
 * pw_generation_end() - advance the generation of a watch that stops being valid
 * @gen: From pw_generation_slot().
 * @file: From pw_generation_of_file().
 *
 * Context: as pw_generation_bump().
 * Return: the new generation; not 0.
 */
static inline u64 pw_generation_end(struct pinwatch_gen *gen, struct pw_generation_file *file)
{
	u64 generation = pw_generation_bump(gen);

	/*
	 * Pairs with the acquire in pinwatch_hits() of the library: a reader that sees
	 * this change of the word of the file, or a later one, must not see the old word
	 * of the watch.
	 */
	smp_mb__before_atomic();
	atomic64_inc(&file->generation);
	atomic_inc(&file->generation32);
	return generation;
}

#endif /* _PW_GENERATION_H */
