/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * pinwatch: the user-space ABI of /dev/pinwatch. The semantics are in pinwatch(4).
 *
 * A process opens the device and adds watches on ranges of its own address space,
 * with or without pinning the pages. Three interfaces report an invalidation:
 *
 *  - mmap() of the device is an array of struct pinwatch_gen, indexed by watch id.
 *    A word changes before the system call that changed the mapping returns. The word
 *    of the descriptor, at hits_offset, changes after the word of any watch, and after the
 *    record of the hit is queued.
 *  - read() returns struct pinwatch_event records. poll() waits for a record.
 *  - PINWATCH_IOC_WATCH_QUERY, PINWATCH_IOC_WATCH_VERIFY and PINWATCH_IOC_RESYNC
 *    return the present state.
 *
 * A file descriptor is bound to the address space of the process that opened the device.
 * Until the first watch, PINWATCH_IOC_BIND binds a descriptor that was passed on to the
 * caller, and PINWATCH_IOC_ATTACH to another process.
 *
 * The first member of each structure is the size of the structure as the caller was
 * compiled. Bytes that the module does not know must be 0. Unknown flags and non-zero
 * reserved members fail with EINVAL. 32-bit and 64-bit callers see the same layout.
 *
 * mmap() wants MAP_SHARED and PROT_READ within the first gen_map_size bytes.
 * Errors: EACCES (writable, or made writable by mprotect()), EINVAL (private, or
 * outside gen_map_size), ENOMEM, ENFILE.
 *
 * Structures only grow within a major version. Check @abi_major and @abi_minor of GET_INFO.
 */
#ifndef _LINUX_PINWATCH_H
#define _LINUX_PINWATCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PINWATCH_DEVICE		"/dev/pinwatch"

#define PINWATCH_ABI_MAJOR	1
#define PINWATCH_ABI_MINOR	0

/**
 * struct pinwatch_gen - the mapped generation word of one watch, or of the descriptor
 * @generation: Grows at each invalidation, at deletion and at teardown. 0: unused id.
 *	Word of the descriptor: grows when a watch is invalidated or deleted. Not 0.
 * @generation32: The low 32 bits of @generation, for callers without 64-bit loads. Compare
 *	with values of @generation32 only: the two members do not change at the same time.
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
#define PINWATCH_FEATURE_VERIFY	(1ULL << 2) /* PINWATCH_IOC_WATCH_VERIFY works */

/**
 * struct pinwatch_info - PINWATCH_IOC_GET_INFO
 * @size: In. sizeof(struct pinwatch_info).
 * @flags: In. 0.
 * @abi_major: Out. PINWATCH_ABI_MAJOR of the module.
 * @abi_minor: Out. PINWATCH_ABI_MINOR of the module.
 * @features: Out. PINWATCH_FEATURE_* bits.
 * @page_size: Out. Bytes. Watches are rounded out to whole pages of this size.
 * @event_size: Out. Bytes of one record of read().
 * @max_watches: Out. Limit of watches on this file descriptor; no id is higher.
 * @nr_watches: Out. Watches on this file descriptor now.
 * @gen_map_size: Out. Bytes of the longest mmap() of the generations.
 * @max_pin_pages: Out. Limit of pages in one pinned watch.
 * @watch_flags: Out. PINWATCH_WATCH_F_* that WATCH_ADD accepts.
 * @events: Out. PINWATCH_EVENT_* that the module reports.
 * @causes: Out. PINWATCH_CAUSE_* that the module reports.
 * @hits_offset: Out. Offset in the mapping, within the first page, of the word of the
 *	descriptor: unchanged as long as no watch is invalidated or deleted.
 * @reserved: 0.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT.
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
	__u32 watch_flags;
	__u32 events;
	__aligned_u64 causes;
	__aligned_u64 hits_offset;
	__aligned_u64 reserved;
};

/* Flags of pinwatch_watch_add */
#define PINWATCH_WATCH_F_PIN	(1U << 0) /* pin the pages until WATCH_DEL */
#define PINWATCH_WATCH_F_WRITE	(1U << 1) /* with F_PIN: pin for writing; breaks COW */
#define PINWATCH_WATCH_F_ONESHOT (1U << 2) /* one event, and RELEASE, until WATCH_REPIN */
#define PINWATCH_WATCH_F_STACK	(1U << 3) /* keep the stack of the last hit: WATCH_STACK */
#define PINWATCH_WATCH_F_PAGES	(1U << 4) /* no hit by PROTECT, PROTECT_PAGE, SOFT_DIRTY */

