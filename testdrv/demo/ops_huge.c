// SPDX-License-Identifier: MIT
/*
 * Transparent huge pages: a change of a part splits the huge page, and the kernel
 * collapses small pages into a huge page. The watched range is the beginning of the
 * huge page; the operations change the second half.
 */
#include <sys/mman.h>

#include "ops.h"
#include "placement.h"
#include "sysfs.h"

#ifndef MADV_COLLAPSE	/* 6.1 */
#define MADV_COLLAPSE	25
#endif

#define KHUGEPAGED		"/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define KHUGEPAGED_SLEEP	KHUGEPAGED "scan_sleep_millisecs"
#define KHUGEPAGED_SCANS	KHUGEPAGED "full_scans"

/* The current scan may already have passed the range. */
#define NR_SCANS	2

/* The kernel may hold a reference to a page for a moment. */
#define COLLAPSE_TRIES	20

static char *second_half(const struct subject *subject)
{
	return subject->addr + SUBJECT_HUGE / 2;
}

/* Small pages for one huge page. act allows the collapse with MADV_HUGEPAGE. */
static int map_small(struct subject *subject)
{
	int ret = range_map_anonymous(subject->addr, SUBJECT_HUGE);

	if (!ret)
		range_write(subject->addr, SUBJECT_HUGE);
	return ret;
}

static int map_huge_zero(struct subject *subject)
{
	int ret = range_map_huge(subject->addr);

	if (ret)
		return ret;
	range_read(subject->addr, SUBJECT_HUGE);
	return placement_huge(subject->addr) ? 0 : -ENOMEM;
}

static int act_munmap(struct actor *actor)
{
	return ACT(actor, munmap(second_half(actor->subject), SUBJECT_HUGE / 2));
}

static int act_mprotect(struct actor *actor)
{
	return ACT(actor, mprotect(second_half(actor->subject), SUBJECT_HUGE / 2, PROT_READ));
}

static int act_dontneed(struct actor *actor)
{
	return ACT(actor, madvise(second_half(actor->subject), actor->subject->page_size,
				  MADV_DONTNEED));
}

static const char *lacks_collapse(void)
{
	return kernel_has_advice(MADV_COLLAPSE) ? lacks_huge() : "MADV_COLLAPSE (6.1)";
}

/* MADV_COLLAPSE fails if a page is pinned, after retries in the kernel. */
static int act_collapse(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret, tries;

	if (madvise(s->addr, SUBJECT_HUGE, MADV_HUGEPAGE))
		return -errno;
	for (tries = 0; tries < COLLAPSE_TRIES; tries++) {
		ret = ACT(actor, madvise(s->addr, SUBJECT_HUGE, MADV_COLLAPSE));
		if (ret != -EAGAIN && ret != -EBUSY)
			return ret;
		if (s->pin)
			return 0;
	}
	return ret;
}

/* act changes the saved setting, and the parent restores the setting. */
static int khugepaged_save(void)
{
	return sysfs_set(KHUGEPAGED_SLEEP, "10000");
}

/*
 * khugepaged gives up after the invalidation if the kernel holds a reference to a page for
 * a moment, and tries again in a later scan. It never collapses pinned pages.
 * MADV_NOHUGEPAGE ends the access of khugepaged to the range.
 */
static int khugepaged_collapse(const struct subject *subject)
{
	char *addr = subject->addr;
	int ret, tries = 0;

	if (madvise(addr, SUBJECT_HUGE, MADV_HUGEPAGE))
		return -errno;
	ret = sysfs_write(KHUGEPAGED_SLEEP, "0");
	while (!ret && tries++ < (subject->pin ? 1 : COLLAPSE_TRIES) && !placement_huge(addr))
		ret = actor_wait_scans(KHUGEPAGED_SCANS, NR_SCANS);
	if (madvise(addr, SUBJECT_HUGE, MADV_NOHUGEPAGE) && !ret)
		ret = -errno;
	return ret;
}

static int act_khugepaged(struct actor *actor)
{
	return ACT_ERRNO(actor, khugepaged_collapse(actor->subject));
}

const struct demo_op ops_huge[] = {
	{
		.name = "huge page split by munmap", .map = subject_map_huge, .act = act_munmap,
		.lacks = lacks_huge,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_THP | PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "huge page split by mprotect", .map = subject_map_huge,
		.act = act_mprotect, .lacks = lacks_huge,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_THP | PINWATCH_CAUSE_MPROTECT,
	}, {
		.name = "huge page split by MADV_DONTNEED", .map = subject_map_huge,
		.act = act_dontneed, .lacks = lacks_huge,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_THP | PINWATCH_CAUSE_MADVISE,
	}, {
		.name = "write to the huge zero page", .map = map_huge_zero, .act = op_write,
		.lacks = lacks_huge,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_COW | PINWATCH_CAUSE_FAULT | PINWATCH_CAUSE_THP,
	}, {
		.name = "madvise MADV_COLLAPSE", .map = map_small, .act = act_collapse,
		.lacks = lacks_collapse,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_THP,
	}, {
		.name = "made huge by khugepaged", .by = DEMO_BY_KERNEL, .by_subject = true,
		.global = true, .map = map_small, .act = act_khugepaged, .lacks = lacks_huge,
		.prepare = khugepaged_save, .cleanup = sysfs_restore,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_THP,
	},
	{ .name = NULL },
};
