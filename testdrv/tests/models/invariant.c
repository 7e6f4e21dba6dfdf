// SPDX-License-Identifier: MIT
/*
 * drivers: the invariant of each driver model, as the head of its file states it
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "models.h"

#define NR_PAGES	4
#define NR_CACHED	16	/* MAX_WINDOWS, MAX_NODES */
#define FLUSH_NS	(NS_PER_S / 50)	/* FLUSH_MS of xe_userptr.c */

TEST(drivers_device_reads_and_writes)
{
	uint64_t value;
	size_t i, page;

	for (i = 0; drivers_models[i]; i++) {
		struct model m = model_start(drivers_models[i], NR_PAGES);

		test_note("%s", drivers_models[i]);
		for (page = 0; page < NR_PAGES; page++) {
			CHECK_EQ(model_read(&m, page, &value), 0);
			CHECK_EQ(value, page);
			CHECK_EQ(model_write(&m, page, 100 + page), 0);
			CHECK_EQ(*model_word(&m, page), 100 + page);
		}
		model_stop(&m);
	}
}

/* These make all pages of a range valid at once, or none. */
static bool is_whole(const char *name)
{
	return strcmp(name, "i915_userptr") == 0 || strcmp(name, "xe_userptr") == 0 ||
	       strcmp(name, "amdgpu_mn") == 0;
}

/* The device reaches no page after its munmap(), and still reaches the other pages. */
TEST(drivers_unmapped_is_refused)
{
	size_t i;

	for (i = 0; drivers_models[i]; i++) {
		struct model m = model_start(drivers_models[i], NR_PAGES);

		test_note("%s", drivers_models[i]);
		CHECK_EQ(model_read(&m, 1, NULL), 0);
		CHECK_EQ(munmap(m.addr + m.page_size, m.page_size), 0);
		CHECK_EQ(model_read(&m, 1, NULL), -EFAULT);
		CHECK_EQ(model_write(&m, 1, 1), -EFAULT);
		CHECK_EQ(model_read(&m, 2, NULL), is_whole(drivers_models[i]) ? -EFAULT : 0);
		model_stop(&m);
	}
}

/* Each TID is reported once, and then its page is unpinned. */
TEST(drivers_hfi1_exp_rcv_reports_once)
{
	struct model m = model_start("hfi1_exp_rcv", NR_PAGES);
	int i, ids[NR_PAGES];

	CHECK_EQ(model_info(&m).nr_pinned, NR_PAGES);
	CHECK_EQ(model_next(&m), -ENODATA);
	CHECK_EQ(munmap(m.addr, m.length), 0);
	CHECK_EQ(model_info(&m).nr_invalidated, NR_PAGES);
	for (i = 0; i < NR_PAGES; i++) {
		ids[i] = model_next(&m);
		CHECK(ids[i] > 0 && (!i || ids[i] != ids[i - 1]));
	}
	CHECK_EQ(model_next(&m), -ENODATA);
	CHECK_EQ(model_info(&m).nr_pinned, 0);
	model_stop(&m);
}