/**
 * struct pinwatch_watch_add - PINWATCH_IOC_WATCH_ADD
 * @size: In. sizeof(struct pinwatch_watch_add).
 * @flags: In. PINWATCH_WATCH_F_*.
 * @addr: In. First byte of the range; rounded down to a page.
 * @length: In. Bytes, not 0; the end is rounded up to a page.
 * @cookie: In. Any value; each event of the watch returns it.
 * @id: Out. An id of this file descriptor, not freed lately; the index of the generation.
 * @ignore_events: In. PINWATCH_EVENT_* bits not to be queued for read(); never RELEASE.
 * @generation: Out. The generation at which the watch and its pin were valid.
 * @nr_pages: Out. Pages in the range after rounding.
 * @touched_shift: Out. One bit of pinwatch_event.touched is 1 << touched_shift bytes.
 * @reserved: 0.
 *
 * Subscribes, and pins if PINWATCH_WATCH_F_PIN is set, without a window in between.
 * PINWATCH_WATCH_F_PAGES: only what can exchange or remove a page is an invalidation.
 *
 * Errors: EINVAL (size, flags, reserved; length 0; F_WRITE without F_PIN; RELEASE or an
 * unknown bit in ignore_events), E2BIG, EFAULT (argument; or F_PIN and a page is not
 * mapped, is poisoned, or does not permit the access), EOVERFLOW (addr + length wraps or
 * leaves user space), EPERM (F_STACK without CAP_SYSLOG), EXDEV (not the address space
 * that the descriptor is bound to), ESRCH (the address space is torn down), ENOSPC
 * (max_watches), EDQUOT (the user's limit of watches, of watches that overlap a page, of
 * pages of generations, or of pinned pages), ENOMEM (no memory), ENOBUFS (F_PIN beyond
 * RLIMIT_MEMLOCK, where compound pages count whole), EMSGSIZE (F_PIN of more than
 * max_pin_pages), EAGAIN (F_PIN and the range was invalidated again and again), EINTR (a
 * fatal signal), EOPNOTSUPP (F_PIN after ATTACH; or pages that cannot be pinned
 * for long), EBUSY (likewise; or a page has more than 2^30 references).
 */
struct pinwatch_watch_add {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 cookie;
	__u32 id;
	__u32 ignore_events;
	__aligned_u64 generation;
	__aligned_u64 nr_pages;
	__u32 touched_shift;
	__u32 reserved;
};

/**
 * struct pinwatch_watch_del - PINWATCH_IOC_WATCH_DEL
 * @size: In. sizeof(struct pinwatch_watch_del).
 * @flags: In. 0.
 * @id: In. From WATCH_ADD.
 * @reserved: 0.
 * @generation: In. Any generation that the watch that is meant has had; 0: do not check.
 *
 * Unpins, discards an unread event, and advances the generation.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT, ENOENT (no such watch), ESTALE
 * (@generation is below the first generation of the watch that has @id now), EINTR (a
 * fatal signal during a WATCH_REPIN or WATCH_VERIFY of the watch).
 */
struct pinwatch_watch_del {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
	__aligned_u64 generation;
};

/* Flags of pinwatch_watch_repin */
#define PINWATCH_REPIN_F_KEEP	(1U << 0) /* fail if a page is not where it was pinned */

/* pinwatch_watch_repin.result_flags */
#define PINWATCH_REPIN_RESULT_KEPT (1U << 0) /* each page was where it was: same pin */

/**
 * struct pinwatch_watch_repin - PINWATCH_IOC_WATCH_REPIN
 * @size: In. sizeof(struct pinwatch_watch_repin).
 * @flags: In. PINWATCH_REPIN_F_*.
 * @id: In. From WATCH_ADD.
 * @result_flags: Out. PINWATCH_REPIN_RESULT_*.
 * @generation: In. As WATCH_DEL. Out: the generation at which watch and pin are valid again.
 * @nr_pages: Out. Pages pinned now; 0 without F_PIN.
 *
 * Keeps the pin if each pinned page is mapped where it was. Otherwise pins the pages that
 * are mapped now and unpins the old pages. Arms a one-shot watch.
 *
 * Errors: EINVAL (size, flags; F_KEEP of a watch without F_PIN), E2BIG, EFAULT (as
 * WATCH_ADD), ENOENT (no such watch), ESTALE (as WATCH_DEL), EXDEV (F_PIN, from another
 * address space), ESRCH (the address space is gone), EREMCHG (F_KEEP and another page is
 * mapped), EOPNOTSUPP (F_KEEP without PINWATCH_FEATURE_VERIFY), ENOMEM, ENOBUFS, EMSGSIZE,
 * EDQUOT, EAGAIN, EINTR, EOPNOTSUPP, EBUSY (as WATCH_ADD).
 */
