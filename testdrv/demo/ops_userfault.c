// SPDX-License-Identifier: MIT
/*
 * userfaultfd(2), which write-protects pages to track writes and can move pages, and the
 * soft-dirty bits and PAGEMAP_SCAN of /proc/PID/pagemap, which also track writes.
 */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"
#include "pagemap.h"

/* Definitions of 6.7 and 6.8; Debian 12 has older headers. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	(1 << 15)
#endif

#ifndef UFFD_FEATURE_MOVE
#define UFFD_FEATURE_MOVE	(1 << 16)
#define UFFDIO_MOVE		_IOWR(UFFDIO, 0x05, struct uffdio_move)

struct uffdio_move {
	__u64 dst;
	__u64 src;
	__u64 len;
	__u64 mode;
	__s64 move;
};
#endif

#ifndef PAGEMAP_SCAN
#define PAGEMAP_SCAN		_IOWR('f', 16, struct pm_scan_arg)
#define PM_SCAN_WP_MATCHING	(1 << 0)
#define PM_SCAN_CHECK_WPASYNC	(1 << 1)

struct pm_scan_arg {
	__u64 size;
	__u64 flags;
	__u64 start;
	__u64 end;
	__u64 walk_end;
	__u64 vec;
	__u64 vec_len;
	__u64 max_pages;
	__u64 category_inverted;
	__u64 category_mask;
	__u64 category_anyof_mask;
	__u64 return_mask;
};
#endif

/* A page is soft-dirty after a write, if the kernel has soft-dirty bits. */
static const char *lacks_soft_dirty(void)
{
	static char page[2 * 65536];
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	char *addr = (char *)(((uintptr_t)page + page_size - 1) & ~(page_size - 1));
	struct pagemap_snapshot snapshot;
	struct pagemap pagemap;
	int ret;

	*(volatile char *)addr = 1;
	if (pagemap_open(&pagemap, getpid()))
		return NULL;
	ret = pagemap_read(&pagemap, addr, page_size, &snapshot);
	pagemap_close(&pagemap);
	return ret || snapshot.pages[0].soft_dirty ? NULL :
		"soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)";
}

static int act_soft_dirty(struct actor *actor)
{
	int ret, fd = actor_proc_open(actor, "clear_refs", O_WRONLY);

	if (fd < 0)
		return fd;
	ret = ACT(actor, write(fd, "4", 1));
	close(fd);
	return ret;
}

/* Returns a descriptor or -errno. */
static int userfault_open(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int ret, fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, UFFDIO_API, &api))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static const char *lacks_feature(uint64_t feature, const char *name)
{
	int fd = userfault_open(feature);

	if (fd < 0)
		return name;
	close(fd);
	return NULL;
}

static const char *lacks_protect(void)
{
	return lacks_feature(UFFD_FEATURE_PAGEFAULT_FLAG_WP, "userfaultfd's write protection");
}

static const char *lacks_scan(void)
{
	return lacks_feature(UFFD_FEATURE_WP_ASYNC, "PAGEMAP_SCAN (6.7)");
}

static const char *lacks_move(void)
{
	return lacks_feature(UFFD_FEATURE_MOVE, "UFFDIO_MOVE (6.8)");
}

/* Open a userfaultfd for the subject and register the range at @addr. */
static int userfault_register(struct subject *subject, char *addr, uint64_t features,
			      uint64_t mode)
{
	struct uffdio_register arg = {
		.range.start = (uintptr_t)addr,
		.range.len = subject->length,
		.mode = mode,
	};

	subject->fd = userfault_open(features);
	if (subject->fd < 0)
		return subject->fd;
	return ioctl(subject->fd, UFFDIO_REGISTER, &arg) ? -errno : 0;
}

static int userfault_protect(const struct subject *subject, uint64_t mode)
{
	struct uffdio_writeprotect arg = {
		.range.start = (uintptr_t)subject->addr,
		.range.len = subject->length,
		.mode = mode,
	};

	return ioctl(subject->fd, UFFDIO_WRITEPROTECT, &arg);
}

