// SPDX-License-Identifier: MIT
/*
 * drivers: a range of memory and a driver model that uses the range; see models.h
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "models.h"

uint64_t *model_word(struct model *m, size_t page)
{
	return (uint64_t *)(m->addr + page * m->page_size);
}

struct model model_start(const char *name, size_t nr_pages)
{
	struct model m = { .fd = drivers_open(name), .page_size = (size_t)sysconf(_SC_PAGESIZE) };
	size_t page;

	CHECK(m.fd >= 0);
	m.length = nr_pages * m.page_size;
	m.addr = mmap(NULL, m.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m.addr != MAP_FAILED);
	madvise(m.addr, m.length, MADV_NOHUGEPAGE);
	for (page = 0; page < nr_pages; page++)
		*model_word(&m, page) = page;
	CHECK_EQ(model_add(&m, 0, nr_pages), 0);
	return m;
}

void model_stop(struct model *m)
{
	close(m->fd);
	munmap(m->addr, m->length);
}

int model_add(struct model *m, size_t first, size_t nr_pages)
{
	struct model_range range = {
		.addr = (uintptr_t)model_word(m, first), .length = nr_pages * m->page_size,
	};

	return ioctl(m->fd, MODEL_IOC_ADD, &range) ? -errno : 0;
}

int model_read(struct model *m, size_t page, uint64_t *value)
{
	struct model_access access = { .addr = (uintptr_t)model_word(m, page) };

	if (ioctl(m->fd, MODEL_IOC_ACCESS, &access))
		return -errno;
	if (value)
		*value = access.value;
	return 0;
}

int model_write(struct model *m, size_t page, uint64_t value)
{
	struct model_access access = {
		.addr = (uintptr_t)model_word(m, page), .value = value,
		.flags = MODEL_ACCESS_WRITE,
	};

	return ioctl(m->fd, MODEL_IOC_ACCESS, &access) ? -errno : 0;
}

int model_next(struct model *m)
{
	__u32 id;

	return ioctl(m->fd, MODEL_IOC_NEXT, &id) ? -errno : (int)id;
}

struct model_info model_info(struct model *m)
{
	struct model_info info;

	CHECK_EQ(ioctl(m->fd, MODEL_IOC_INFO, &info), 0);
	return info;
}