struct pinwatch_watch_repin {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 result_flags;
	__aligned_u64 generation;
	__aligned_u64 nr_pages;
};

/* Kinds of invalidation: bits of pinwatch_event.events; hints that depend on the kernel version */
#define PINWATCH_EVENT_UNMAP		(1U << 0) /* munmap, mremap */
#define PINWATCH_EVENT_CLEAR		(1U << 1) /* page table entries removed or replaced */
#define PINWATCH_EVENT_PROTECT		(1U << 2) /* the protection of a range changes */
#define PINWATCH_EVENT_PROTECT_PAGE	(1U << 3) /* the protection of single pages changes */
#define PINWATCH_EVENT_SOFT_DIRTY	(1U << 4) /* soft-dirty tracking was reset */
#define PINWATCH_EVENT_RELEASE		(1U << 5) /* the address space goes away */
#define PINWATCH_EVENT_MIGRATE		(1U << 6) /* moved to device memory */
#define PINWATCH_EVENT_EXCLUSIVE	(1U << 7) /* a device takes exclusive access */
#define PINWATCH_EVENT_OTHER		(1U << 31) /* a kind that the module does not know */

/* All kinds of this version */
#define PINWATCH_EVENT_ALL		0x800000ffU

/*
 * Causes: bits of pinwatch_event.causes. The operation that made the kernel invalidate:
 * one bit for each invalidation. Best effort: the module finds most causes by the names
 * of kernel functions on the stack, and reports PINWATCH_CAUSE_UNKNOWN without such a name.
 */
#define PINWATCH_CAUSE_UNKNOWN		(1ULL << 0) /* no cause listed here */
#define PINWATCH_CAUSE_MUNMAP		(1ULL << 1) /* munmap, shmdt, brk */
#define PINWATCH_CAUSE_MREMAP		(1ULL << 2)
#define PINWATCH_CAUSE_MMAP		(1ULL << 3) /* replaced by a new mapping: mmap, shmat */
#define PINWATCH_CAUSE_MADVISE		(1ULL << 4)
#define PINWATCH_CAUSE_MPROTECT		(1ULL << 5) /* pkey_mprotect too */
#define PINWATCH_CAUSE_FORK		(1ULL << 6)
#define PINWATCH_CAUSE_COW		(1ULL << 7) /* a write or a pin copied the page */
#define PINWATCH_CAUSE_REMOTE_WRITE	(1ULL << 8) /* process_vm_writev, ptrace, /proc/PID/mem */
#define PINWATCH_CAUSE_FAULT		(1ULL << 9) /* another page fault */
#define PINWATCH_CAUSE_NUMA_BALANCE	(1ULL << 10)
#define PINWATCH_CAUSE_MIGRATE		(1ULL << 11) /* move_pages, mbind, migrate_pages, cpusets */
#define PINWATCH_CAUSE_COMPACT		(1ULL << 12)
#define PINWATCH_CAUSE_RECLAIM		(1ULL << 13) /* memory cgroups, MADV_PAGEOUT too */
#define PINWATCH_CAUSE_TRUNCATE		(1ULL << 14) /* truncate, a hole punched, MADV_REMOVE */
#define PINWATCH_CAUSE_WRITEBACK	(1ULL << 15)
#define PINWATCH_CAUSE_KSM		(1ULL << 16)
#define PINWATCH_CAUSE_THP		(1ULL << 17) /* huge pages made or split */
#define PINWATCH_CAUSE_USERFAULT	(1ULL << 18)
#define PINWATCH_CAUSE_SOFT_DIRTY	(1ULL << 19) /* clear_refs, PAGEMAP_SCAN */
#define PINWATCH_CAUSE_UPROBE		(1ULL << 20)
#define PINWATCH_CAUSE_REAP		(1ULL << 21) /* the OOM reaper, process_mrelease */
#define PINWATCH_CAUSE_POISON		(1ULL << 22) /* memory errors, real or injected */
#define PINWATCH_CAUSE_OFFLINE		(1ULL << 23) /* memory hotplug, contiguous allocation */
#define PINWATCH_CAUSE_EXIT		(1ULL << 24)
#define PINWATCH_CAUSE_EXEC		(1ULL << 25)
#define PINWATCH_CAUSE_DEVICE		(1ULL << 26) /* device memory, exclusive access */

