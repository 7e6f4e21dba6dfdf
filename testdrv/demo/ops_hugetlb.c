// SPDX-License-Identifier: MIT
/* Reserved huge pages (hugetlb). The watched range is the beginning of a huge page. */
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"
#include "sysfs.h"

#define FREE_PAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"

/* The mapped page, its copy, and two for pages still being freed. */
#define NR_NEEDED	4

#define MAP_HUGE_2M	(21 << MAP_HUGE_SHIFT)
/*
 * The kernel shares the page table of 1 GiB of a file between two mappings that begin at a
 * multiple of 1 GiB. 64-bit programs only.
 */
#define TABLE		(1UL << 30)
#define TABLE_ADDR	((char *)(uintptr_t)0x600000000000ULL)

#define MAP_RESERVED	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2M)

static const char *lacks_hugetlb(void)
{
	return sysfs_read(FREE_PAGES) < NR_NEEDED ? "4 free huge pages (hugepages=)" : NULL;
}

static int map_hugetlb(struct subject *subject)
{
	void *map = mmap(subject->addr, SUBJECT_HUGE, PROT_READ | PROT_WRITE,
			 MAP_RESERVED | MAP_FIXED, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	range_write(subject->addr, SUBJECT_HUGE);
	return 0;
}

static int map_forked(struct subject *subject)
{
	int ret = map_hugetlb(subject);

	return ret ? ret : subject_fork_helper(subject);
}

/* Map one file twice, so that the two mappings share a page table. */
static int map_shared_table(struct subject *subject)
{
	int i, fd = memfd_create("demo", MFD_CLOEXEC | MFD_HUGETLB | (21U << MFD_HUGE_SHIFT));

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, TABLE))
		return -errno;
	subject->fd = fd;
	subject->addr = TABLE_ADDR;
	for (i = 0; i < 2; i++) {
		char *addr = TABLE_ADDR + i * TABLE;

		if (mmap(addr, TABLE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE |
			 MAP_FIXED, fd, 0) != addr)
			return -errno;
		range_write(addr, SUBJECT_HUGE);
	}
	return 0;
}

static int act_unshare(struct actor *actor)
{
	return ACT(actor, mprotect(actor->subject->addr, TABLE, PROT_READ));
}

static int act_munmap(struct actor *actor)
{
	return ACT(actor, munmap(actor->subject->addr, SUBJECT_HUGE));
}

static int act_dontneed(struct actor *actor)
{
	return ACT(actor, madvise(actor->subject->addr, SUBJECT_HUGE, MADV_DONTNEED));
}

static int act_mprotect(struct actor *actor)
{
	return ACT(actor, mprotect(actor->subject->addr, SUBJECT_HUGE, PROT_READ));
}

static int act_mremap(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, (long)mremap(s->addr, SUBJECT_HUGE, SUBJECT_HUGE,
				       MREMAP_MAYMOVE | MREMAP_FIXED, s->spare));
}

/* Does @call succeed on an unpopulated mapping of a huge page? */
static bool hugetlb_can(bool (*call)(char *addr))
{
	char *addr = mmap(NULL, SUBJECT_HUGE, PROT_READ | PROT_WRITE, MAP_RESERVED, -1, 0);
	bool ret;

	if (addr == MAP_FAILED)
		return false;
	ret = call(addr);
	munmap(addr, SUBJECT_HUGE);
	return ret;
}

static bool can_dontneed(char *addr)
{
	return !madvise(addr, SUBJECT_HUGE, MADV_DONTNEED);
}

static bool can_mremap(char *addr)
{
	char *area = mmap(NULL, 2 * SUBJECT_HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t target = ((uintptr_t)area + SUBJECT_HUGE - 1) & ~(SUBJECT_HUGE - 1);
	void *moved;

	if (area == MAP_FAILED)
		return false;
	moved = mremap(addr, SUBJECT_HUGE, SUBJECT_HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
	munmap(area, 2 * SUBJECT_HUGE);
	return moved != MAP_FAILED;
}

static const char *lacks_dontneed(void)
{
	const char *lacks = lacks_hugetlb();

	if (lacks)
		return lacks;
	return hugetlb_can(can_dontneed) ? NULL : "MADV_DONTNEED of hugetlb (5.18)";
}

static const char *lacks_mremap(void)
{
	const char *lacks = lacks_hugetlb();

	if (lacks)
		return lacks;
	return hugetlb_can(can_mremap) ? NULL : "mremap of hugetlb (5.16)";
}

const struct demo_op ops_hugetlb[] = {
	{
		.name = "munmap, hugetlb", .map = map_hugetlb, .act = act_munmap,
		.lacks = lacks_hugetlb,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_UNMAP, .cause = PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "madvise MADV_DONTNEED, hugetlb", .map = map_hugetlb,
		.act = act_dontneed, .lacks = lacks_dontneed,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MADVISE,
	}, {
		.name = "mprotect PROT_READ, hugetlb", .map = map_hugetlb, .act = act_mprotect,
		.lacks = lacks_hugetlb,
		.watch = MUST_PROTECT, .pin = MUST_PROTECT, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_MPROTECT,
	}, {
		.name = "mprotect, shared table, hugetlb", .map = map_shared_table,
		.act = act_unshare, .lacks = lacks_hugetlb, .unshares = true,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_MPROTECT,
	}, {
		.name = "mremap, move, hugetlb", .map = map_hugetlb, .act = act_mremap,
		.lacks = lacks_mremap,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_MREMAP,
	}, {
		.name = "fork, hugetlb", .map = map_hugetlb, .act = op_fork,
		.lacks = lacks_hugetlb,
		.watch = MUST_PROTECT, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_FORK,
	}, {
		.name = "write after fork, hugetlb", .map = map_forked, .act = op_write,
		.lacks = lacks_hugetlb,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COW,
	},
	{ .name = NULL },
};
