// SPDX-License-Identifier: MIT
/* KSM: ksmd replaces equal pages by one, until somebody writes to it. */
#include <sys/mman.h>
#include <unistd.h>

#include "sysfs.h"
#include "ops.h"

#define KSM_RUN		"/sys/kernel/mm/ksm/run"
#define KSM_FULL_SCANS	"/sys/kernel/mm/ksm/full_scans"

/* A page is merged at the second sight; one more for a scan under way. */
#define KSM_SCANS	4
#define KSM_TIMEOUT_NS	(10ULL * 1000000000)
#define KSM_POLL_US	1000

static const char *lacks_ksm(void)
{
	return sysfs_read(KSM_RUN) ? "KSM that is not running already" : NULL;
}

/* Wait for what ksmd does in its own time. */
static int ksm_wait(void)
{
	long scans = sysfs_read(KSM_FULL_SCANS) + KSM_SCANS;
	uint64_t deadline = now_ns() + KSM_TIMEOUT_NS;

	while (sysfs_read(KSM_FULL_SCANS) < scans) {
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		usleep(KSM_POLL_US);
	}
	return 0;
}

/* Stopping KSM waits for the batch that ksmd is in. */
static int ksm_merge(void)
{
	int ret, stop;

	ret = sysfs_write(KSM_RUN, "1");
	if (!ret)
		ret = ksm_wait();
	stop = sysfs_write(KSM_RUN, "0");
	return ret ? ret : stop;
}

static int map_mergeable(struct subject *subject)
{
	int ret = subject_map_written(subject);

	if (ret)
		return ret;
	return madvise(subject->addr, subject->length, MADV_MERGEABLE) ? -errno : 0;
}

static int map_merged(struct subject *subject)
{
	int ret = map_mergeable(subject);

	return ret ? ret : ksm_merge();
}

static int act_merge(struct actor *actor)
{
	int ret;

	actor_begin(actor);
	ret = ksm_merge();
	actor_end(actor, 0);
	return ret;
}

static int act_unmerge(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_UNMERGEABLE));
}

const struct demo_op ops_ksm[] = {
	{
		.name = "equal pages merged (KSM)", .who = DEMO_KERNEL, .global = true,
		.map = map_mergeable, .act = act_merge, .lacks = lacks_ksm,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_KSM,
	}, {
		.name = "write to a merged page (KSM)", .global = true,
		.map = map_merged, .act = op_write, .lacks = lacks_ksm,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_COW | PINWATCH_CAUSE_KSM,
	}, {
		.name = "madvise MADV_UNMERGEABLE (KSM)", .global = true,
		.map = map_merged, .act = act_unmerge, .lacks = lacks_ksm,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_KSM | PINWATCH_CAUSE_COW | PINWATCH_CAUSE_MADVISE,
	},
	{ .name = NULL },
};
