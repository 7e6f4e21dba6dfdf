// SPDX-License-Identifier: MIT
/* KSM: ksmd merges equal pages, and a write to a merged page breaks the merge. */
#include <sys/mman.h>

#include "ops.h"
#include "sysfs.h"

#define KSM_RUN		"/sys/kernel/mm/ksm/run"
#define KSM_FULL_SCANS	"/sys/kernel/mm/ksm/full_scans"

/* ksmd merges a page in its second scan; the current scan may have passed the page. */
#define NR_SCANS	4

static const char *lacks_ksm(void)
{
	return sysfs_read(KSM_RUN) ? "KSM that is not running already" : NULL;
}

/* Writing "0" waits until ksmd has finished its batch. */
static int ksm_merge(void)
{
	int ret, stop;

	ret = sysfs_write(KSM_RUN, "1");
	if (!ret)
		ret = actor_wait_scans(KSM_FULL_SCANS, NR_SCANS);
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
	return ACT_ERRNO(actor, ksm_merge());
}

static int act_unmerge(struct actor *actor)
{
	struct subject *s = actor->subject;

	return ACT(actor, madvise(s->addr, s->length, MADV_UNMERGEABLE));
}

const struct demo_op ops_ksm[] = {
	{
		.name = "equal pages merged (KSM)", .by = DEMO_BY_KERNEL, .global = true,
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
