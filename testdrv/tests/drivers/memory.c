// SPDX-License-Identifier: MIT
/* See memory.h. */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory.h"
#include "test.h"

void *memory_map(void *addr, int flags, int fd)
{
	void *memory = mmap(addr, LENGTH, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(memory != MAP_FAILED);
	CHECK(!addr || memory == addr);
	return memory;
}

void memory_write(uint64_t *memory, uint64_t value)
{
	size_t i;

	for (i = 0; i < NR_WORDS; i++)
		memory[i] = value;
}

uint64_t memory_other_than(const uint64_t *memory, uint64_t value)
{
	size_t i;

	for (i = 0; i < NR_WORDS; i++)
		if (memory[i] != value)
			return memory[i];
	return value;
}

bool memory_move(void *memory, int node)
{
	int nodes[NR_PAGES], status[NR_PAGES];
	void *pages[NR_PAGES];
	bool moved = true;
	size_t i;

	for (i = 0; i < NR_PAGES; i++) {
		pages[i] = (char *)memory + i * PAGE;
		nodes[i] = node;
	}
	if (syscall(SYS_move_pages, 0, NR_PAGES, pages, nodes, status, MPOL_MF_MOVE))
		return false;
	for (i = 0; i < NR_PAGES; i++)
		moved = moved && status[i] == node;
	return moved;
}
