// SPDX-License-Identifier: MIT
/* gpu: a thread exchanges the first page without pause while the GPU maps and reads the page. */
#include <errno.h>

#include "gpu.h"
#include "race.h"

/* Returns whether the page was mapped. The exchange may unmap it before the read. */
static bool gpu_raced(const struct gpu *gpu, struct race *race)
{
	uint64_t page[PAGE_WORDS], oldest = race_oldest(race);
	int ret = gpu_read(gpu, 0, page, PAGE);

	CHECK(!ret || ret == -ENXIO);
	if (!ret)
		race_check(race, page, oldest);
	return !ret;
}

static void gpu_race(race_exchange *exchange)
{
	uint64_t end, callbacks, nr_reads = 0, nr_unmapped = 0;
	struct race race;
	struct gpu gpu;

	race_open(&race, exchange);
	gpu_open(&gpu, race.memory);
	callbacks = engine_callbacks();
	race_start(&race);
	for (end = now_ns() + 4 * RACE_NS; now_ns() < end;) {
		/* Fails while the page is not mapped, or not to be written. */
		if (gpu_map(&gpu) || !gpu_raced(&gpu, &race))
			nr_unmapped++;
		else
			nr_reads++;
	}
	race_stop(&race);
	test_note("%llu reads, %llu without a mapping, %llu exchanges",
		  (unsigned long long)nr_reads, (unsigned long long)nr_unmapped,
		  (unsigned long long)race.written);
	engine_called_since(callbacks);
	CHECK(nr_reads > 0 && race.written > 1);
	CHECK_EQ(gpu_map(&gpu), 0);
	CHECK(gpu_raced(&gpu, &race));
}

TEST(gpu_race_map)
{
	gpu_race(race_map);
}

TEST(gpu_race_protect)
{
	gpu_race(race_protect);
}

TEST(gpu_race_fork)
{
	gpu_race(race_fork);
}

/* These do not take the mmap lock for writing. */
TEST(gpu_race_dontneed)
{
	if (!gpu_has_read_section())
		SKIP("a driver with a read section");
	gpu_race(race_dontneed);
}

TEST(gpu_race_punch)
{
	if (!gpu_has_read_section())
		SKIP("a driver with a read section");
	gpu_race(race_punch);
}
