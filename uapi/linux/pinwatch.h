/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * pinwatch: the user-space ABI of /dev/pinwatch
 *
 * A process opens the device, adds watches on ranges of its own address space,
 * with or without pinning their pages, and learns of every invalidation of
 * them in three ways:
 *
 *  - mmap() of the device at offset 0 is an array of struct pinwatch_gen, one
 *    for each watch, indexed by the watch's id. A word that still has the
 *    value that PINWATCH_IOC_WATCH_ADD returned says that nothing has been
 *    invalidated since: one load, no system call. It changes before the system
 *    call (or the fault) that changed the mapping returns, whoever made it.
 *  - read() returns struct pinwatch_event records, one for each watch that was
 *    hit since it was last read; further hits merge. poll() waits for them.
 *  - PINWATCH_IOC_GET_STATS counts.
 *
 * A file descriptor binds to the address space of its first WATCH_ADD, successful
 * or not, that passed the checks of its argument. WATCH_ADD from another one (a
 * forked child's, or after exec) fails with EXDEV.
 *
 * When the address space is torn down (exit, exec), each watch gets its last event,
 * PINWATCH_EVENT_RELEASE, its generation changes, and its pin is dropped. The watch
 * and its id stay until WATCH_DEL or until the last file descriptor is closed.
 *
 * mmap() wants MAP_SHARED, PROT_READ, offset 0 and at most gen_map_size bytes. A
 * child does not inherit the mapping, and it does not keep the watches: it outlives
 * close(), showing generations that have changed. Errors: EACCES (writable, or to
 * become so by mprotect), EINVAL (private, or outside gen_map_size), ENOMEM, ENFILE.
 *
 * Rules for all structures: the first member is the size of the structure as
 * the caller knows it, and equals the size in the ioctl number. A caller that
 * was built against a newer header may pass a longer structure as long as what
 * the kernel does not know is zero (E2BIG otherwise); one that was built against
 * an older header may pass a shorter one, though not shorter than in ABI 0.1, and
 * the rest counts as zero. Unknown flags
 * and non-zero reserved members are refused with EINVAL. Every structure has the
 * same layout for 32-bit and 64-bit callers.
 *
 * ABI 0.x may still change. Check @abi_major and @abi_minor of GET_INFO.
 */
#ifndef _LINUX_PINWATCH_H
#define _LINUX_PINWATCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PINWATCH_DEVICE		"/dev/pinwatch"

#define PINWATCH_ABI_MAJOR	0
#define PINWATCH_ABI_MINOR	2

/**
 * struct pinwatch_gen - the mapped generation word of one watch
 * @generation: Changes (grows) at each invalidation of the watch, when it is
 *	deleted, and when its address space is torn down. Never repeats a value
 *	in the life of the file descriptor, over reuse of the id as well. 0:
 *	the id was never used.
 * @generation32: The low 32 bits of @generation, for readers that cannot load
 *	64 bits in one go.
 * @reserved: 0.
 */
struct pinwatch_gen {
	__aligned_u64 generation;
	__u32 generation32;
	__u32 reserved;
};

/* Bits of pinwatch_info.features */
#define PINWATCH_FEATURE_PIN	(1ULL << 0) /* PINWATCH_WATCH_F_PIN works */
#define PINWATCH_FEATURE_GEN	(1ULL << 1) /* mmap() of the generations works */

/**
 * struct pinwatch_info - PINWATCH_IOC_GET_INFO
 * @size: In. sizeof(struct pinwatch_info).
 * @flags: In. 0.
 * @abi_major: Out. PINWATCH_ABI_MAJOR of the module.
 * @abi_minor: Out. PINWATCH_ABI_MINOR of the module.
 * @features: Out. PINWATCH_FEATURE_* bits.
 * @page_size: Out. Bytes. Watches are rounded out to whole pages of this size.
 * @event_size: Out. Bytes of one record that read() returns.
 * @max_watches: Out. The most watches that one file descriptor can hold; ids
 *	are below it.
 * @nr_watches: Out. How many this one holds now.
 * @gen_map_size: Out. Bytes of the longest mmap() of the generations.
 * @max_pin_pages: Out. The most pages that one pinned watch can have.
 * @reserved: 0.
 *
 * Errors: EINVAL (size, flags), E2BIG, EFAULT.
 */
struct pinwatch_info {
	__u32 size;
	__u32 flags;
	__u32 abi_major;
	__u32 abi_minor;
	__aligned_u64 features;
	__u32 page_size;
	__u32 event_size;
	__u32 max_watches;
	__u32 nr_watches;
	__aligned_u64 gen_map_size;
	__aligned_u64 max_pin_pages;
	__aligned_u64 reserved[2];
};

/* Flags of pinwatch_watch_add */
#define PINWATCH_WATCH_F_PIN	(1U << 0) /* take the pages, and keep them until WATCH_DEL */
#define PINWATCH_WATCH_F_WRITE	(1U << 1) /* with F_PIN: for writing; breaks copy-on-write now */

/**
 * struct pinwatch_watch_add - PINWATCH_IOC_WATCH_ADD
 * @size: In. sizeof(struct pinwatch_watch_add).
 * @flags: In. PINWATCH_WATCH_F_*.
 * @addr: In. First byte of the range; rounded down to a page.
 * @length: In. Bytes, not 0; the end is rounded up to a page. The range must
 *	lie below the end of user space.
 * @cookie: In. Returned in each event of this watch; any value.
 * @id: Out. Names the watch on this file descriptor, and is the index of its
 *	struct pinwatch_gen. The lowest free one.
 * @reserved: 0.
 * @generation: Out. The value of its generation word at which the watch (and
 *	the pin, if asked for) was true.
 * @nr_pages: Out. Pages in the range after rounding.
 *
 * One call subscribes, pins and checks that nothing changed in between: there
 * is no window between pinning and watching.
 *
 * Errors: EINVAL (size, flags, length 0, F_WRITE without F_PIN, reserved not 0),
 * E2BIG, EFAULT (arg; or F_PIN and a page of the range is not mapped or may not
 * be accessed so), EOVERFLOW (addr + length wraps or leaves user space), EXDEV
 * (another address space than the first WATCH_ADD's), ESRCH (the address space
 * is being torn down), ENOSPC (max_watches), EDQUOT (the user's share of
 * watches), ENOMEM (no memory; or F_PIN and RLIMIT_MEMLOCK or max_pin_pages would
 * be exceeded), EAGAIN (the range is being invalidated so often that no pin
 * lasted), EINTR (a signal), and what the kernel's pin_user_pages returns for pages that cannot be
 * pinned for long (EOPNOTSUPP, EBUSY, EHWPOISON).
 */
struct pinwatch_watch_add {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 cookie;
	__u32 id;
	__u32 reserved;
	__aligned_u64 generation;
	__aligned_u64 nr_pages;
};

/**
 * struct pinwatch_watch_del - PINWATCH_IOC_WATCH_DEL
 * @size: In. sizeof(struct pinwatch_watch_del).
 * @flags: In. 0.
 * @id: In. From WATCH_ADD.
 * @reserved: 0.
 *
 * Unpins, forgets an unread event, and advances the generation. When the call
 * returns the pages are no longer held. Works from any address space.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT, ENOENT (no such watch).
 */
struct pinwatch_watch_del {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
};

/*
 * Kinds of invalidation, bits of pinwatch_event.events. They are hints: the
 * kernel sends spurious ones, and what it calls one operation differs between
 * its versions.
 */
#define PINWATCH_EVENT_UNMAP		(1U << 0) /* munmap, mremap */
#define PINWATCH_EVENT_CLEAR		(1U << 1) /* page table entries removed or replaced */
#define PINWATCH_EVENT_PROTECT		(1U << 2) /* a range's protection changes */
#define PINWATCH_EVENT_PROTECT_PAGE	(1U << 3) /* that of single pages: fork, writeback */
#define PINWATCH_EVENT_SOFT_DIRTY	(1U << 4) /* soft-dirty tracking was reset */
#define PINWATCH_EVENT_RELEASE		(1U << 5) /* the address space goes away */
#define PINWATCH_EVENT_MIGRATE		(1U << 6) /* moved to device memory */
#define PINWATCH_EVENT_EXCLUSIVE	(1U << 7) /* a device takes exclusive access */
#define PINWATCH_EVENT_OTHER		(1U << 31) /* a kind that this version does not know */

/**
 * struct pinwatch_event - one record of read()
 * @cookie: From WATCH_ADD.
 * @id: From WATCH_ADD.
 * @events: PINWATCH_EVENT_* of all invalidations merged here.
 * @start: First byte of the hull of what was invalidated, inside the watch.
 * @end: Byte after its last.
 * @generation: The watch's generation after the last of them.
 * @count: How many invalidations were merged here; not 0.
 * @time_ns: CLOCK_MONOTONIC of the first of them, nanoseconds.
 * @reserved: 0.
 *
 * read() returns as many whole records as fit and are there. Errors: EINVAL (the
 * buffer is shorter than one record), EAGAIN (O_NONBLOCK and none), EINTR,
 * EFAULT (records that were not delivered stay queued).
 */
struct pinwatch_event {
	__aligned_u64 cookie;
	__u32 id;
	__u32 events;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 generation;
	__aligned_u64 count;
	__aligned_u64 time_ns;
	__aligned_u64 reserved;
};

/**
 * struct pinwatch_stats - PINWATCH_IOC_GET_STATS
 * @size: In. sizeof(struct pinwatch_stats).
 * @flags: In. 0.
 * @nr_mms: Out. Address spaces that the module is registered with now.
 * @nr_subscriptions: Out. Subscriptions of all drivers now.
 * @nr_files: Out. Open file descriptions now.
 * @nr_watches: Out. Watches now.
 * @pinned_pages: Out. Pages pinned by watches now.
 * @walks: Out. Invalidations since load that overlapped a subscription.
 * @callbacks: Out. Callbacks since load.
 * @waits: Out. pinwatch_interval_read_begin() calls since load that slept.
 * @remove_waits: Out. pinwatch_interval_notifier_remove() calls since load that
 *	slept.
 * @overflows: Out. Invalidations since load for which the preallocated records
 *	did not suffice and memory was short: readers may have waited longer.
 * @vetoes: Out. Invalidations since load that must not sleep (by the OOM killer,
 *	process_mrelease(2)) and were refused for the sake of a subscription that may.
 * @reserved: 0.
 *
 * Module-wide figures. Errors: EPERM (without CAP_SYS_ADMIN), EINVAL, E2BIG,
 * EFAULT.
 */
struct pinwatch_stats {
	__u32 size;
	__u32 flags;
	__aligned_u64 nr_mms;
	__aligned_u64 nr_subscriptions;
	__aligned_u64 nr_files;
	__aligned_u64 nr_watches;
	__aligned_u64 pinned_pages;
	__aligned_u64 walks;
	__aligned_u64 callbacks;
	__aligned_u64 waits;
	__aligned_u64 remove_waits;
	__aligned_u64 overflows;
	__aligned_u64 vetoes;
	__aligned_u64 reserved[3];
};

#define PINWATCH_IOC_MAGIC	0xbd

#define PINWATCH_IOC_GET_INFO	_IOWR(PINWATCH_IOC_MAGIC, 0x00, struct pinwatch_info)
#define PINWATCH_IOC_GET_STATS	_IOWR(PINWATCH_IOC_MAGIC, 0x01, struct pinwatch_stats)
#define PINWATCH_IOC_WATCH_ADD	_IOWR(PINWATCH_IOC_MAGIC, 0x10, struct pinwatch_watch_add)
#define PINWATCH_IOC_WATCH_DEL	_IOWR(PINWATCH_IOC_MAGIC, 0x11, struct pinwatch_watch_del)

#endif /* _LINUX_PINWATCH_H */
