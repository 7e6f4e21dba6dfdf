/* SPDX-License-Identifier: MIT */
/*
 * radeon, gpusvm: a GPU reads and writes memory of a process while the memory changes. The
 * driver maps pages into the page table of the GPU, and the callback of the interval notifier
 * unmaps them. A module of testdrv/tests/drivers/gpu/module is the GPU: it reaches memory only
 * through that page table. radeon.c and gpusvm.c are the two drivers.
 */
#ifndef GPU_H
#define GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "memory.h"
#include "test.h"

/**
 * struct gpu - a GPU, and the memory that it reaches
 * @driver: The driver.
 * @pages: The memory as the GPU sees it: a file whose page table is that of the GPU.
 * @position: Where @memory begins in @pages.
 * @handle: Private to radeon.c.
 */
struct gpu {
	int driver;
	int pages;
	int64_t position;
	uint32_t handle;
	uint64_t *memory;
};

/* What each driver has. */

/* Open the driver for @memory. */
void gpu_open(struct gpu *gpu, void *memory);
/* The driver forgets the memory, and keeps no subscription. */
void gpu_close(struct gpu *gpu);
/* Map the memory into the page table of the GPU, as it is now. 0 or -errno. */
int gpu_map(struct gpu *gpu);
/* Does the driver map pages in a read section, as the interval notifier asks for? */
bool gpu_has_read_section(void);

/* gpu.c defines these functions, for radeon and for gpusvm. */

/*
 * Read or write @length bytes of the memory, from @offset on, through the present page table of
 * the GPU. 0, or -ENXIO if a page is not mapped there.
 */
int gpu_read(const struct gpu *gpu, size_t offset, uint64_t *buffer, size_t length);
int gpu_write(const struct gpu *gpu, size_t offset, const uint64_t *buffer, size_t length);

/* Open the driver for new anonymous memory, where the GPU has written @value. */
void gpu_open_touched(struct gpu *gpu, uint64_t value);
/* The memory is mapped for the GPU. The GPU reads @value in every word. */
void gpu_reads(struct gpu *gpu, uint64_t value);
/* The memory is mapped for the GPU. The GPU writes @value, and the process sees it. */
void gpu_writes(struct gpu *gpu, uint64_t value);
/* No page of the memory is mapped for the GPU. */
void gpu_is_unmapped(const struct gpu *gpu);

#endif /* GPU_H */
