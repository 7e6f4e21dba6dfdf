// SPDX-License-Identifier: MIT
/* See grant.h. */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/gntalloc.h>

#include "grant.h"
#include "test.h"

/* <xen/gntdev.h> uses types of Xen's own headers. */
typedef uint32_t grant_ref_t;
typedef uint16_t domid_t;
#include <xen/gntdev.h>

/* Both structures end in an array. */
union alloc {
	struct ioctl_gntalloc_alloc_gref arg;
	uint8_t space[sizeof(struct ioctl_gntalloc_alloc_gref) + NR_GRANTS * sizeof(uint32_t)];
};

union map {
	struct ioctl_gntdev_map_grant_ref arg;
	uint8_t space[sizeof(struct ioctl_gntdev_map_grant_ref) +
		      NR_GRANTS * sizeof(struct ioctl_gntdev_grant_ref)];
};

static int device_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

void grants_open(struct grants *grants)
{
	union alloc alloc = {
		.arg = { .flags = GNTALLOC_FLAG_WRITABLE, .count = NR_GRANTS },
	};
	void *pages;

	grants->fd = device_open("/dev/xen/gntalloc");
	CHECK_EQ(ioctl(grants->fd, IOCTL_GNTALLOC_ALLOC_GREF, &alloc), 0);
	memcpy(grants->refs, alloc.arg.gref_ids, sizeof(grants->refs));
	pages = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, grants->fd,
		     (off_t)alloc.arg.index);
	CHECK(pages != MAP_FAILED);
	grants->pages = pages;
}

void mapping_open(struct mapping *mapping, const struct grants *grants)
{
	union map map = { .arg = { .count = NR_GRANTS } };
	unsigned int i;

	for (i = 0; i < NR_GRANTS; i++)
		map.arg.refs[i].ref = grants->refs[i];
	mapping->fd = device_open("/dev/xen/gntdev");
	CHECK_EQ(ioctl(mapping->fd, IOCTL_GNTDEV_MAP_GRANT_REF, &map), 0);
	mapping->index = map.arg.index;
}

void mapping_map(struct mapping *mapping, int prot)
{
	int flags = prot & PROT_WRITE ? MAP_SHARED : MAP_PRIVATE;
	void *pages = mmap(NULL, LENGTH, prot, flags, mapping->fd, (off_t)mapping->index);

	CHECK(pages != MAP_FAILED);
	mapping->pages = pages;
}

void mapping_clears_byte(const struct mapping *mapping)
{
	struct ioctl_gntdev_unmap_notify notify = {
		.index = mapping->index,
		.action = UNMAP_NOTIFY_CLEAR_BYTE,
	};

	CHECK_EQ(ioctl(mapping->fd, IOCTL_GNTDEV_SET_UNMAP_NOTIFY, &notify), 0);
}

/* A system call that reads a page that is not there fails, and sends no signal. */
unsigned int mapping_readable(const struct mapping *mapping)
{
	int fd = memfd_create("gntdev", MFD_CLOEXEC);
	unsigned int i, readable = 0;
	const void *word;

	CHECK(fd >= 0);
	for (i = 0; i < NR_GRANTS; i++) {
		word = (const void *)page_word(mapping->pages, i);
		if (pwrite(fd, word, sizeof(uint64_t), 0) == sizeof(uint64_t))
			readable |= 1U << i;
	}
	close(fd);
	return readable;
}

void mapping_close(const struct mapping *mapping)
{
	struct ioctl_gntdev_unmap_grant_ref unmap = {
		.index = mapping->index,
		.count = NR_GRANTS,
	};

	CHECK_EQ(ioctl(mapping->fd, IOCTL_GNTDEV_UNMAP_GRANT_REF, &unmap), 0);
	close(mapping->fd);
}

void grants_share(const struct grants *grants, const struct mapping *mapping,
		  unsigned int pages, uint64_t value)
{
	unsigned int i;

	for (i = 0; i < NR_GRANTS; i++) {
		if (!(pages & 1U << i))
			continue;
		*page_word(grants->pages, i) = ~value;
		CHECK_EQ(*page_word(mapping->pages, i), ~value);
		*page_word(mapping->pages, i) = value;
		CHECK_EQ(*page_word(grants->pages, i), value);
	}
}