#define PINWATCH_NR_CAUSES		27

/* All causes of this version */
#define PINWATCH_CAUSE_ALL		((1ULL << PINWATCH_NR_CAUSES) - 1)

/* Flags of pinwatch_event */
#define PINWATCH_EVENT_F_ACTOR	(1U << 0) /* tid, tgid and comm are valid */
#define PINWATCH_EVENT_F_ACTORS	(1U << 1) /* several threads caused the merged hits */
#define PINWATCH_EVENT_F_ATOMIC	(1U << 2) /* a task that must not sleep caused a hit */

/**
 * struct pinwatch_event - one record of read()
 * @size: Bytes of the record: the offset of the next record. Members may follow
 *	@reserved in a later version.
 * @flags: PINWATCH_EVENT_F_*.
 * @cookie: From WATCH_ADD.
 * @id: From WATCH_ADD.
 * @events: PINWATCH_EVENT_* of all invalidations merged into the record.
 * @start: First byte of the hull of the invalidated parts of the watch.
 * @end: Byte after the last byte of the hull.
 * @generation: The watch's generation after the last merged invalidation.
 * @count: Number of merged invalidations; not 0.
 * @time_ns: CLOCK_MONOTONIC of the first merged invalidation, nanoseconds.
 * @touched: Bit i: invalidated bytes from i << touched_shift on, from the first page.
 * @causes: PINWATCH_CAUSE_* of all merged invalidations.
 * @touched_shift: As WATCH_ADD returned it.
 * @tid: Thread of the first merged invalidation, in the reader's PID namespace; or 0.
 * @tgid: Process of @tid, in the reader's PID namespace; or 0.
 * @comm: Name of @tid at that time; at most 15 bytes and a NUL.
 * @reserved: 0.
 *
 * Errors: EINVAL (the buffer is shorter than one record), EAGAIN (O_NONBLOCK and no
 * record), EINTR (a signal), EFAULT (undelivered records stay queued).
 */
struct pinwatch_event {
	__u32 size;
	__u32 flags;
	__aligned_u64 cookie;
	__u32 id;
	__u32 events;
	__aligned_u64 start;
	__aligned_u64 end;
	__aligned_u64 generation;
	__aligned_u64 count;
	__aligned_u64 time_ns;
	__aligned_u64 touched;
	__aligned_u64 causes;
	__u32 touched_shift;
	__s32 tid;
	__s32 tgid;
	char comm[16];
	__u32 reserved[5];
};

/* Flags of pinwatch_watch_query */
#define PINWATCH_QUERY_F_NEXT	(1U << 0) /* the first watch whose id is id or higher */

/* pinwatch_watch_query.state */
#define PINWATCH_STATE_ACTIVE	1U /* the watch works */
#define PINWATCH_STATE_DEAD	2U /* the address space is gone; the id is still in use */

/**
 * struct pinwatch_watch_query - PINWATCH_IOC_WATCH_QUERY
 * @size: In. sizeof(struct pinwatch_watch_query).
 * @flags: In. PINWATCH_QUERY_F_*.
 * @id: In. From WATCH_ADD. Out: the id of the watch that was found.
 * @state: Out. PINWATCH_STATE_*.
 * @addr: Out. First byte of the range, after rounding.
 * @length: Out. Bytes, after rounding.
 * @cookie: Out. From WATCH_ADD.
 * @generation: Out. The generation now.
 * @valid_generation: Out. From WATCH_ADD or the last WATCH_REPIN; equals @generation while valid.
 * @hits: Out. Invalidations since WATCH_ADD, ignored events included.
 * @time_ns: Out. CLOCK_MONOTONIC of the last invalidation, nanoseconds; 0: none.
 * @causes: Out. PINWATCH_CAUSE_* of all invalidations.
 * @events: Out. PINWATCH_EVENT_* of all invalidations.
 * @watch_flags: Out. PINWATCH_WATCH_F_* from WATCH_ADD.
 * @ignore_events: Out. From WATCH_ADD.
 * @touched_shift: Out. As WATCH_ADD returned it.
 * @nr_pages: Out. Pages in the range.
 * @nr_pinned: Out. Pages pinned now.
 * @reserved: 0.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT, ENOENT (no such watch; with
 * F_NEXT: no further watch).
 */
