// SPDX-License-Identifier: MIT
/*
 * gntdev: after each kind of change the hypervisor has no mapping of the pages that are gone,
 * and both sides share the pages that are left.
 */
#include <sys/mman.h>

#include "engine.h"
#include "grant.h"
#include "table.h"
#include "test.h"

/* Values that the pages have one after the other. */
enum { OLD = 0x1001, NEW };

static void both_open(struct grants *grants, struct mapping *mapping)
{
	grants_open(grants);
	CHECK_EQ(table_mapped(grants->refs, NR_GRANTS), 0);
	mapping_open(mapping, grants);
	mapping_map(mapping, PROT_READ | PROT_WRITE);
	CHECK(engine_has_subscriptions(1));
	CHECK_EQ(table_mapped(grants->refs, NR_GRANTS), ALL_PAGES);
	grants_share(grants, mapping, ALL_PAGES, OLD);
}

/* Of the pages, which all have the value OLD, those in @left are mapped. */
static void pages_are_left(const struct grants *grants, const struct mapping *mapping,
			   unsigned int left)
{
	unsigned int i;

	CHECK_EQ(table_mapped(grants->refs, NR_GRANTS), left);
	CHECK_EQ(mapping_readable(mapping), left);
	for (i = 0; i < NR_GRANTS; i++) {
		CHECK_EQ(*page_word(grants->pages, i), OLD);
		if (left & 1U << i)
			CHECK_EQ(*page_word(mapping->pages, i), OLD);
	}
	grants_share(grants, mapping, left, NEW);
}

/* The subscription ends when the device has lost the mapping and the references. */
static void mapping_end(const struct grants *grants, const struct mapping *mapping)
{
	CHECK(engine_has_subscriptions(1));
	CHECK(!munmap((void *)mapping->pages, LENGTH));
	CHECK_EQ(table_mapped(grants->refs, NR_GRANTS), 0);
	mapping_close(mapping);
	CHECK(engine_has_subscriptions(0));
}

static void change_leaves(void (*change)(struct mapping *mapping), unsigned int left)
{
	struct mapping mapping;
	struct grants grants;
	uint64_t callbacks;

	both_open(&grants, &mapping);
	callbacks = engine_callbacks();
	change(&mapping);
	pages_are_left(&grants, &mapping, left);
	engine_called_since(callbacks);
	mapping_end(&grants, &mapping);
}

static void *mapping_page(const struct mapping *mapping, unsigned int page)
{
	return (void *)page_word(mapping->pages, page);
}

/*
 * The driver unmaps the page for any change. First of all tests: where the callback is missing,
 * this change frees no page, so the check of the table fails before the kernel complains.
 */
static void change_mprotect(struct mapping *mapping)
{
	CHECK(!mprotect(mapping_page(mapping, 3), PAGE, PROT_READ));
}

TEST(gntdev_mprotect_of_one_page)
{
	change_leaves(change_mprotect, ALL_BUT(3));
}

static void change_munmap(struct mapping *mapping)
{
	CHECK(!munmap(mapping_page(mapping, 0), LENGTH));
}

TEST(gntdev_munmap)
{
	change_leaves(change_munmap, 0);
}

static void change_munmap_of_one_page(struct mapping *mapping)
{
	CHECK(!munmap(mapping_page(mapping, 2), PAGE));
}

TEST(gntdev_munmap_of_one_page)
{
	change_leaves(change_munmap_of_one_page, ALL_BUT(2));
}

static void change_mmap_over(struct mapping *mapping)
{
	void *page = mapping_page(mapping, 1);

	CHECK(mmap(page, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
}

TEST(gntdev_mmap_over_one_page)
{
	change_leaves(change_mmap_over, ALL_BUT(1));
}

static void change_dontneed(struct mapping *mapping)
{
	CHECK(!madvise(mapping_page(mapping, 0), PAGE, MADV_DONTNEED));
}

TEST(gntdev_madvise_dontneed_of_one_page)
{
	change_leaves(change_dontneed, ALL_BUT(0));
}

/* The hypervisor knows the page tables of the old place. */
static void change_mremap(struct mapping *mapping)
{
	void *away = mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(away != MAP_FAILED);
	CHECK(mremap(mapping_page(mapping, 0), LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED,
		     away) == away);
	mapping->pages = away;
}

TEST(gntdev_mremap)
{
	change_leaves(change_mremap, 0);
}

TEST(gntdev_two_mappings)
{
	struct mapping mapping, other;
	struct grants grants;
	uint64_t callbacks;

	both_open(&grants, &mapping);
	mapping_open(&other, &grants);
	mapping_map(&other, PROT_READ | PROT_WRITE);
	CHECK(engine_has_subscriptions(2));
	callbacks = engine_callbacks();
	CHECK(!munmap(mapping_page(&other, 0), LENGTH));
	engine_called_since(callbacks);
	mapping_close(&other);
	pages_are_left(&grants, &mapping, ALL_PAGES);
	mapping_end(&grants, &mapping);
}

/* The granting side sees the cleared byte when munmap returns. */
TEST(gntdev_unmap_notify)
{
	struct mapping mapping;
	struct grants grants;

	both_open(&grants, &mapping);
	mapping_clears_byte(&mapping);
	*page_word(mapping.pages, 0) = ~0ULL;
	CHECK(!munmap(mapping_page(&mapping, 0), LENGTH));
	CHECK_EQ(*page_word(grants.pages, 0), ~0ULL << 8);
	CHECK_EQ(table_mapped(grants.refs, NR_GRANTS), 0);
}
