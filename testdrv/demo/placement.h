/* SPDX-License-Identifier: MIT */
/*
 * The page frame and the NUMA node of a page. Operations use these functions to
 * prepare memory; the verdict uses pagemap.h only.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Frame numbers of @nr pages of this process; 0: not present. Returns 0 or -errno. */
int placement_pfns(const void *addr, size_t nr, uint64_t *pfns);

/* Is the page part of a transparent huge page, or of the huge zero page? */
bool placement_huge(const void *addr);

/* Returns the node of the page, or -errno. */
int placement_node(pid_t pid, void *addr);

/* For demo_op.lacks: a second NUMA node; transparent huge pages. */
const char *lacks_two_nodes(void);
const char *lacks_huge(void);

#endif /* PLACEMENT_H */
