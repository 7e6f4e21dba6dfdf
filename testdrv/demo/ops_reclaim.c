// SPDX-License-Identifier: MIT
/* Pages go to the swap area. Those that are pinned are passed by. */
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

/* Pages that can be reclaimed at once: not used lately, and in no batch. */
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

static int memory_group_make(void)
{
	return cgroup_make("memory");
}

static const char *lacks_memory_group(void)
{
	const char *lacks = lacks_swap();

	if (!lacks && (memory_group_make() || !cgroup_has("memory.high")))
		lacks = "control groups (v2) with memory";
	cgroup_remove();
	return lacks;
}

/* Charged to the group is what is touched from here on: not the control range. */
static int map_in_group(struct subject *subject)
{
	int ret = cgroup_join();

	return ret ? ret : map_cold(subject);
}

/*
 * Lowering the limit reclaims at once, as memory.reclaim does from 5.19 on; that
 * gives up with EAGAIN where pages are pinned.
 */
static int act_reclaim(struct actor *actor)
{
	struct subject *s = actor->subject;
	char bytes[32];
	int ret, restore = 0;

	snprintf(bytes, sizeof(bytes), "%zu", s->length);
	actor_begin(actor);
	if (cgroup_has("memory.reclaim")) {
		ret = cgroup_write("memory.reclaim", bytes);
	} else {
		ret = cgroup_write("memory.high", "0");
		restore = cgroup_write("memory.high", "max");
	}
	actor_end(actor, 0);
	if (ret == -EAGAIN && s->pin)
		ret = 0;
	return ret ? ret : restore;
}

const struct demo_op ops_reclaim[] = {
	{
		.name = "madvise MADV_PAGEOUT", .map = map_cold, .act = act_pageout,
		.lacks = lacks_swap,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_RECLAIM,
	}, {
		.name = "process_madvise MADV_PAGEOUT", .who = DEMO_OTHER, .map = map_cold,
		.act = act_process_pageout, .lacks = lacks_swap,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_RECLAIM,
	}, {
		.name = "reclaimed from a memory cgroup", .who = DEMO_OTHER, .global = true,
		.map = map_in_group, .act = act_reclaim, .lacks = lacks_memory_group,
		.prepare = memory_group_make, .cleanup = cgroup_remove,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_RECLAIM,
	},
	{ .name = NULL },
};
