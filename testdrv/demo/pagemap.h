/* SPDX-License-Identifier: MIT */
/*
 * The oracle of the demonstration: did the pages of another process change?
 *
 * The oracle reads the page tables through /proc/PID/pagemap and the mappings
 * through /proc/PID/maps. It does not use pinwatch. Both files are opened once:
 * an open file keeps describing the same address space after the process calls
 * exec() or exits. Needs root: for other users the kernel hides page frame numbers.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGEMAP_MAX_PAGES	16

/* Bits of a /proc/PID/pagemap entry: Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PFN		((1ULL << 55) - 1)
#define PAGEMAP_SOFT_DIRTY	(1ULL << 55)
#define PAGEMAP_EXCLUSIVE	(1ULL << 56)
#define PAGEMAP_UFFD_WP		(1ULL << 57)
#define PAGEMAP_PRESENT		(1ULL << 63)

/* How a page changed; the highest value wins. */
enum page_change {
	PAGE_SAME,
	PAGE_SOFT_DIRTY,	/* same page, soft-dirty bit cleared */
	PAGE_TRACKED,		/* same page, now write-protected by userfaultfd (5.13) */
	PAGE_SHARED,		/* same page, now shared copy-on-write: read-only */
	PAGE_READ_ONLY,	/* same page, the mapping lost a permission */
	PAGE_NOT_PRESENT,	/* mapped, but no page is present */
	PAGE_MOVED,		/* a different page is at the address */
	PAGE_GONE,		/* nothing is mapped at the address */
};

struct pagemap {
	int pagemap_fd;
	int maps_fd;
};

struct pagemap_page {
	bool mapped;		/* a mapping covers the page */
	bool private_map;	/* MAP_PRIVATE */
	unsigned int prot;	/* PROT_* */
	bool present;
	bool exclusive;		/* mapped exactly once in the whole system */
	bool soft_dirty;
	bool tracked;		/* userfaultfd: a write faults */
	uint64_t pfn;		/* 0 unless present */
};

struct pagemap_snapshot {
	size_t nr_pages;
	struct pagemap_page pages[PAGEMAP_MAX_PAGES];
};

struct pagemap_diff {
	enum page_change change;	/* the highest value of all pages */
	size_t nr_changed;		/* pages other than PAGE_SAME */
	size_t nr_pages;
};

/* 0 or -errno. */
int pagemap_open(struct pagemap *pagemap, pid_t pid);
void pagemap_close(struct pagemap *pagemap);

/*
 * Read the state of [addr, addr + length): whole pages, at most PAGEMAP_MAX_PAGES.
 * The process must not run meanwhile. 0 or -errno; -EPERM when the kernel hides
 * page frame numbers. After the address space is destroyed the call succeeds and
 * reports no mapping.
 */
int pagemap_read(const struct pagemap *pagemap, const void *addr, size_t length,
		 struct pagemap_snapshot *snapshot);

/* Compare two snapshots of the same range. */
struct pagemap_diff pagemap_compare(const struct pagemap_snapshot *before,
				    const struct pagemap_snapshot *after);

const char *page_change_name(enum page_change change);

#endif /* PAGE_H */
