// SPDX-License-Identifier: MIT
/*
 * drivers: the invariant of each driver model, as the head of its file states it
 */
#include <sys/mman.h>
#include <unistd.h>
#include "models.h"

#define NR_PAGES	4

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

/* What is unmapped is out of reach, and the rest of the range is not. */
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
