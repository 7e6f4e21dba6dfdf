// SPDX-License-Identifier: MIT
/* The files of a running program, and their generations. */
#include <sys/mman.h>
#include <unistd.h>

#include "run.h"

#define WORDS_SIZE	(RUN_IDS * sizeof(struct pinwatch_gen))

/* Looks at once: a descriptor's first page is free, a later one may be a SIGBUS. */
static const struct pinwatch_gen *words_map(int fd)
{
	const struct pinwatch_gen *words = mmap(NULL, WORDS_SIZE, PROT_READ, MAP_SHARED, fd, 0);

	if (words == MAP_FAILED)
		return NULL;
	(void)__atomic_load_n(&words->generation, __ATOMIC_RELAXED);
	return words;
}

/* A file that was opened for writing only has none that can be mapped. */
void run_file_add(struct run *run, unsigned int index, int fd)
{
	__atomic_store_n(&run->words[index], words_map(fd), __ATOMIC_RELEASE);
}

/* A child does not inherit the mappings. */
void run_files_remap(struct run *run)
{
	unsigned int i;

	for (i = 0; i < PROG_CALLS; i++)
		if (run->words[i])
			run->words[i] = words_map(RUN_FIRST_FD + (int)i);
}

const struct pinwatch_gen *run_words(const struct run *run, uint64_t fd)
{
	if (fd < RUN_FIRST_FD || fd >= RUN_FIRST_FD + PROG_CALLS)
		return NULL;
	return __atomic_load_n(&run->words[fd - RUN_FIRST_FD], __ATOMIC_ACQUIRE);
}

void run_snapshot(const struct run *run, uint64_t fd, uint64_t *generations)
{
	const struct pinwatch_gen *words = run_words(run, fd);
	unsigned int i;

	for (i = 0; words && i < RUN_IDS; i++)
		generations[i] = __atomic_load_n(&words[i].generation, __ATOMIC_ACQUIRE);
}
