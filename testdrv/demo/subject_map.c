// SPDX-License-Identifier: MIT
/* The kinds of memory for the watched range; see subject.h. */
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
	/* Fails only on a kernel without transparent huge pages. */
	madvise(map, length, MADV_NOHUGEPAGE);
	return 0;
}

int range_map_anonymous(char *addr, size_t length)
{
	return range_map(addr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

int range_map_huge(char *addr)
{
	void *map = mmap(addr, SUBJECT_HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return map == MAP_FAILED || madvise(map, SUBJECT_HUGE, MADV_HUGEPAGE) ? -errno : 0;
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
	int ret = range_map_anonymous(subject->addr, subject->length);

	if (!ret)
		range_write(subject->addr, subject->length);
	return ret;
}

int subject_map_zero(struct subject *subject)
{
	int ret = range_map_anonymous(subject->addr, subject->length);

	if (!ret)
		range_read(subject->addr, subject->length);
	return ret;
}

int subject_map_fd(struct subject *subject, int fd)
{
	subject->fd = fd;
	if (ftruncate(fd, (off_t)subject->length))
		return -errno;
	return range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

int subject_map_shared(struct subject *subject)
{
	int ret, fd = memfd_create("pinwatch-demo", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	ret = subject_map_fd(subject, fd);
	if (!ret)
		range_write(subject->addr, subject->length);
	return ret;
}

/* The shared mapping fills the file. */
int subject_map_private(struct subject *subject)
{
	int ret = subject_map_shared(subject);

	if (ret)
		return ret;
	ret = range_map(subject->addr, subject->length, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			subject->fd);
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
	int ret = range_map_huge(subject->addr);

	if (ret)
		return ret;
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

/* MADV_COLD of any mapping first drains the batches of the processor. */
int subject_settle(const struct subject *subject)
{
	return madvise(subject->spare, subject->length, MADV_COLD) ? -errno : 0;
}
