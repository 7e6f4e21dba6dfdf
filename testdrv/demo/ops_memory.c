// SPDX-License-Identifier: MIT
/* Physical memory is put in order, or taken away: the pages in it must move. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sysfs.h"
#include "ops.h"
#include "pages.h"

#define COMPACT		"/proc/sys/vm/compact_memory"
#define BLOCKS		"/sys/devices/system/memory/"

/*
 * So much is taken to have the lowest pages of it: compaction moves upwards. It moves
 * pages to blocks that are in use in part, and first those that lie below ours: of each
 * STEP pages one is kept, so that there are such blocks, with room for many.
 */
#define FIELD_PAGES	32768UL
#define FIELD_STEP	128UL
/* Below it is x86's ZONE_DMA, which has little room to move to. */
#define DMA_END		(16UL << 20)

/* A block with a pinned page in it is not given up, only interrupted. */
#define OFFLINE_S	30
#define OFFLINE_PINNED_S	2

static const char *lacks_compaction(void)
{
	return access(COMPACT, W_OK) ? "compaction" : NULL;
}

/* The index of the lowest frame; 0 counts as none. */
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

	/* ENOMEM: the rest of it is done beside the holes that were picked. */
	for (i = 0; i < FIELD_PAGES; i += FIELD_STEP)
		if (madvise(field + (i + 1) * page_size, (FIELD_STEP - 1) * page_size,
			    MADV_DONTNEED) && errno != ENOMEM)
			return -errno;
	return 0;
}

/*
 * Pages at the bottom of memory, with all the room above them that compaction wants.
 * What is left of the field is the subject's, to its end.
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
	ret = range_map(field, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (ret)
		return ret;
	range_write(field, size);
	ret = pages_pfns(field, FIELD_PAGES, pfns);
	for (i = 0; i < FIELD_PAGES; i++)
		if (pfns[i] < DMA_END / subject->page_size)
			pfns[i] = 0;
	if (!ret)
		ret = field_pick(subject, field, pfns);
	return ret ? ret : field_thin(field, subject->page_size);
}

static int act_compact(struct actor *actor)
{
	int ret;

	actor_begin(actor);
	ret = sysfs_write(COMPACT, "1");
	actor_end(actor, 0);
	return ret;
}

/* The memory block, as /sys numbers them, of a page of this process. 0 or -errno. */
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
	ret = pages_pfns(addr, 1, &pfn);
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

/* Users' pages come from movable memory as long as there is some. */
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

/* A write that a signal ends when it takes too long. */
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
 * The block that the pages were in before they were pinned. To be pinned they
 * leave movable memory, and this goes; before 5.18 or so they stay, and it cannot.
 */
static int act_offline(struct actor *actor)
{
	struct subject *s = actor->subject;
	char path[96];
	int ret;

	block_path(s->block, "state", path, sizeof(path));
	actor_begin(actor);
	ret = state_write(path, "offline", s->pin ? OFFLINE_PINNED_S : OFFLINE_S);
	actor_end(actor, 0);
	if (ret)
		return s->pin && (ret == -EINTR || ret == -EBUSY) ? 0 : ret;
	return sysfs_write(path, "online_movable");
}

const struct demo_op ops_memory[] = {
	{
		.name = "memory compaction", .who = DEMO_KERNEL, .global = true,
		.pin_control = true, .map = map_low, .act = act_compact,
		.lacks = lacks_compaction,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_COMPACT,
	}, {
		.name = "memory block taken offline", .who = DEMO_KERNEL, .global = true,
		.map = map_movable, .act = act_offline, .lacks = lacks_movable,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_OFFLINE,
	},
	{ .name = NULL },
};
