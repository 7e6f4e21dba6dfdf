// SPDX-License-Identifier: MIT
/* gpusvm: memory of the process in the page table of a GPU that drm_gpusvm keeps. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"
#include "module/svm_gpu.h"

#define HUGE_PAGE	(2UL << 20)

bool gpu_has_read_section(void)
{
	return true;
}

void gpu_open(struct gpu *gpu, void *memory)
{
	*gpu = (struct gpu) {
		.driver = open(SVM_GPU_NODE, O_RDWR | O_CLOEXEC),
		.position = (intptr_t)memory,
		.memory = memory,
	};
	CHECK(gpu->driver >= 0);
	gpu->pages = fcntl(gpu->driver, F_DUPFD_CLOEXEC, 0);
	CHECK(gpu->pages >= 0);
}

void gpu_close(struct gpu *gpu)
{
	close(gpu->driver);
	close(gpu->pages);
}

static int map(struct gpu *gpu, size_t length)
{
	struct svm_gpu_map arg = { .start = (uintptr_t)gpu->memory, .length = length };

	return ioctl(gpu->driver, SVM_GPU_MAP, &arg) ? -errno : 0;
}

int gpu_map(struct gpu *gpu)
{
	return map(gpu, LENGTH);
}

/* The first word of the page at @offset as the GPU reads it, or a test that fails. */
static uint64_t word(struct gpu *gpu, size_t offset)
{
	uint64_t value;

	CHECK_EQ(gpu_read(gpu, offset, &value, sizeof(value)), 0);
	return value;
}

/* A range of 2 MiB. The GPU has a mapping of a huge page, which is split. */
TEST(gpusvm_huge_page)
{
	char *memory = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t offset, hole = 3 * PAGE;
	uint64_t callbacks, value;
	struct gpu gpu;

	CHECK(memory != MAP_FAILED);
	memory = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & -HUGE_PAGE);
	CHECK(!madvise(memory, HUGE_PAGE, MADV_HUGEPAGE));
	for (offset = 0; offset < HUGE_PAGE; offset += PAGE)
		*(uint64_t *)(memory + offset) = offset + 1;
	gpu_open(&gpu, memory);
	CHECK_EQ(map(&gpu, HUGE_PAGE), 0);
	CHECK(engine_has_subscriptions(1));
	for (offset = 0; offset < HUGE_PAGE; offset += PAGE)
		CHECK_EQ(word(&gpu, offset), offset + 1);
	callbacks = engine_callbacks();
	CHECK(!munmap(memory + hole, PAGE));
	engine_called_since(callbacks);
	for (offset = 0; offset < HUGE_PAGE; offset += PAGE)
		CHECK_EQ(gpu_read(&gpu, offset, &value, sizeof(value)), -ENXIO);
	CHECK(map(&gpu, HUGE_PAGE) < 0);
	CHECK_EQ(map(&gpu, hole), 0);
	for (offset = 0; offset < hole; offset += PAGE)
		CHECK_EQ(word(&gpu, offset), offset + 1);
	CHECK_EQ(gpu_read(&gpu, hole, &value, sizeof(value)), -ENXIO);
	gpu_close(&gpu);
	CHECK(engine_has_subscriptions(0));
}
