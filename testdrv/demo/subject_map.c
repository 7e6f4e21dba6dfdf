// SPDX-License-Identifier: MIT
/* The kinds of memory that an operation is done to; see subject.h. */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"
#include "placement.h"
#include "subject.h"

int range_map(char *addr, size_t length, int prot, int flags, int fd)
{
	void *map = mmap(addr, length, prot, flags | MAP_FIXED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	/* So that each page is one page; fails only where there is no THP. */
	madvise(map, length, MADV_NOHUGEPAGE);
	return 0;
}

void range_write(char *addr, size_t length)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	size_t offset;

	for (offset = 0; offset < length; offset += page_size)
		memset(addr + offset, 'p', page_size);
}

void range_read(const volatile char *addr, size_t length)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	size_t offset;

	for (offset = 0; offset < length; offset += page_size)
		(void)addr[offset];
}

int subject_map_written(struct subject *subject)
{
	int ret;

	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!ret)
		range_write(subject->addr, subject->length);
	return ret;
}

int subject_map_zero(struct subject *subject)
{
	int ret;

	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (!ret)
		range_read(subject->addr, subject->length);
	return ret;
}

int subject_map_file(struct subject *subject, int map_flags)
{
	int ret;

	subject->fd = memfd_create("pinwatch-demo", MFD_CLOEXEC);
	if (subject->fd < 0 || ftruncate(subject->fd, (off_t)subject->length))
		return -errno;
	/* Fill the file through a shared mapping, then map it as asked for. */
	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE,
			MAP_SHARED, subject->fd);
	if (ret)
		return ret;
	range_write(subject->addr, subject->length);
	if (map_flags == MAP_SHARED)
		return 0;
	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE,
			map_flags, subject->fd);
	if (!ret)
		range_read(subject->addr, subject->length);
	return ret;
}

int subject_map_read_only(struct subject *subject)
{
	int ret = subject_map_zero(subject);

	if (ret)
		return ret;
	return mprotect(subject->addr, subject->length, PROT_READ) ? -errno : 0;
}

int subject_map_brk(struct subject *subject)
{
	uintptr_t mask = subject->page_size - 1;
	uintptr_t start = ((uintptr_t)sbrk(0) + mask) & ~mask;

	subject->addr = (char *)start;
	if (brk(subject->addr + subject->length))
		return -errno;
	madvise(subject->addr, subject->length, MADV_NOHUGEPAGE);
	range_write(subject->addr, subject->length);
	return 0;
}

int subject_map_forked(struct subject *subject)
{
	int ret = subject_map_written(subject);

	return ret ? ret : subject_fork_helper(subject);
}

int subject_map_huge(struct subject *subject)
{
	void *map = mmap(subject->addr, SUBJECT_HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (map == MAP_FAILED || madvise(map, SUBJECT_HUGE, MADV_HUGEPAGE))
		return -errno;
	range_write(subject->addr, SUBJECT_HUGE);
	return placement_huge(subject->addr) ? 0 : -ENOMEM;
}

int subject_stay(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	if (cpu < 0)
		return -errno;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* MADV_COLD of whatever mapping empties this processor's batches first. */
int subject_settle(const struct subject *subject)
{
	return madvise(subject->spare, subject->length, MADV_COLD) ? -errno : 0;
}
