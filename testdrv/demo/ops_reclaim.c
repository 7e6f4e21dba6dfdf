// SPDX-License-Identifier: MIT
/* The kernel writes pages to the swap area, and skips pinned pages. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cgroup.h"
#include "ops.h"

#ifndef SYS_process_madvise
#define SYS_process_madvise	440
#endif

static const char *lacks_swap(void)
{
	FILE *file = fopen("/proc/swaps", "re");
	char line[256];
	int nr_lines = 0;

	if (!file)
		return "swap";
	while (fgets(line, sizeof(line), file))
		nr_lines++;
	fclose(file);
	return nr_lines > 1 ? NULL : "a swap area";
}

/* Inactive pages outside any batch: the kernel can reclaim them at once. */
static int map_cold(struct subject *subject)
{
	int ret = subject_stay();

	if (!ret)
		ret = subject_map_written(subject);
	if (ret)
		return ret;
	if (madvise(subject->addr, subject->length, MADV_COLD))
		return -errno;
	return subject_settle(subject);
}

static int act_pageout(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_PAGEOUT));
}

static int act_process_pageout(struct actor *actor)
{
	struct subject *s = actor->subject;
	struct iovec range = { .iov_base = s->addr, .iov_len = s->length };
	int ret, pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);

	if (pidfd < 0)
		return -errno;
	ret = ACT(actor, syscall(SYS_process_madvise, pidfd, &range, 1UL, MADV_PAGEOUT, 0));
	close(pidfd);
	return ret;
}

static int memory_cgroup_make(void)
{
	return cgroup_make("memory");
}

static const char *lacks_memory_cgroup(void)
{
	const char *lacks = lacks_swap();

	if (!lacks && (memory_cgroup_make() || !cgroup_has("memory.high")))
		lacks = "control groups (v2) with memory";
	cgroup_remove();
	return lacks;
}

/* The cgroup is charged for pages populated from here on, so not for the control range. */
static int map_in_cgroup(struct subject *subject)
{
	int ret = cgroup_join();

	return ret ? ret : map_cold(subject);
}

/* memory.reclaim exists from 5.19 on. Lowering memory.high has the same effect. */
static int memory_cgroup_reclaim(size_t length)
{
	char bytes[32];
	int ret, restore;

	snprintf(bytes, sizeof(bytes), "%zu", length);
	if (cgroup_has("memory.reclaim"))
		return cgroup_write("memory.reclaim", bytes);
	ret = cgroup_write("memory.high", "0");
	restore = cgroup_write("memory.high", "max");
	return ret ? ret : restore;
}

/* memory.reclaim fails with EAGAIN if the pages are pinned. */
static int act_reclaim(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret = ACT_ERRNO(actor, memory_cgroup_reclaim(s->length));

	return ret == -EAGAIN && s->pin ? 0 : ret;
}

const struct demo_op ops_reclaim[] = {
	{
		.name = "madvise MADV_PAGEOUT", .map = map_cold, .act = act_pageout,
		.lacks = lacks_swap,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_RECLAIM,
	}, {
		.name = "process_madvise MADV_PAGEOUT", .by = DEMO_BY_OTHER, .map = map_cold,
		.act = act_process_pageout, .lacks = lacks_swap,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_RECLAIM,
	}, {
		.name = "reclaimed from a memory cgroup", .by = DEMO_BY_OTHER, .global = true,
		.map = map_in_cgroup, .act = act_reclaim, .lacks = lacks_memory_cgroup,
		.prepare = memory_cgroup_make, .cleanup = cgroup_remove,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_RECLAIM,
	},
	{ .name = NULL },
};
