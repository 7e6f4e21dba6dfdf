/* SPDX-License-Identifier: MIT */
/*
 * Pages that this domain grants to itself through /dev/xen/gntalloc, and their mappings
 * through /dev/xen/gntdev. A failure of any function fails the test.
 */
#ifndef GRANT_H
#define GRANT_H

#include <stdint.h>

#define PAGE		4096UL
#define PAGE_WORDS	(PAGE / sizeof(uint64_t))
#define NR_GRANTS	4
#define LENGTH		(NR_GRANTS * PAGE)

/* Sets of pages: bit i for page i. */
#define ALL_PAGES	((1U << NR_GRANTS) - 1)
#define ALL_BUT(page)	(ALL_PAGES & ~(1U << (page)))

/**
 * struct grants - granted pages
 * @fd: /dev/xen/gntalloc
 * @refs: The references of the pages in the grant table.
 * @pages: The pages as the granting side has them.
 */
struct grants {
	int fd;
	uint32_t refs[NR_GRANTS];
	volatile uint64_t *pages;
};

/**
 * struct mapping - the grants as a foreign domain has them
 * @fd: /dev/xen/gntdev
 * @index: What the device calls the grants.
 * @pages: The mapping.
 */
struct mapping {
	int fd;
	uint64_t index;
	volatile uint64_t *pages;
};

/* Grant pages whose first word is 0. */
void grants_open(struct grants *grants);

/* Give the references to the device. */
void mapping_open(struct mapping *mapping, const struct grants *grants);
/* @prot: Without PROT_WRITE the mapping is private. */
void mapping_map(struct mapping *mapping, int prot);
/* When the mapping of the first page ends, the driver clears the first byte. */
void mapping_clears_byte(const struct mapping *mapping);
/* Returns which pages the process can read. */
unsigned int mapping_readable(const struct mapping *mapping);
/* Take the references from the device. The caller has unmapped the pages. */
void mapping_close(const struct mapping *mapping);

/* The first word of @page, through either side. */
static inline volatile uint64_t *page_word(volatile uint64_t *pages, unsigned int page)
{
	return pages + page * PAGE_WORDS;
}

/* Each side writes to the set @pages, and the other side reads that. At last: @value. */
void grants_share(const struct grants *grants, const struct mapping *mapping,
		  unsigned int pages, uint64_t value);

#endif /* GRANT_H */
