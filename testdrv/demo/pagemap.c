// SPDX-License-Identifier: MIT
/* The oracle of the demonstration; see pagemap.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pagemap.h"

static int proc_open(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int pagemap_open(struct pagemap *pagemap, pid_t pid)
{
	pagemap->pagemap_fd = proc_open(pid, "pagemap");
	if (pagemap->pagemap_fd < 0)
		return pagemap->pagemap_fd;
	pagemap->maps_fd = proc_open(pid, "maps");
	if (pagemap->maps_fd < 0) {
		close(pagemap->pagemap_fd);
		return pagemap->maps_fd;
	}
	return 0;
}

void pagemap_close(struct pagemap *pagemap)
{
	close(pagemap->pagemap_fd);
	close(pagemap->maps_fd);
}

/*
 * Read the whole maps file as a string. The string is empty after the address space
 * was destroyed; read() fails with ESRCH after the parent has waited for the process.
 */
static int maps_read(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t ret;

	do {
		ret = pread(fd, buf + used, size - 1 - used, (off_t)used);
		if (ret < 0 && errno == ESRCH)
			ret = 0;
		if (ret < 0)
			return -errno;
		used += (size_t)ret;
	} while (ret && used < size - 1);
	buf[used] = '\0';
	return used < size - 1 ? 0 : -EFBIG;
}

static unsigned int prot_parse(const char *perms)
{
	return (perms[0] == 'r' ? PROT_READ : 0) |
	       (perms[1] == 'w' ? PROT_WRITE : 0) |
	       (perms[2] == 'x' ? PROT_EXEC : 0);
}

static void mapping_apply(struct pagemap_snapshot *snapshot, uintptr_t addr,
			  uintptr_t start, uintptr_t end, const char *perms)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	size_t i;

	for (i = 0; i < snapshot->nr_pages; i++, addr += page_size) {
		if (addr < start || addr >= end)
			continue;
		snapshot->pages[i].mapped = true;
		snapshot->pages[i].prot = prot_parse(perms);
		snapshot->pages[i].private_map = perms[3] == 'p';
	}
}

static int mappings_read(int fd, uintptr_t addr, struct pagemap_snapshot *snapshot)
{
	static char text[256 * 1024];
	char *line, *save = NULL;
	int ret;

	ret = maps_read(fd, text, sizeof(text));
	if (ret)
		return ret;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uintptr_t start, end;
		char perms[5];

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, perms) != 3)
			return -EPROTO;
		mapping_apply(snapshot, addr, start, end, perms);
	}
	return 0;
}

static int pages_read(int fd, uintptr_t addr, struct pagemap_snapshot *snapshot)
{
	uint64_t entries[PAGEMAP_MAX_PAGES] = { 0 };
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	ssize_t ret;
	size_t i;

	ret = pread(fd, entries, snapshot->nr_pages * sizeof(entries[0]),
		    (off_t)(addr / page_size * sizeof(entries[0])));
	if (ret < 0)
		return -errno;
	for (i = 0; i < snapshot->nr_pages; i++) {
		struct pagemap_page *page = &snapshot->pages[i];

		page->soft_dirty = entries[i] & PAGEMAP_SOFT_DIRTY;
		page->tracked = entries[i] & PAGEMAP_UFFD_WP;
		page->present = entries[i] & PAGEMAP_PRESENT;
		if (!page->present)
			continue;
		page->exclusive = entries[i] & PAGEMAP_EXCLUSIVE;
		page->pfn = entries[i] & PAGEMAP_PFN;
		if (!page->pfn)
			return -EPERM;
	}
	return 0;
}

int pagemap_read(const struct pagemap *pagemap, const void *addr, size_t length,
		 struct pagemap_snapshot *snapshot)
{
	size_t nr_pages = length / (size_t)sysconf(_SC_PAGESIZE);
	int ret;

	if (nr_pages > PAGEMAP_MAX_PAGES)
		return -EINVAL;
	*snapshot = (struct pagemap_snapshot){ .nr_pages = nr_pages };
	ret = mappings_read(pagemap->maps_fd, (uintptr_t)addr, snapshot);
	if (ret)
		return ret;
	return pages_read(pagemap->pagemap_fd, (uintptr_t)addr, snapshot);
}

static enum page_change page_compare(const struct pagemap_page *before,
				     const struct pagemap_page *after)
{
	if (before->mapped && !after->mapped)
		return PAGE_GONE;
	if (before->present && after->present && before->pfn != after->pfn)
		return PAGE_MOVED;
	if (before->present && !after->present)
		return PAGE_NOT_PRESENT;
	if (before->prot & ~after->prot)
		return PAGE_READ_ONLY;
	if (before->private_map && before->exclusive && !after->exclusive)
		return PAGE_SHARED;
	if (!before->tracked && after->tracked)
		return PAGE_TRACKED;
	if (before->soft_dirty && !after->soft_dirty)
		return PAGE_SOFT_DIRTY;
	return PAGE_SAME;
}

struct pagemap_diff pagemap_compare(const struct pagemap_snapshot *before,
				    const struct pagemap_snapshot *after)
{
	struct pagemap_diff result = { .nr_pages = before->nr_pages };
	size_t i;

	for (i = 0; i < before->nr_pages; i++) {
		enum page_change change;

		change = page_compare(&before->pages[i], &after->pages[i]);
		if (change > result.change)
			result.change = change;
		result.nr_changed += change != PAGE_SAME;
	}
	return result;
}

const char *page_change_name(enum page_change change)
{
	static const char *const names[] = {
		[PAGE_SAME] = "same",
		[PAGE_SOFT_DIRTY] = "soft-dirty",
		[PAGE_TRACKED] = "tracked",
		[PAGE_SHARED] = "shared",
		[PAGE_READ_ONLY] = "read-only",
		[PAGE_NOT_PRESENT] = "not-present",
		[PAGE_MOVED] = "moved",
		[PAGE_GONE] = "gone",
	};

	return names[change];
}
