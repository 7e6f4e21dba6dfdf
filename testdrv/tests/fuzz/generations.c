// SPDX-License-Identifier: MIT
/* The mapped generations of the files that a program opens. See execute.h. */
#include <sys/mman.h>
#include <unistd.h>

#include "execute.h"

#define WORDS_SIZE	(EXECUTION_IDS * sizeof(struct pinwatch_gen))

/* Read at once, so that the first use of an id has a page of the mapping to replace. */
static const struct pinwatch_gen *generations_map(int fd)
{
	const struct pinwatch_gen *words = mmap(NULL, WORDS_SIZE, PROT_READ, MAP_SHARED, fd, 0);

	if (words == MAP_FAILED)
		return NULL;
	(void)__atomic_load_n(&words->generation, __ATOMIC_RELAXED);
	return words;
}

/* mmap() fails, and the descriptor has no generations, if the file is write-only. */
void generations_add(struct execution *execution, unsigned int index, int fd)
{
	__atomic_store_n(&execution->words[index], generations_map(fd), __ATOMIC_RELEASE);
}

/* A child does not inherit the mappings. */
void generations_remap(struct execution *execution)
{
	unsigned int i;

	for (i = 0; i < PROG_CALLS; i++)
		if (execution->words[i])
			execution->words[i] = generations_map(FIRST_FD + (int)i);
}

const struct pinwatch_gen *generations_find(const struct execution *execution, uint64_t fd)
{
	if (fd < FIRST_FD || fd >= FIRST_FD + PROG_CALLS)
		return NULL;
	return __atomic_load_n(&execution->words[fd - FIRST_FD], __ATOMIC_ACQUIRE);
}

void generations_read(const struct execution *execution, uint64_t fd, uint64_t *generations)
{
	const struct pinwatch_gen *words = generations_find(execution, fd);
	unsigned int i;

	for (i = 0; words && i < EXECUTION_IDS; i++)
		generations[i] = __atomic_load_n(&words[i].generation, __ATOMIC_ACQUIRE);
}