/* Only the pages that are lost end their TIDs; fork() and mprotect() end none. */
TEST(drivers_hfi1_exp_rcv_keeps_pinned_pages)
{
	struct model m = model_start("hfi1_exp_rcv", NR_PAGES);

	CHECK_EQ(mprotect(m.addr, m.length, PROT_READ), 0);
	CHECK_EQ(mprotect(m.addr, m.length, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(model_info(&m).nr_invalidated, 0);
	CHECK_EQ(madvise(m.addr, m.page_size, MADV_DONTNEED), 0);
	CHECK_EQ(model_info(&m).nr_invalidated, 1);
	CHECK_EQ(model_read(&m, 0, NULL), -EFAULT);
	CHECK_EQ(model_read(&m, 1, NULL), 0);
	model_stop(&m);
}

/* Pages are pinned by the first execution, and again only after an invalidation. */
TEST(drivers_i915_userptr_pins_when_needed)
{
	struct model m = model_start("i915_userptr", NR_PAGES);
	uint64_t value;

	CHECK_EQ(model_info(&m).nr_taken, 0);
	CHECK_EQ(model_read(&m, 0, NULL), 0);
	CHECK_EQ(model_read(&m, 3, NULL), 0);
	CHECK_EQ(model_info(&m).nr_taken, 1);
	CHECK_EQ(madvise(m.addr, m.length, MADV_DONTNEED), 0);
	CHECK_EQ(model_info(&m).nr_taken, 1);
	CHECK_EQ(model_info(&m).nr_pinned, NR_PAGES);
	CHECK_EQ(model_read(&m, 3, &value), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(model_info(&m).nr_taken, 2);
	CHECK_EQ(model_info(&m).nr_pinned, NR_PAGES);
	model_stop(&m);
}

/* An eviction stops the queues, and the restore lets the queues run again. */
TEST(drivers_amdgpu_mn_is_restored)
{
	struct model m = model_start("amdgpu_mn", NR_PAGES);
	uint64_t value;
	int i;

	CHECK_EQ(model_read(&m, 3, &value), 0);
	for (i = 0; i < 10; i++) {
		CHECK_EQ(madvise(m.addr, m.length, MADV_DONTNEED), 0);
		CHECK_EQ(model_read(&m, 3, &value), 0);
		CHECK_EQ(value, 0);
	}
	CHECK_EQ(model_info(&m).nr_stopped, 0);
	CHECK(model_info(&m).nr_invalidated >= 10);
	CHECK_EQ(model_info(&m).nr_pinned, 0);
	model_stop(&m);
}

/* A page is faulted in once; an invalidation of another page removes no entry of it. */
TEST(drivers_nouveau_svm_keeps_entries)
{
	struct model m = model_start("nouveau_svm", NR_PAGES);

	CHECK_EQ(model_read(&m, 0, NULL), 0);
	CHECK_EQ(model_read(&m, 1, NULL), 0);
	CHECK_EQ(model_info(&m).nr_taken, 2);
	CHECK_EQ(madvise(m.addr, m.page_size, MADV_DONTNEED), 0);
	CHECK_EQ(model_read(&m, 1, NULL), 0);
	CHECK_EQ(model_info(&m).nr_taken, 2);
	CHECK_EQ(model_read(&m, 0, NULL), 0);
	CHECK_EQ(model_info(&m).nr_taken, 3);
	CHECK_EQ(model_info(&m).nr_pinned, 0);
	model_stop(&m);
}

/* Returns the time of an invalidation of 16 bound VMAs. */
static uint64_t flush_time(void)
{
	struct model m = model_start("xe_userptr", NR_PAGES);
	uint64_t ns;
	int i;

	for (i = 1; i < 16; i++)
		CHECK_EQ(model_add(&m, 0, NR_PAGES), 0);
	CHECK_EQ(model_info(&m).nr_taken, 16);
	ns = now_ns();
	CHECK_EQ(madvise(m.addr, m.length, MADV_DONTNEED), 0);
	ns = now_ns() - ns;
	CHECK_EQ(model_info(&m).nr_invalidated, 16);
	model_stop(&m);
	return ns;
}

/* The VMAs wait for their flushes together. A busy host makes some of the times longer. */
TEST(drivers_xe_userptr_flushes_in_parallel)
{
	uint64_t ns, best = UINT64_MAX;
	int i;

	for (i = 0; i < 5; i++) {
		ns = flush_time();
		CHECK(ns >= FLUSH_NS / 2);
		if (ns < best)
			best = ns;
	}
	CHECK(best < 8 * FLUSH_NS);
}

/* A ring is mapped again after an invalidation, and holds no pin meanwhile. */
TEST(drivers_vhost_meta_maps_again)
{
	struct model m = model_start("vhost_meta", NR_PAGES);
	uint64_t value;

	CHECK_EQ(model_write(&m, 0, 7), 0);
	CHECK_EQ(model_write(&m, 0, 8), 0);
	CHECK_EQ(model_info(&m).nr_taken, 1);
	CHECK_EQ(model_info(&m).nr_pinned, 0);
	CHECK_EQ(madvise(m.addr, m.length, MADV_DONTNEED), 0);
	CHECK_EQ(model_info(&m).nr_invalidated, 1);
	CHECK_EQ(model_read(&m, 0, &value), 0);
	CHECK_EQ(value, 0);
	CHECK_EQ(model_info(&m).nr_taken, 2);
	model_stop(&m);
}

/* The copy works where the ring cannot be mapped, and the memory cannot be written. */
TEST(drivers_vhost_meta_copies)
{
	struct model m = model_start("vhost_meta", NR_PAGES);
	uint64_t value;

	CHECK_EQ(mprotect(m.addr, m.length, PROT_READ), 0);
	CHECK_EQ(model_read(&m, 3, &value), 0);
	CHECK_EQ(value, 3);
	CHECK_EQ(model_write(&m, 3, 9), -EFAULT);
	model_stop(&m);
}

static void cache_check(const char *name)
{
	struct model m = model_start(name, NR_CACHED + NR_PAGES);
	size_t page;

	for (page = 0; page < NR_CACHED + NR_PAGES; page++)
		CHECK_EQ(model_read(&m, page, NULL), 0);
	CHECK_EQ(model_info(&m).nr_taken, NR_CACHED + NR_PAGES);
	CHECK_EQ(model_info(&m).nr_pinned, NR_CACHED);
	/* The last pages are found. */
	for (page = NR_PAGES; page < NR_CACHED + NR_PAGES; page++)
		CHECK_EQ(model_read(&m, page, NULL), 0);
	CHECK_EQ(model_info(&m).nr_taken, NR_CACHED + NR_PAGES);
	CHECK_EQ(munmap(m.addr, m.length), 0);
	CHECK_EQ(model_info(&m).nr_pinned, 0);
	CHECK_EQ(model_info(&m).nr_invalidated, NR_CACHED);
	model_stop(&m);
}

TEST(drivers_scif_dma_cache)
{
	cache_check("scif_dma");
}

TEST(drivers_hfi1_sdma_cache)
{
	cache_check("hfi1_sdma");
}