struct pinwatch_watch_query {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 state;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 cookie;
	__aligned_u64 generation;
	__aligned_u64 valid_generation;
	__aligned_u64 hits;
	__aligned_u64 time_ns;
	__aligned_u64 causes;
	__u32 events;
	__u32 watch_flags;
	__u32 ignore_events;
	__u32 touched_shift;
	__aligned_u64 nr_pages;
	__aligned_u64 nr_pinned;
	__aligned_u64 reserved[2];
};

/* Verdicts on a page, from good to bad; pinwatch(4) has the conditions. */
#define PINWATCH_VERDICT_SAME		0U /* the page is unchanged */
#define PINWATCH_VERDICT_READ_ONLY	1U /* the pinned page is not writable now */
#define PINWATCH_VERDICT_UNKNOWN	2U /* nothing to compare with */
#define PINWATCH_VERDICT_NOT_PRESENT	3U /* no page without a fault */
#define PINWATCH_VERDICT_MOVED		4U /* another page is mapped */
#define PINWATCH_VERDICT_GONE		5U /* no mapping, or no address space */
#define PINWATCH_NR_VERDICTS		6

#define PINWATCH_VERIFY_MAX	1048576U /* pages in one PINWATCH_IOC_WATCH_VERIFY */

/**
 * struct pinwatch_watch_verify - PINWATCH_IOC_WATCH_VERIFY
 * @size: In. sizeof(struct pinwatch_watch_verify).
 * @flags: In. 0.
 * @id: In. From WATCH_ADD.
 * @verdict: Out. PINWATCH_VERDICT_*: the highest, which is the worst, of all pages.
 * @first_page: In. First page to compare, counted from the first page of the range.
 * @nr_pages: In. At most %PINWATCH_VERIFY_MAX; 0: up to the end. Out: pages compared.
 * @verdicts: In. Address of an array of verdicts, one byte for each page compared; 0: no
 *	array. If @nr_pages is 0, that is up to %PINWATCH_VERIFY_MAX bytes.
 * @nr: Out. Number of pages by verdict; from %PINWATCH_NR_VERDICTS on: 0.
 * @generation: Out. The generation at which all verdicts were true.
 * @reserved: 0.
 *
 * Compares a watch with the page tables. Brings no page in, breaks no copy-on-write.
 *
 * Errors: EINVAL (size, flags, reserved; @first_page or @nr_pages beyond the range or
 * the limit), E2BIG, EFAULT (argument, @verdicts), ENOENT (no such watch), ENOMEM, EINTR
 * (a fatal signal), EAGAIN (the range was invalidated again and again), EOPNOTSUPP
 * (without PINWATCH_FEATURE_VERIFY).
 */
struct pinwatch_watch_verify {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 verdict;
	__aligned_u64 first_page;
	__aligned_u64 nr_pages;
	__aligned_u64 verdicts;
	__aligned_u64 nr[8];
	__aligned_u64 generation;
	__aligned_u64 reserved;
};

#define PINWATCH_STACK_DEPTH	24

/**
 * struct pinwatch_watch_stack - PINWATCH_IOC_WATCH_STACK
 * @size: In. sizeof(struct pinwatch_watch_stack).
 * @flags: In. 0.
 * @id: In. From WATCH_ADD with PINWATCH_WATCH_F_STACK.
 * @nr_entries: Out. Number of @entries in use; 0: no invalidation yet.
 * @generation: Out. The watch's generation after the last invalidation.
 * @entries: Out. Return addresses of the last invalidation, innermost first.
 * @reserved: 0.
 *
 * Errors: EPERM (without CAP_SYSLOG), EINVAL (size, flags, reserved), E2BIG, EFAULT,
 * ENOENT (no such watch), ENODATA (a watch without F_STACK).
 */
struct pinwatch_watch_stack {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 nr_entries;
	__aligned_u64 generation;
	__aligned_u64 entries[PINWATCH_STACK_DEPTH];
	__aligned_u64 reserved;
};