static int map_tracked(struct subject *subject)
{
	int ret = subject_map_written(subject);

	return ret ? ret : userfault_register(subject, subject->addr,
					      UFFD_FEATURE_PAGEFAULT_FLAG_WP,
					      UFFDIO_REGISTER_MODE_WP);
}

static int map_protected(struct subject *subject)
{
	int ret = map_tracked(subject);

	if (ret)
		return ret;
	return userfault_protect(subject, UFFDIO_WRITEPROTECT_MODE_WP) ? -errno : 0;
}

static int map_scanned(struct subject *subject)
{
	int ret = subject_map_written(subject);

	return ret ? ret : userfault_register(subject, subject->addr, UFFD_FEATURE_WP_ASYNC,
					      UFFDIO_REGISTER_MODE_WP);
}

/* UFFDIO_MOVE moves a page to an address without a page. */
static int map_movable(struct subject *subject)
{
	int ret = subject_map_written(subject);

	if (!ret)
		ret = range_map_anonymous(subject->spare, subject->length);
	return ret ? ret : userfault_register(subject, subject->spare, UFFD_FEATURE_MOVE,
					      UFFDIO_REGISTER_MODE_MISSING);
}

static int act_protect(struct actor *actor)
{
	return ACT(actor, userfault_protect(actor->subject, UFFDIO_WRITEPROTECT_MODE_WP));
}

static int act_unprotect(struct actor *actor)
{
	return ACT(actor, userfault_protect(actor->subject, 0));
}

static int act_scan(struct actor *actor)
{
	struct subject *s = actor->subject;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = (uintptr_t)s->addr,
		.end = (uintptr_t)s->addr + s->length,
	};
	int ret, fd = actor_proc_open(actor, "pagemap", O_RDONLY);

	if (fd < 0)
		return fd;
	ret = ACT(actor, ioctl(fd, PAGEMAP_SCAN, &arg));
	close(fd);
	return ret;
}

/* UFFDIO_MOVE fails with EBUSY if a page is pinned. */
static int act_move(struct actor *actor)
{
	struct subject *s = actor->subject;
	struct uffdio_move arg = {
		.dst = (uintptr_t)s->spare,
		.src = (uintptr_t)s->addr,
		.len = s->length,
	};
	int ret = ACT(actor, ioctl(s->fd, UFFDIO_MOVE, &arg));

	return ret == -EBUSY && s->pin ? 0 : ret;
}

const struct demo_op ops_userfault[] = {
	{
		.name = "soft-dirty reset by clear_refs", .by = DEMO_BY_OTHER,
		.map = subject_map_written, .act = act_soft_dirty, .lacks = lacks_soft_dirty,
		/* The kernel does not change the page table entry of a pinned page. */
		.watch = MUST_PROTECT, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_SOFT_DIRTY, .cause = PINWATCH_CAUSE_SOFT_DIRTY,
	}, {
		.name = "userfaultfd write-protects", .map = map_tracked, .act = act_protect,
		.lacks = lacks_protect,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_USERFAULT,
	}, {
		.name = "userfaultfd protects no more", .map = map_protected,
		.act = act_unprotect, .lacks = lacks_protect,
		.watch = MUST_NOTIFY, .pin = MUST_NOTIFY, .pin_flags = PIN_READ,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_USERFAULT,
	}, {
		.name = "PAGEMAP_SCAN write-protects", .map = map_scanned, .act = act_scan,
		.lacks = lacks_scan,
		.watch = MUST_PROTECT, .pin = MUST_PROTECT, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_PROTECT, .cause = PINWATCH_CAUSE_SOFT_DIRTY,
	}, {
		.name = "UFFDIO_MOVE to elsewhere", .map = map_movable, .act = act_move,
		.lacks = lacks_move,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_USERFAULT,
	},
	{ .name = NULL },
};
