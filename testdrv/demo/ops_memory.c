// SPDX-License-Identifier: MIT
/* Compaction and memory hot-remove: the kernel must move the pages. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"
#include "placement.h"
#include "sysfs.h"

#define COMPACT		"/proc/sys/vm/compact_memory"
#define BLOCKS		"/sys/devices/system/memory/"

/*
 * The watched pages are the lowest of FIELD_PAGES allocated pages, because compaction
 * moves pages upwards. Compaction moves pages into blocks that are partly in use, and
 * starts with the pages below the watched pages. So one of each FIELD_STEP pages stays
 * allocated, which leaves many blocks with free pages.
 */
#define FIELD_PAGES	32768UL
#define FIELD_STEP	128UL
/* The end of ZONE_DMA of x86: has few free pages as a target. */
#define DMA_END		(16UL << 20)

/* Seconds until a signal ends the write; a pinned page blocks offlining. */
#define OFFLINE_S	30
#define OFFLINE_PINNED_S	2

static const char *lacks_compaction(void)
{
	return access(COMPACT, W_OK) ? "compaction" : NULL;
}

/* The index of the lowest frame number, not counting 0. */
static size_t lowest(const uint64_t *pfns, size_t nr)
{
	size_t i, best = 0;

	for (i = 1; i < nr; i++)
		if (pfns[i] && (!pfns[best] || pfns[i] < pfns[best]))
			best = i;
	return best;
}

static int field_pick(struct subject *subject, char *field, uint64_t *pfns)
{
	size_t i, page_size = subject->page_size;

	for (i = 0; i < SUBJECT_PAGES; i++) {
		size_t best = lowest(pfns, FIELD_PAGES);

		if (!pfns[best])
			return -ENOMEM;
		pfns[best] = 0;
		if (mremap(field + best * page_size, page_size, page_size,
			   MREMAP_MAYMOVE | MREMAP_FIXED,
			   subject->addr + i * page_size) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

static int field_thin(char *field, size_t page_size)
{
	size_t i;

	/* ENOMEM: the range has holes, where mremap() took pages; the rest is done. */
	for (i = 0; i < FIELD_PAGES; i += FIELD_STEP)
		if (madvise(field + (i + 1) * page_size, (FIELD_STEP - 1) * page_size,
			    MADV_DONTNEED) && errno != ENOMEM)
			return -errno;
	return 0;
}

/*
 * Low pages, with the free pages above them that compaction needs. The subject keeps the
 * rest of the field until it exits.
 */
static int map_low(struct subject *subject)
{
	static uint64_t pfns[FIELD_PAGES];
	size_t size = FIELD_PAGES * subject->page_size;
	char *field = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;
	int ret;

	if (field == MAP_FAILED)
		return -errno;
	ret = range_map_anonymous(field, size);
	if (ret)
		return ret;
	range_write(field, size);
	ret = placement_pfns(field, FIELD_PAGES, pfns);
	for (i = 0; i < FIELD_PAGES; i++)
		if (pfns[i] < DMA_END / subject->page_size)
			pfns[i] = 0;
	if (!ret)
		ret = field_pick(subject, field, pfns);
	return ret ? ret : field_thin(field, subject->page_size);
}

static int act_compact(struct actor *actor)
{
	return ACT_ERRNO(actor, sysfs_write(COMPACT, "1"));
}

/* Find the memory block of a page, by its number in /sys. 0 or -errno. */
static int block_of(const void *addr, unsigned long *block)
{
	char text[32], *end;
	unsigned long size;
	uint64_t pfn = 0;
	int ret;

	sysfs_read_text(BLOCKS "block_size_bytes", text, sizeof(text));
	size = strtoul(text, &end, 16);
	if (end == text || !size)
		return -ENOENT;
	ret = placement_pfns(addr, 1, &pfn);
	if (ret)
		return ret;
	if (!pfn)
		return -ENXIO;
	*block = pfn * (unsigned long)sysconf(_SC_PAGESIZE) / size;
	return 0;
}

static void block_path(unsigned long block, const char *file, char *path, size_t size)
{
	snprintf(path, size, BLOCKS "memory%lu/%s", block, file);
}

static bool block_movable(unsigned long block)
{
	char path[96], zones[64];

	block_path(block, "valid_zones", path, sizeof(path));
	sysfs_read_text(path, zones, sizeof(zones));
	return !strncmp(zones, "Movable", strlen("Movable"));
}

/* The kernel prefers movable memory for the pages of user space. */
static const char *lacks_movable(void)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long block;
	bool movable;

	if (page == MAP_FAILED)
		return "memory";
	*page = 1;
	movable = !block_of((void *)page, &block) && block_movable(block);
	munmap((void *)page, page_size);
	return movable ? NULL : "movable memory that can be taken away";
}

static int map_movable(struct subject *subject)
{
	int ret = subject_map_written(subject);

	if (!ret)
		ret = block_of(subject->addr, &subject->block);
	if (ret)
		return ret;
	return block_movable(subject->block) ? 0 : -ENOMEM;
}

static void alarm_ignore(int signal)
{
	(void)signal;
}

/* Write @state; after @seconds a signal interrupts the write. 0 or -errno. */
static int state_write(const char *path, const char *state, unsigned int seconds)
{
	struct sigaction action = { .sa_handler = alarm_ignore }, old;
	int ret;

	sigaction(SIGALRM, &action, &old);
	alarm(seconds);
	ret = sysfs_write(path, state);
	alarm(0);
	sigaction(SIGALRM, &old, NULL);
	return ret;
}

/*
 * Take the block offline that held the pages before the pin. A pin migrates the pages out
 * of movable memory, so the block can go offline. Before about 5.18 a pin leaves the
 * pages in the block, and the block cannot.
 */
static int act_offline(struct actor *actor)
{
	struct subject *s = actor->subject;
	char path[96];
	int ret;

	block_path(s->block, "state", path, sizeof(path));
	ret = ACT_ERRNO(actor, state_write(path, "offline",
					   s->pin ? OFFLINE_PINNED_S : OFFLINE_S));
	if (ret)
		return s->pin && (ret == -EINTR || ret == -EBUSY) ? 0 : ret;
	return sysfs_write(path, "online_movable");
}

const struct demo_op ops_memory[] = {
	{
		.name = "memory compaction", .by = DEMO_BY_KERNEL, .global = true,
		.pin_control = true, .map = map_low, .act = act_compact,
		.lacks = lacks_compaction,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COMPACT,
	}, {
		.name = "memory block taken offline", .by = DEMO_BY_KERNEL, .global = true,
		.map = map_movable, .act = act_offline, .lacks = lacks_movable,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_OFFLINE,
	},
	{ .name = NULL },
};
