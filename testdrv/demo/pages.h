/* SPDX-License-Identifier: MIT */
/* Where pages are: frame numbers, nodes. For operations, not for judging them. */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The frames of @nr pages of this process, 0 for one that is not there. 0 or -errno. */
int pages_pfns(const void *addr, size_t nr, uint64_t *pfns);

/* Is it in a transparent huge page, or in the huge zero page? */
bool pages_huge(const void *addr);

/* Which node is the page on? Negative: -errno. */
int pages_node(pid_t pid, void *addr);

/* What a machine without a second node lacks, or NULL. */
const char *lacks_two_nodes(void);

/* Transparent huge pages on demand. */
const char *lacks_huge(void);

#endif /* PAGES_H */
