// SPDX-License-Identifier: MIT
/*
 * radeon: memory of the process as a buffer object in the GART. Each gpu_map() makes a new
 * buffer object, because radeon maps an old one again only for a command of the GPU.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu.h"
#include "sysfs.h"

#define DRIVER_NODE	"/dev/dri/renderD128"
#define GART_NODE	"/dev/radeon_gart"
#define GART_OFFSET	"/sys/module/radeon_gart/parameters/offset"

/* From the kernel's uapi/drm/drm.h and radeon_drm.h, which no package has to install. */
struct userptr_arg {
	uint64_t addr;
	uint64_t size;
	uint32_t flags;
	uint32_t handle;
};

struct close_arg {
	uint32_t handle;
	uint32_t pad;
};

#define IOCTL_CLOSE	_IOW('d', 0x09, struct close_arg)
#define IOCTL_USERPTR	_IOWR('d', 0x6d, struct userptr_arg)
#define USERPTR_FLAGS	(1 << 1 | 1 << 2 | 1 << 3)	/* ANONONLY, VALIDATE, REGISTER */

/*
 * As a comment in radeon_mn_register() says. So radeon may map a page that another thread is
 * about to discard, unless the mmap lock excludes the two.
 */
bool gpu_has_read_section(void)
{
	return false;
}

void gpu_open(struct gpu *gpu, void *memory)
{
	*gpu = (struct gpu) {
		.driver = open(DRIVER_NODE, O_RDWR | O_CLOEXEC),
		.pages = open(GART_NODE, O_RDWR | O_CLOEXEC),
		.memory = memory,
	};
	CHECK(gpu->driver >= 0);
	CHECK(gpu->pages >= 0);
}

static void buffer_close(struct gpu *gpu)
{
	struct close_arg arg = { .handle = gpu->handle };

	if (gpu->handle)
		CHECK(!ioctl(gpu->driver, IOCTL_CLOSE, &arg));
	gpu->handle = 0;
}

void gpu_close(struct gpu *gpu)
{
	buffer_close(gpu);
	close(gpu->driver);
	close(gpu->pages);
}

int gpu_map(struct gpu *gpu)
{
	struct userptr_arg arg = {
		.addr = (uintptr_t)gpu->memory,
		.size = LENGTH,
		.flags = USERPTR_FLAGS,
	};

	buffer_close(gpu);
	if (ioctl(gpu->driver, IOCTL_USERPTR, &arg))
		return -errno;
	gpu->handle = arg.handle;
	gpu->position = sysfs_read(GART_OFFSET);
	CHECK(gpu->position >= 0);
	return 0;
}

/* Each buffer object of the same memory has a subscription of its own. */
TEST(radeon_buffers_of_one_memory)
{
	struct gpu gpus[8];
	uint64_t callbacks;
	int i;

	gpu_open_touched(&gpus[0], 1);
	for (i = 1; i < 8; i++) {
		gpu_open(&gpus[i], gpus[0].memory);
		CHECK_EQ(gpu_map(&gpus[i]), 0);
		gpu_reads(&gpus[i], i);
		gpu_writes(&gpus[i], i + 1);
	}
	CHECK(engine_has_subscriptions(8));
	callbacks = engine_callbacks();
	memory_map(gpus[0].memory, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
	CHECK_EQ(engine_callbacks() - callbacks, engine_is_pinwatch() ? 8 : 0);
	for (i = 0; i < 8; i++)
		gpu_is_unmapped(&gpus[i]);
	for (i = 0; i < 8; i++)
		gpu_close(&gpus[i]);
	CHECK(engine_has_subscriptions(0));
}
