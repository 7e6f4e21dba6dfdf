// SPDX-License-Identifier: MIT
/*
 * gpu: after each kind of change the GPU reaches no old page, and after the next mapping it
 * reads the new contents, and its writes reach the new pages.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gpu.h"

#define ANONYMOUS	(MAP_PRIVATE | MAP_ANONYMOUS)

/* Values that the memory has one after the other. */
enum { OLD = 0x1001, NEW, PEER, LATER };

/* A callback has run since @callbacks, and the old pages are gone from the page table. */
static void gpu_has_lost(const struct gpu *gpu, uint64_t callbacks)
{
	engine_called_since(callbacks);
	gpu_is_unmapped(gpu);
}

/*
 * The driver cannot map the memory. radeon ignores that it has no pages, and binds the address
 * 0, which is no page for the GPU of radeon_gart.c.
 */
static void gpu_cannot_map(struct gpu *gpu)
{
	if (!gpu_map(gpu))
		gpu_is_unmapped(gpu);
}

/* The memory is @value everywhere: mapped again, read, written by the process and the GPU. */
static void gpu_follows(struct gpu *gpu, uint64_t value)
{
	CHECK_EQ(gpu_map(gpu), 0);
	gpu_reads(gpu, value);
	memory_write(gpu->memory, LATER);
	gpu_reads(gpu, LATER);
	gpu_writes(gpu, PEER);
}

TEST(gpu_read_write)
{
	struct gpu gpu;

	gpu_open_touched(&gpu, OLD);
	memory_write(gpu.memory, NEW);
	gpu_reads(&gpu, NEW);
	gpu_writes(&gpu, PEER);
	gpu_close(&gpu);
	CHECK(engine_has_subscriptions(0));
}

TEST(gpu_munmap_mmap_raw)
{
	struct gpu gpu;
	uint64_t callbacks;

	gpu_open_touched(&gpu, OLD);
	callbacks = engine_callbacks();
	CHECK(!syscall(SYS_munmap, gpu.memory, LENGTH));
	gpu_has_lost(&gpu, callbacks);
	gpu_cannot_map(&gpu);
	CHECK_EQ(syscall(SYS_mmap, gpu.memory, LENGTH, PROT_READ | PROT_WRITE,
			 ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), (long)gpu.memory);
	gpu_follows(&gpu, 0);
}

TEST(gpu_mmap_over)
{
	struct gpu gpu;
	uint64_t callbacks;

	gpu_open_touched(&gpu, OLD);
	callbacks = engine_callbacks();
	memory_map(gpu.memory, ANONYMOUS | MAP_FIXED, -1);
	gpu_has_lost(&gpu, callbacks);
	gpu_follows(&gpu, 0);
}

/* gpusvm keeps the other pages. */
TEST(gpu_munmap_of_one_page)
{
	uint64_t buffer[PAGE_WORDS];
	size_t i, hole = 3 * PAGE;
	uint64_t callbacks;
	struct gpu gpu;
	char *memory;
	int ret;

	gpu_open_touched(&gpu, OLD);
	memory = (char *)gpu.memory;
	callbacks = engine_callbacks();
	CHECK(!munmap(memory + hole, PAGE));
	engine_called_since(callbacks);
	for (i = 0; i < LENGTH; i += PAGE) {
		ret = gpu_read(&gpu, i, buffer, PAGE);
		CHECK(ret == -ENXIO || (!ret && i != hole && buffer[PAGE_WORDS - 1] == OLD));
	}
	gpu_cannot_map(&gpu);
	CHECK(mmap(memory + hole, PAGE, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_FIXED_NOREPLACE,
		   -1, 0) == memory + hole);
	memory_write(gpu.memory, NEW);
	gpu_follows(&gpu, NEW);
}

/* The old pages live on elsewhere, and the GPU reaches them no more. */
TEST(gpu_mremap)
{
	uint64_t *away = memory_map(NULL, ANONYMOUS, -1);
	struct gpu gpu;
	uint64_t callbacks;

	gpu_open_touched(&gpu, OLD);
	callbacks = engine_callbacks();
	CHECK(mremap(gpu.memory, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, away) == away);
	gpu_has_lost(&gpu, callbacks);
	memory_map(gpu.memory, ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	gpu_follows(&gpu, 0);
	CHECK_EQ(memory_other_than(away, OLD), OLD);
}

TEST(gpu_mremap_over)
{
	uint64_t *fresh = memory_map(NULL, ANONYMOUS, -1);
	struct gpu gpu;
	uint64_t callbacks;

	gpu_open_touched(&gpu, OLD);
	memory_write(fresh, NEW);
	callbacks = engine_callbacks();
	CHECK(mremap(fresh, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, gpu.memory) ==
	      gpu.memory);
	gpu_has_lost(&gpu, callbacks);
	gpu_follows(&gpu, NEW);
}

TEST(gpu_madvise_dontneed)
{
	struct gpu gpu;
	uint64_t callbacks;

	gpu_open_touched(&gpu, OLD);
	callbacks = engine_callbacks();
	CHECK(!madvise(gpu.memory, LENGTH, MADV_DONTNEED));
	gpu_has_lost(&gpu, callbacks);
	gpu_follows(&gpu, 0);
}

TEST(gpu_mprotect)
{
	struct gpu gpu;
	uint64_t callbacks;

	gpu_open_touched(&gpu, OLD);
	callbacks = engine_callbacks();
	CHECK(!mprotect(gpu.memory, LENGTH, PROT_READ));
	gpu_has_lost(&gpu, callbacks);
	gpu_cannot_map(&gpu);
	CHECK_EQ(memory_other_than(gpu.memory, OLD), OLD);
	CHECK(!mprotect(gpu.memory, LENGTH, PROT_READ | PROT_WRITE));
	gpu_follows(&gpu, OLD);
}

/* Other memory of the process is discarded, and the pages of the GPU stay mapped. */
TEST(gpu_other_memory)
{
	uint64_t *other = memory_map(NULL, ANONYMOUS, -1);
	struct gpu gpu;

	gpu_open_touched(&gpu, OLD);
	memory_write(other, NEW);
	CHECK(!madvise(other, LENGTH, MADV_DONTNEED));
	gpu_reads(&gpu, OLD);
	gpu_writes(&gpu, PEER);
}

TEST(gpu_migrate)
{
	struct gpu gpu;
	uint64_t callbacks;
	int i;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP("a second NUMA node");
	gpu_open_touched(&gpu, OLD);
	CHECK(memory_move(gpu.memory, 0));
	for (i = 0; i < 4; i++) {
		CHECK_EQ(gpu_map(&gpu), 0);
		gpu_writes(&gpu, OLD + i);
		callbacks = engine_callbacks();
		CHECK(memory_move(gpu.memory, !(i % 2)));
		gpu_has_lost(&gpu, callbacks);
		gpu_follows(&gpu, OLD + i);
	}
}
