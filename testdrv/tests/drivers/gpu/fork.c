// SPDX-License-Identifier: MIT
/* gpu: copy-on-write after fork. */
#include <errno.h>

#include "child.h"
#include "gpu.h"

enum { OLD = 0x2001, NEW, PEER };

TEST(gpu_fork_then_process_writes)
{
	const uint64_t old = OLD;
	struct child child;
	struct gpu gpu;
	uint64_t callbacks;

	gpu_open_touched(&gpu, OLD);
	callbacks = engine_callbacks();
	child = child_start(gpu.memory, &old);
	engine_called_since(callbacks);
	memory_write(gpu.memory, NEW);
	CHECK_EQ(gpu_map(&gpu), 0);
	gpu_reads(&gpu, NEW);
	gpu_writes(&gpu, PEER);
	child_end(&child);
}

/* The mapping for the GPU copies the pages that the child has, too. */
TEST(gpu_fork_then_gpu_writes)
{
	const uint64_t old = OLD;
	struct child child;
	struct gpu gpu;

	gpu_open_touched(&gpu, OLD);
	child = child_start(gpu.memory, &old);
	gpu_is_unmapped(&gpu);
	CHECK_EQ(gpu_map(&gpu), 0);
	gpu_writes(&gpu, PEER);
	gpu_reads(&gpu, PEER);
	child_end(&child);
}
