/* SPDX-License-Identifier: MIT */
/*
 * The oracle: did the pages of another process really change?
 *
 * It asks the kernel's page tables through /proc/PID/pagemap and the mappings
 * through /proc/PID/maps, and knows nothing of pinwatch. Both files are opened
 * once, so they go on speaking of the same address space when the process
 * calls exec or is gone. Needs root: others see no page frame numbers.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ORACLE_MAX_PAGES	16

/* What became of a page, in the order of precedence. */
enum oracle_change {
	ORACLE_SAME,
	ORACLE_SOFT_DIRTY,	/* same page, its soft-dirty bit was cleared */
	ORACLE_TRACKED,		/* same page, userfaultfd now catches writes to it (5.13) */
	ORACLE_SHARED,		/* same page, now shared copy-on-write: read-only */
	ORACLE_READ_ONLY,	/* same page, the mapping lost a permission */
	ORACLE_NOT_PRESENT,	/* still mapped, but no page is there */
	ORACLE_MOVED,		/* another page is at the address */
	ORACLE_GONE,		/* nothing is mapped at the address */
};

struct oracle {
	int pagemap;
	int maps;
};

struct oracle_page {
	bool mapped;		/* a mapping covers it */
	bool private_map;	/* MAP_PRIVATE */
	unsigned int prot;	/* PROT_* */
	bool present;
	bool exclusive;		/* mapped once in the whole system */
	bool soft_dirty;
	bool tracked;		/* by userfaultfd: not writable without a fault */
	uint64_t pfn;		/* 0 unless present */
};

struct oracle_snapshot {
	size_t nr_pages;
	struct oracle_page pages[ORACLE_MAX_PAGES];
};

struct oracle_result {
	enum oracle_change change;	/* the worst of all pages */
	size_t nr_changed;		/* pages that are not ORACLE_SAME */
	size_t nr_pages;
};

/* 0 or -errno. */
int oracle_open(struct oracle *oracle, pid_t pid);
void oracle_close(struct oracle *oracle);

/*
 * Look at [addr, addr + length), whole pages, at most ORACLE_MAX_PAGES. The
 * process should stand still. 0 or -errno; -EPERM when page frame numbers are
 * hidden. A dead address space is no error: nothing is mapped in it.
 */
int oracle_look(const struct oracle *oracle, const void *addr, size_t length,
		struct oracle_snapshot *snapshot);

/* Two looks at the same range. */
struct oracle_result oracle_compare(const struct oracle_snapshot *before,
				    const struct oracle_snapshot *after);

const char *oracle_change_name(enum oracle_change change);

#endif /* ORACLE_H */
