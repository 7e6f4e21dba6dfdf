/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
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
 *  - PINWATCH_IOC_WATCH_QUERY, _VERIFY and _RESYNC ask.
 *
 * A file descriptor binds to the address space of its first WATCH_ADD, successful
 * or not, that passed the checks of its argument. WATCH_ADD, and WATCH_REPIN of a
 * pinned watch, fail with EXDEV from another one (a forked child's, or after exec).
 * PINWATCH_IOC_ATTACH binds it to another process's instead, for watching without
 * pinning.
 *
 * Who may do what. Whoever has the descriptor may do everything on it but what
 * follows; the administrator decides by the mode of the device node who can open
 * one. GET_STATS takes CAP_SYS_ADMIN, ATTACH takes CAP_SYS_PTRACE, stacks take
 * CAP_SYSLOG, each in the initial user namespace. The actor of an event (thread,
 * process, name) is told to a reader that has CAP_SYS_PTRACE there, and otherwise
 * only if the actor is a thread of the reader's own process; it is zero if not.
 *
 * When the address space is torn down (exit, exec), each watch gets its last event,
 * PINWATCH_EVENT_RELEASE, its generation changes, and its pin is dropped soon after.
 * The watch and its id stay until WATCH_DEL or until the last file descriptor is
 * closed.
 *
 * mmap() wants MAP_SHARED, PROT_READ, and a part of the first gen_map_size bytes. A
 * child does not inherit the mapping, and it does not keep the watches: it outlives
 * close(), showing generations that have changed. Words of ids that were never used
 * are 0. Pages of words are memory too: beside the first that is used or touched of
 * each descriptor, which is free, a user can have as many as the words of
 * max_watches_per_user watches fill, until the descriptor and its mappings are gone.
 * Beyond that WATCH_ADD fails with EDQUOT, and touching one is a SIGBUS.
 * Errors: EACCES (writable, or to become so by mprotect), EINVAL (private, or outside
 * gen_map_size), ENOMEM, ENFILE.
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
#define PINWATCH_ABI_MINOR	3

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
#define PINWATCH_FEATURE_VERIFY	(1ULL << 2) /* PINWATCH_IOC_WATCH_VERIFY works */

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
#define PINWATCH_WATCH_F_ONESHOT (1U << 2) /* queue one event (and RELEASE), until WATCH_REPIN */
#define PINWATCH_WATCH_F_STACK	(1U << 3) /* keep the kernel stack of the last hit: WATCH_STACK */

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
 * @ignore_events: In. PINWATCH_EVENT_* bits that are not to be queued for read();
 *	PINWATCH_EVENT_RELEASE cannot be among them. The generation changes all the
 *	same, and WATCH_QUERY counts them.
 * @generation: Out. The value of its generation word at which the watch (and
 *	the pin, if asked for) was true.
 * @nr_pages: Out. Pages in the range after rounding.
 * @touched_shift: Out. A bit of pinwatch_event.touched stands for 1 << this many
 *	bytes of the range.
 * @reserved: 0.
 *
 * One call subscribes, pins and checks that nothing changed in between: there
 * is no window between pinning and watching.
 *
 * Errors: EINVAL (size, flags, length 0, F_WRITE without F_PIN, RELEASE or unknown
 * bits in ignore_events, reserved not 0), E2BIG, EFAULT (arg; or F_PIN and a page of the
 * range is not mapped, is poisoned, or may not be accessed so), EOVERFLOW (addr + length wraps or
 * leaves user space), EPERM (F_STACK without CAP_SYSLOG), EXDEV (another address
 * space than the first WATCH_ADD's), ESRCH (the address space is being torn down),
 * ENOSPC (max_watches), EDQUOT (the user's share of watches, or of pages of words),
 * ENOMEM (no memory; or F_PIN and RLIMIT_MEMLOCK or max_pin_pages would be exceeded),
 * EAGAIN (the range is being invalidated so often that no pin lasted), EINTR (a
 * signal), EOPNOTSUPP (F_PIN after ATTACH), and what the kernel's pin_user_pages
 * returns for pages that cannot be pinned for long (EOPNOTSUPP, EBUSY).
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
 *
 * Unpins, forgets an unread event, and advances the generation. When the call
 * returns the pages are no longer held. Works from any address space. A thread that
 * is in read() meanwhile may still deliver a record of it.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT, ENOENT (no such watch), EINTR
 * (a fatal signal, while a WATCH_REPIN or WATCH_VERIFY of it was going on).
 */
struct pinwatch_watch_del {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
};

/**
 * struct pinwatch_watch_repin - PINWATCH_IOC_WATCH_REPIN
 * @size: In. sizeof(struct pinwatch_watch_repin).
 * @flags: In. 0.
 * @id: In. From WATCH_ADD.
 * @reserved: 0.
 * @generation: Out. The new value of the generation word at which the watch (and
 *	the pin) is true again.
 * @nr_pages: Out. Pages that are pinned now; 0 without F_PIN.
 *
 * Makes a watch true anew after it was invalidated: takes the pages that are mapped
 * now and lets go of the old ones, and arms a one-shot watch. An event that is
 * pending stays. Until it succeeds the old pages are held, so both count against
 * RLIMIT_MEMLOCK for a moment; when it fails, they are still held, and the watch is
 * as true or untrue as before. Taking pages may itself be a hit (copy-on-write).
 * EFAULT of the argument comes after the fact: WATCH_QUERY tells. A watch without
 * F_PIN is only given a new generation and armed. WATCH_DEL of the same watch waits
 * for it.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT, ENOENT (no such watch),
 * EXDEV (F_PIN, from another address space), ESRCH (the address space is gone), and
 * ENOMEM, EAGAIN, EINTR, EOPNOTSUPP, EBUSY as WATCH_ADD.
 */
struct pinwatch_watch_repin {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
	__aligned_u64 generation;
	__aligned_u64 nr_pages;
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

/* All of them */
#define PINWATCH_EVENT_ALL		0x800000ffU

/*
 * Why, bits of pinwatch_event.causes: the operation that made the kernel
 * invalidate, as far as the task, its system call and its stack tell. One bit for
 * each invalidation; the same in all kernel versions, unlike the kinds above.
 */
#define PINWATCH_CAUSE_UNKNOWN		(1ULL << 0) /* none of these */
#define PINWATCH_CAUSE_MUNMAP		(1ULL << 1) /* munmap, shmdt, brk */
#define PINWATCH_CAUSE_MREMAP		(1ULL << 2)
#define PINWATCH_CAUSE_MMAP		(1ULL << 3) /* a new mapping in its place: mmap, shmat */
#define PINWATCH_CAUSE_MADVISE		(1ULL << 4)
#define PINWATCH_CAUSE_MPROTECT		(1ULL << 5) /* pkey_mprotect too */
#define PINWATCH_CAUSE_FORK		(1ULL << 6)
#define PINWATCH_CAUSE_COW		(1ULL << 7) /* a write, or a pin, got a page of its own */
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

/* Flags of pinwatch_event */
#define PINWATCH_EVENT_F_ACTOR	(1U << 0) /* tid, tgid and comm are told */
#define PINWATCH_EVENT_F_ACTORS	(1U << 1) /* some merged hits were another thread's */
#define PINWATCH_EVENT_F_ATOMIC	(1U << 2) /* some were by a task that must not sleep (a reaper) */

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
 * @touched: Bit i: something was invalidated in the bytes from i << touched_shift
 *	of the watched range, counted from its first page. Exact to the page for
 *	watches of up to 64 pages; the hull may have gaps, this has not.
 * @causes: PINWATCH_CAUSE_* of all of them.
 * @flags: PINWATCH_EVENT_F_*.
 * @touched_shift: As WATCH_ADD returned it.
 * @tid: The thread that made the first of them, in the reader's PID namespace; 0:
 *	it is not visible there, or not told: see the head of this file.
 * @tgid: Its process, likewise.
 * @comm: Its name then; at most 15 bytes and a NUL.
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
	__aligned_u64 touched;
	__aligned_u64 causes;
	__u32 flags;
	__u32 touched_shift;
	__s32 tid;
	__s32 tgid;
	char comm[16];
	__aligned_u64 reserved[3];
};

/* Flags of pinwatch_watch_query */
#define PINWATCH_QUERY_F_NEXT	(1U << 0) /* the first watch whose id is not below id */

/* pinwatch_watch_query.state */
#define PINWATCH_STATE_ACTIVE	1U /* watches */
#define PINWATCH_STATE_DEAD	2U /* the address space is gone; WATCH_DEL is left to do */

/**
 * struct pinwatch_watch_query - PINWATCH_IOC_WATCH_QUERY
 * @size: In. sizeof(struct pinwatch_watch_query).
 * @flags: In. PINWATCH_QUERY_F_*.
 * @id: In. From WATCH_ADD. Out: whose figures these are.
 * @state: Out. PINWATCH_STATE_*.
 * @addr: Out. First byte of the range, after rounding.
 * @length: Out. Bytes, after rounding.
 * @cookie: Out. From WATCH_ADD.
 * @generation: Out. The generation now.
 * @valid_generation: Out. What WATCH_ADD or the last WATCH_REPIN returned; nothing
 *	was invalidated since if @generation is the same.
 * @hits: Out. Invalidations since WATCH_ADD, those of ignored events included.
 * @time_ns: Out. CLOCK_MONOTONIC of the last of them, nanoseconds; 0: there was none.
 * @causes: Out. PINWATCH_CAUSE_* of all of them.
 * @events: Out. PINWATCH_EVENT_* of all of them.
 * @watch_flags: Out. PINWATCH_WATCH_F_* from WATCH_ADD.
 * @ignore_events: Out. From WATCH_ADD.
 * @touched_shift: Out. As WATCH_ADD returned it.
 * @nr_pages: Out. Pages in the range.
 * @nr_pinned: Out. Pages that are pinned now.
 * @reserved: 0.
 *
 * Errors: EINVAL (size, flags, reserved), E2BIG, EFAULT, ENOENT (no such watch; with
 * F_NEXT: no further one).
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

/*
 * Verdicts on a page, from good to bad. "Mapped" is what a device that reads the page
 * tables would find, without a fault.
 *
 *		with F_PIN			without
 * SAME		the pinned page is mapped, and	a page is mapped, and nothing was
 *		can be written to if F_WRITE	invalidated since valid_generation
 * READ_ONLY	the pinned page is mapped, but	(never)
 *		cannot be written to now,
 *		though F_WRITE
 * UNKNOWN	a mapping that cannot be read	likewise; or a page is mapped, but the
 *		(PROT_NONE), or of memory with	range was invalidated: it may be the
 *		no page to compare (VM_IO)	same one or another
 * NOT_PRESENT	no page is mapped there now	likewise
 *		that could be used without a
 *		fault
 * MOVED	another page is mapped		(never: see UNKNOWN)
 * GONE		no mapping covers the address,	likewise
 *		or the address space is gone
 */
#define PINWATCH_VERDICT_SAME		0U
#define PINWATCH_VERDICT_READ_ONLY	1U
#define PINWATCH_VERDICT_UNKNOWN	2U
#define PINWATCH_VERDICT_NOT_PRESENT	3U
#define PINWATCH_VERDICT_MOVED		4U
#define PINWATCH_VERDICT_GONE		5U
#define PINWATCH_NR_VERDICTS		6

#define PINWATCH_VERIFY_MAX	1048576U /* pages that one PINWATCH_IOC_WATCH_VERIFY looks at */

/**
 * struct pinwatch_watch_verify - PINWATCH_IOC_WATCH_VERIFY
 * @size: In. sizeof(struct pinwatch_watch_verify).
 * @flags: In. 0.
 * @id: In. From WATCH_ADD.
 * @verdict: Out. PINWATCH_VERDICT_*: the worst (the highest) of those pages.
 * @first_page: In. The first page to look at, counted from the range's first.
 * @nr_pages: In. How many pages, at most %PINWATCH_VERIFY_MAX; 0: up to the range's
 *	end, or so many. Out: how many.
 * @verdicts: In. Address of an array of @nr_pages bytes, for a verdict each; 0: none.
 * @nr: Out. How many pages have each verdict; from %PINWATCH_NR_VERDICTS on: 0.
 * @generation: Out. The generation at which all that was so.
 * @reserved: 0.
 *
 * Compares a watch with the page tables as they are now. Brings no page in, breaks
 * no copy-on-write, works from any address space. Nothing was invalidated in the range
 * while it was looked at; pages may have been brought in.
 *
 * Errors: EINVAL (size, flags, reserved; @first_page or @nr_pages beyond the range
 * or the limit),
 * E2BIG, EFAULT, ENOENT (no such watch), ENOMEM, EINTR (a fatal signal), EAGAIN (the
 * range is being invalidated all the time), EOPNOTSUPP (without
 * PINWATCH_FEATURE_VERIFY).
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
 * @nr_entries: Out. How many of @entries are set; 0: there was no hit.
 * @generation: Out. The watch's generation after that hit.
 * @entries: Out. Return addresses in the kernel, innermost first: /proc/kallsyms
 *	names them.
 * @reserved: 0.
 *
 * Where in the kernel the last invalidation came from.
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
 * @first_id: In. The first id.
 * @nr_ids: In. Length of @gens. Out: how many were copied, less at max_watches.
 * @gens: In. Address of an array of struct pinwatch_gen.
 * @reserved: 0.
 *
 * Copies generation words, for callers that did not map them or have lost track.
 *
 * Errors: EINVAL (size, flags, reserved, nr_ids 0, first_id not below max_watches),
 * E2BIG, EFAULT.
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
 * @pid: In. A process, or a thread of it, in the caller's PID namespace.
 * @reserved: 0.
 *
 * Binds a fresh file descriptor to the address space that the process has now, so
 * that WATCH_ADD, without F_PIN, watches ranges of it. It keeps nothing of it alive;
 * when it ends (exit, exec), so do the watches. A PID may have been given to another
 * process meanwhile: libpinwatch takes a pidfd, and looks again.
 *
 * Errors: EPERM (without CAP_SYS_PTRACE), EINVAL (size, flags, reserved, @pid not
 * positive), E2BIG, EFAULT, ESRCH (no such process, or it has no address space),
 * EBUSY (the descriptor is bound already).
 */
struct pinwatch_attach {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 reserved;
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
#define PINWATCH_IOC_WATCH_REPIN _IOWR(PINWATCH_IOC_MAGIC, 0x12, struct pinwatch_watch_repin)
#define PINWATCH_IOC_WATCH_QUERY _IOWR(PINWATCH_IOC_MAGIC, 0x13, struct pinwatch_watch_query)
#define PINWATCH_IOC_WATCH_VERIFY _IOWR(PINWATCH_IOC_MAGIC, 0x14, struct pinwatch_watch_verify)
#define PINWATCH_IOC_WATCH_STACK _IOWR(PINWATCH_IOC_MAGIC, 0x15, struct pinwatch_watch_stack)
#define PINWATCH_IOC_RESYNC	_IOWR(PINWATCH_IOC_MAGIC, 0x20, struct pinwatch_resync)
#define PINWATCH_IOC_ATTACH	_IOWR(PINWATCH_IOC_MAGIC, 0x21, struct pinwatch_attach)

#endif /* _LINUX_PINWATCH_H */