/**
 * struct pinwatch_resync - PINWATCH_IOC_RESYNC
 * @size: In. sizeof(struct pinwatch_resync).
 * @flags: In. 0.
 * @first_id: In. The id of the first generation to copy.
 * @nr_ids: In. Length of @gens. Out: copied generations, fewer at the end of the mapping.
 * @gens: In. Address of an array of struct pinwatch_gen.
 * @reserved: 0.
 *
 * Copies generations in the order of ids, for a caller that has not mapped them. hits_offset
 * divided by the size of struct pinwatch_gen is the index of the word of the descriptor,
 * which a caller copies by a call of its own before the words of the watches.
 *
 * Errors: EINVAL (size, flags, reserved, nr_ids 0, the word of first_id not below
 * gen_map_size), E2BIG, EFAULT (argument, @gens).
 */
struct pinwatch_resync {
	__u32 size;
	__u32 flags;
	__u32 first_id;
	__u32 nr_ids;
	__aligned_u64 gens;
	__aligned_u64 reserved;
};

/**
 * struct pinwatch_attach - PINWATCH_IOC_ATTACH
 * @size: In. sizeof(struct pinwatch_attach).
 * @flags: In. 0.
 * @pid: In. A process, or one of its threads, in the caller's PID namespace.
 * @reserved: 0.
 *
 * Binds the file descriptor to the process for good, for watching without pinning. The
 * first thread of the process may have exited.
 *
 * Errors: EPERM (without CAP_SYS_PTRACE), EINVAL (size, flags, reserved, @pid not
 * positive), E2BIG, EFAULT, ESRCH (no such process, or a process without an address
 * space), EBUSY (a watch was added or is being added, or after ATTACH).
 */
struct pinwatch_attach {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 reserved;
};

/**
 * struct pinwatch_bind - PINWATCH_IOC_BIND
 * @size: In. sizeof(struct pinwatch_bind).
 * @flags: In. 0.
 * @reserved: 0.
 *
 * Binds the file descriptor to the address space of the caller, and charges the user of
 * the caller for the watches. May be repeated until a WATCH_ADD succeeds.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT, ENOMEM, EBUSY (a watch was added
 * or is being added, or after ATTACH).
 */
struct pinwatch_bind {
	__u32 size;
	__u32 flags;
	__aligned_u64 reserved;
};

/**
 * struct pinwatch_stats - PINWATCH_IOC_GET_STATS
 * @size: In. sizeof(struct pinwatch_stats).
 * @flags: In. 0.
 * @nr_mms: Out. Address spaces that the module is registered with now.
 * @nr_subscriptions: Out. Subscriptions of all drivers now.
 * @nr_files: Out. Open file descriptions of the device now.
 * @nr_watches: Out. Watches now.
 * @pinned_pages: Out. Pages charged for pins now. Each compound page counts whole, and
 *	once in an address space.
 * @walks: Out. Invalidations since load that overlapped a subscription.
 * @callbacks: Out. Callbacks since load.
 * @waits: Out. pinwatch_interval_read_begin() calls since load that slept.
 * @remove_waits: Out. pinwatch_interval_notifier_remove() calls since load that slept.
 * @overflows: Out. Invalidations since load that share their state with others, since more
 *	than 59 overlap subscriptions of one address space at a time, or since there was no
 *	memory: readers may wait longer.
 * @vetoes: Out. Non-blockable invalidations since load that were refused.
 * @reserved: 0.
 *
 * Counters of the whole module.
 *
 * Errors: EPERM (without CAP_SYS_ADMIN), EINVAL (size, flags, reserved), E2BIG, EFAULT.
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
#define PINWATCH_IOC_WATCH_REPIN _IOWR(PINWATCH_IOC_MAGIC, 0x12, struct pinwatch_watch_repin)
#define PINWATCH_IOC_WATCH_QUERY _IOWR(PINWATCH_IOC_MAGIC, 0x13, struct pinwatch_watch_query)
#define PINWATCH_IOC_WATCH_VERIFY _IOWR(PINWATCH_IOC_MAGIC, 0x14, struct pinwatch_watch_verify)
#define PINWATCH_IOC_WATCH_STACK _IOWR(PINWATCH_IOC_MAGIC, 0x15, struct pinwatch_watch_stack)
#define PINWATCH_IOC_RESYNC	_IOWR(PINWATCH_IOC_MAGIC, 0x20, struct pinwatch_resync)
#define PINWATCH_IOC_ATTACH	_IOWR(PINWATCH_IOC_MAGIC, 0x21, struct pinwatch_attach)
#define PINWATCH_IOC_BIND	_IOWR(PINWATCH_IOC_MAGIC, 0x22, struct pinwatch_bind)

#endif /* _LINUX_PINWATCH_H */
