// SPDX-License-Identifier: MIT
/*
 * Transparent huge pages: split because a part of them is changed, and made of
 * small ones. The watched range lies at the beginning of the huge page, what is
 * changed in its second half.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "sysfs.h"
#include "ops.h"
#include "pages.h"

#ifndef MADV_COLLAPSE	/* 6.1 */
#define MADV_COLLAPSE	25
#endif

#define KHUGEPAGED		"/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define KHUGEPAGED_SLEEP	KHUGEPAGED "scan_sleep_millisecs"
#define KHUGEPAGED_SCANS	KHUGEPAGED "full_scans"

/* One that is under way may have passed. */
#define SCANS		2
#define SCAN_TIMEOUT_NS	(20ULL * 1000000000)
#define SCAN_POLL_US	1000

/* A page may be held for a moment, by nobody in particular. */
#define COLLAPSE_TRIES	20

static char *second_half(const struct subject *subject)
{
	return subject->addr + SUBJECT_HUGE / 2;
}

/* As many small pages as make a huge one; it is for act to allow that. */
static int map_small(struct subject *subject)
{
	int ret = range_map(subject->addr, SUBJECT_HUGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!ret)
		range_write(subject->addr, SUBJECT_HUGE);
	return ret;
}

static int map_huge_zero(struct subject *subject)
{
	void *map = mmap(subject->addr, SUBJECT_HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (map == MAP_FAILED || madvise(map, SUBJECT_HUGE, MADV_HUGEPAGE))
		return -errno;
	range_read(subject->addr, SUBJECT_HUGE);
	return pages_huge(subject->addr) ? 0 : -ENOMEM;
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

/* It refuses pinned pages, after some tries of its own. */
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

/* For act to change, for the harness to set back. */
static int khugepaged_save(void)
{
	return sysfs_set(KHUGEPAGED_SLEEP, "10000");
}

static int khugepaged_wait(void)
{
	long scans = sysfs_read(KHUGEPAGED_SCANS) + SCANS;
	uint64_t deadline = now_ns() + SCAN_TIMEOUT_NS;

	while (sysfs_read(KHUGEPAGED_SCANS) < scans) {
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		usleep(SCAN_POLL_US);
	}
	return 0;
}

/* From MADV_NOHUGEPAGE on khugepaged leaves the range alone. */
static int act_khugepaged(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret;

	actor_begin(actor);
	if (madvise(s->addr, SUBJECT_HUGE, MADV_HUGEPAGE))
		return -errno;
	ret = sysfs_write(KHUGEPAGED_SLEEP, "0");
	if (!ret)
		ret = khugepaged_wait();
	if (madvise(s->addr, SUBJECT_HUGE, MADV_NOHUGEPAGE) && !ret)
		ret = -errno;
	actor_end(actor, 0);
	return ret;
}

const struct demo_op ops_huge[] = {
	{
		.name = "huge page split by munmap", .map = subject_map_huge, .act = act_munmap,
		.lacks = lacks_huge,
		.watch = MUST_TELL, .pin = MUST_TELL, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_THP | PINWATCH_CAUSE_MUNMAP,
	}, {
		.name = "huge page split by mprotect", .map = subject_map_huge,
		.act = act_mprotect, .lacks = lacks_huge,
		.watch = MUST_TELL, .pin = MUST_TELL, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_THP | PINWATCH_CAUSE_MPROTECT,
	}, {
		.name = "huge page split by MADV_DONTNEED", .map = subject_map_huge,
		.act = act_dontneed, .lacks = lacks_huge,
		.watch = MUST_TELL, .pin = MUST_TELL, .pin_flags = PIN_WRITE,
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
		.name = "made huge by khugepaged", .who = DEMO_KERNEL, .by_subject = true,
		.global = true, .map = map_small, .act = act_khugepaged, .lacks = lacks_huge,
		.prepare = khugepaged_save, .cleanup = sysfs_restore,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_THP,
	},
	{ .name = NULL },
};
