/* SPDX-License-Identifier: MIT */
/* The memory that a device reads and writes while it changes. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE		4096UL
#define NR_PAGES	16
#define LENGTH		(NR_PAGES * PAGE)
#define PAGE_WORDS	(PAGE / sizeof(uint64_t))
#define NR_WORDS	(LENGTH / sizeof(uint64_t))

/* Map LENGTH bytes that can be read and written; at @addr unless it is NULL. */
void *memory_map(void *addr, int flags, int fd);
/* Write @value to each of NR_WORDS words. */
void memory_write(uint64_t *memory, uint64_t value);
/* Returns the first word that is not @value, or @value. */
uint64_t memory_other_than(const uint64_t *memory, uint64_t value);
/* Move all pages to the NUMA node. False: at least one page did not move. */
bool memory_move(void *memory, int node);

#endif /* MEMORY_H */
