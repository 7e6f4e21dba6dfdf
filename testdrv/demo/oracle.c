// SPDX-License-Identifier: MIT
/* See oracle.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oracle.h"

/* Bits of a /proc/PID/pagemap entry: Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PFN		((1ULL << 55) - 1)
#define PAGEMAP_SOFT_DIRTY	(1ULL << 55)
#define PAGEMAP_EXCLUSIVE	(1ULL << 56)
#define PAGEMAP_UFFD_WP		(1ULL << 57)
#define PAGEMAP_PRESENT		(1ULL << 63)

static int proc_open(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int oracle_open(struct oracle *oracle, pid_t pid)
{
	oracle->pagemap = proc_open(pid, "pagemap");
	if (oracle->pagemap < 0)
		return oracle->pagemap;
	oracle->maps = proc_open(pid, "maps");
	if (oracle->maps < 0) {
		close(oracle->pagemap);
		return oracle->maps;
	}
	return 0;
}

void oracle_close(struct oracle *oracle)
{
	close(oracle->pagemap);
	close(oracle->maps);
}

/*
 * The whole of the maps file as a string; empty if the address space is dead,
 * also (ESRCH) when its process was waited for.
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

static void mapping_apply(struct oracle_snapshot *snapshot, uintptr_t addr,
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

static int mappings_look(int fd, uintptr_t addr, struct oracle_snapshot *snapshot)
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

static int pages_look(int fd, uintptr_t addr, struct oracle_snapshot *snapshot)
{
	uint64_t entries[ORACLE_MAX_PAGES] = { 0 };
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	ssize_t ret;
	size_t i;

	ret = pread(fd, entries, snapshot->nr_pages * sizeof(entries[0]),
		    (off_t)(addr / page_size * sizeof(entries[0])));
	if (ret < 0)
		return -errno;
	for (i = 0; i < snapshot->nr_pages; i++) {
		struct oracle_page *page = &snapshot->pages[i];

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

int oracle_look(const struct oracle *oracle, const void *addr, size_t length,
		struct oracle_snapshot *snapshot)
{
	size_t nr_pages = length / (size_t)sysconf(_SC_PAGESIZE);
	int ret;

	if (nr_pages > ORACLE_MAX_PAGES)
		return -EINVAL;
	*snapshot = (struct oracle_snapshot){ .nr_pages = nr_pages };
	ret = mappings_look(oracle->maps, (uintptr_t)addr, snapshot);
	if (ret)
		return ret;
	return pages_look(oracle->pagemap, (uintptr_t)addr, snapshot);
}

static enum oracle_change page_compare(const struct oracle_page *before,
				       const struct oracle_page *after)
{
	if (before->mapped && !after->mapped)
		return ORACLE_GONE;
	if (before->present && after->present && before->pfn != after->pfn)
		return ORACLE_MOVED;
	if (before->present && !after->present)
		return ORACLE_NOT_PRESENT;
	if (before->prot & ~after->prot)
		return ORACLE_READ_ONLY;
	if (before->private_map && before->exclusive && !after->exclusive)
		return ORACLE_SHARED;
	if (!before->tracked && after->tracked)
		return ORACLE_TRACKED;
	if (before->soft_dirty && !after->soft_dirty)
		return ORACLE_SOFT_DIRTY;
	return ORACLE_SAME;
}

struct oracle_result oracle_compare(const struct oracle_snapshot *before,
				    const struct oracle_snapshot *after)
{
	struct oracle_result result = { .nr_pages = before->nr_pages };
	size_t i;

	for (i = 0; i < before->nr_pages; i++) {
		enum oracle_change change;

		change = page_compare(&before->pages[i], &after->pages[i]);
		if (change > result.change)
			result.change = change;
		result.nr_changed += change != ORACLE_SAME;
	}
	return result;
}

const char *oracle_change_name(enum oracle_change change)
{
	static const char *const names[] = {
		[ORACLE_SAME] = "same",
		[ORACLE_SOFT_DIRTY] = "soft-dirty",
		[ORACLE_TRACKED] = "tracked",
		[ORACLE_SHARED] = "shared",
		[ORACLE_READ_ONLY] = "read-only",
		[ORACLE_NOT_PRESENT] = "not-present",
		[ORACLE_MOVED] = "moved",
		[ORACLE_GONE] = "gone",
	};

	return names[change];
}
