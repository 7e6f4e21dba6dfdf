// SPDX-License-Identifier: MIT
/* The page frame and the NUMA node of a page; see placement.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pagemap.h"
#include "placement.h"
#include "sysfs.h"

#define KPF_THP	(1ULL << 22)	/* of /proc/kpageflags */

/* Read @nr 64-bit words from @path, starting with word @index. 0 or -errno. */
static int words_read(const char *path, uint64_t index, size_t nr, uint64_t *words)
{
	size_t size = nr * sizeof(*words);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return -errno;
	ret = pread(fd, words, size, (off_t)(index * sizeof(*words)));
	close(fd);
	return ret == (ssize_t)size ? 0 : -EIO;
}

int placement_pfns(const void *addr, size_t nr, uint64_t *pfns)
{
	uint64_t index = (uintptr_t)addr / (size_t)sysconf(_SC_PAGESIZE);
	int ret = words_read("/proc/self/pagemap", index, nr, pfns);
	size_t i;

	for (i = 0; !ret && i < nr; i++)
		pfns[i] = pfns[i] & PAGEMAP_PRESENT ? pfns[i] & PAGEMAP_PFN : 0;
	return ret;
}

bool placement_huge(const void *addr)
{
	uint64_t pfn = 0, flags = 0;

	if (placement_pfns(addr, 1, &pfn) || !pfn ||
	    words_read("/proc/kpageflags", pfn, 1, &flags))
		return false;
	return flags & KPF_THP;
}

int placement_node(pid_t pid, void *addr)
{
	int status = -ENOENT;

	if (syscall(SYS_move_pages, pid, 1UL, &addr, NULL, &status, 0))
		return -errno;
	return status;
}

const char *lacks_two_nodes(void)
{
	return access("/sys/devices/system/node/node1", F_OK) ? "a second NUMA node" : NULL;
}

const char *lacks_huge(void)
{
	char text[64];

	sysfs_read_text("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text));
	return !text[0] || strstr(text, "[never]") ? "transparent huge pages" : NULL;
}
