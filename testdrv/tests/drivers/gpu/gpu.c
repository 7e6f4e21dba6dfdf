// SPDX-License-Identifier: MIT
/* See gpu.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"

static int gpu_result(ssize_t done, size_t length)
{
	if (done < 0)
		return -errno;
	CHECK_EQ((size_t)done, length);
	return 0;
}

int gpu_read(const struct gpu *gpu, size_t offset, uint64_t *buffer, size_t length)
{
	return gpu_result(pread(gpu->pages, buffer, length, gpu->position + (int64_t)offset),
			  length);
}

int gpu_write(const struct gpu *gpu, size_t offset, const uint64_t *buffer, size_t length)
{
	return gpu_result(pwrite(gpu->pages, buffer, length, gpu->position + (int64_t)offset),
			  length);
}

void gpu_open_touched(struct gpu *gpu, uint64_t value)
{
	gpu_open(gpu, memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	memory_write(gpu->memory, 0);
	CHECK_EQ(gpu_map(gpu), 0);
	CHECK(engine_has_subscriptions(1));
	gpu_writes(gpu, value);
	gpu_reads(gpu, value);
}

void gpu_reads(struct gpu *gpu, uint64_t value)
{
	static uint64_t buffer[NR_WORDS];

	memory_write(buffer, ~value);
	CHECK_EQ(gpu_read(gpu, 0, buffer, LENGTH), 0);
	CHECK_EQ(memory_other_than(buffer, value), value);
}

void gpu_writes(struct gpu *gpu, uint64_t value)
{
	static uint64_t buffer[NR_WORDS];

	memory_write(buffer, value);
	CHECK_EQ(gpu_write(gpu, 0, buffer, LENGTH), 0);
	CHECK_EQ(memory_other_than(gpu->memory, value), value);
}

void gpu_is_unmapped(const struct gpu *gpu)
{
	uint64_t buffer[PAGE_WORDS] = { 0 };
	size_t offset;

	for (offset = 0; offset < LENGTH; offset += PAGE) {
		CHECK_EQ(gpu_read(gpu, offset, buffer, PAGE), -ENXIO);
		CHECK_EQ(gpu_write(gpu, offset, buffer, PAGE), -ENXIO);
	}
}

const char *test_check_after(void)
{
	return engine_has_subscriptions(0) ? NULL : "subscriptions are left";
}

int main(int argc, char **argv)
{
	/* After exec of a victim (process.c). */
	if (argc == 2 && !strcmp(argv[1], "--pause"))
		return pause();
	return test_main(argc, argv);
}
