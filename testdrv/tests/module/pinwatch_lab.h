/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_lab: private interface between the module and testdrv/tests
 *
 * /dev/pinwatch_lab subscribes to ranges of the caller's mm, through pinwatch or
 * through the kernel's own mmu_interval_notifier, with callbacks that behave as
 * a test wants. An open file binds to the mm of its first ADD; the other calls
 * work from any process that has the file. Close removes everything.
 *
 * Whatever blocks on request does so for PINWATCH_LAB_MAX_HOLD_MS at most, so
 * that no test can wedge the machine.
 */
#ifndef _PINWATCH_LAB_H
#define _PINWATCH_LAB_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PINWATCH_LAB_DEVICE	"/dev/pinwatch_lab"

#define PINWATCH_LAB_MAX_SUBS		256
#define PINWATCH_LAB_MAX_HOLD_MS	20000

enum {
	PINWATCH_LAB_PINWATCH,
	PINWATCH_LAB_KERNEL,
	PINWATCH_LAB_NR_ENGINES
};

enum {
	PINWATCH_LAB_COUNTING,	/* accepts */
	PINWATCH_LAB_SLOW,	/* accepts, then sleeps sleep_us if it may */
	PINWATCH_LAB_HELD,	/* accepts, then sleeps until RELEASE if it may */
	PINWATCH_LAB_REJECTING,	/* leaves the sequence alone */
	PINWATCH_LAB_PUTTING,	/* accepts, and then puts itself; pinwatch only */
	PINWATCH_LAB_NR_BEHAVIOURS
};

#define PINWATCH_LAB_F_LOCKED	(1U << 0) /* insert_locked, under the mmap lock */
#define PINWATCH_LAB_F_SIGNAL	(1U << 1) /* send SIGUSR1 to the caller first */
/* For pinwatch only */
#define PINWATCH_LAB_F_SLEEPS	(1U << 2) /* does not declare that it never sleeps */
#define PINWATCH_LAB_F_TWO_PASS	(1U << 3) /* what takes long happens in the second pass */
#define PINWATCH_LAB_F_OWNER	(1U << 4) /* events of its own are not wanted */
#define PINWATCH_LAB_F_FILE_MM	(1U << 5) /* into the file's mm, not the caller's */

/* How long a call took, and whether the task slept voluntarily in it */
struct pinwatch_lab_time {
	__aligned_u64 ns;
	__u32 sleeps;
	__u32 reserved;
};

/**
 * struct pinwatch_lab_add - PINWATCH_LAB_IOC_ADD
 * @engine: PINWATCH_LAB_PINWATCH or _KERNEL.
 * @behaviour: PINWATCH_LAB_COUNTING ... _REJECTING.
 * @flags: PINWATCH_LAB_F_*.
 * @sleep_us: For _SLOW.
 * @start: First byte.
 * @length: Bytes.
 * @hold_ms: For _HELD: the longest time; 0: PINWATCH_LAB_MAX_HOLD_MS.
 * @id: Out.
 * @ignore_events: A bit for each enum mmu_notifier_event that is not wanted;
 *	pinwatch only.
 * @reserved: 0.
 * @time: Out. Of the insert alone.
 */
struct pinwatch_lab_add {
	__u32 engine;
	__u32 behaviour;
	__u32 flags;
	__u32 sleep_us;
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 hold_ms;
	__u32 id;
	__u32 ignore_events;
	__u32 reserved;
	struct pinwatch_lab_time time;
};

#define PINWATCH_LAB_DEL_PUT	(1U << 0) /* put it; it is gone when READ says ENOENT */

/**
 * struct pinwatch_lab_del - PINWATCH_LAB_IOC_DEL
 * @id: Which one. READ, WAIT and RELEASE know it until this returns.
 * @flags: PINWATCH_LAB_DEL_*.
 * @time: Out. Of the remove or put alone.
 *
 * EBUSY while a BEGIN of it goes on.
 */
struct pinwatch_lab_del {
	__u32 id;
	__u32 flags;
	struct pinwatch_lab_time time;
};

/**
 * struct pinwatch_lab_read - PINWATCH_LAB_IOC_READ
 * @id: Which one.
 * @inside: Out. Callbacks that have not returned yet.
 * @callbacks: Out. Callbacks so far.
 * @non_blockable: Out. Those of a range that is not blockable.
 * @timeouts: Out. Those that nobody released in time.
 * @last_start: Out. The last range.
 * @last_end: Out. Byte after it.
 * @events: Out. A bit for each enum mmu_notifier_event seen.
 * @unaligned: Out. Callbacks whose range was not of whole pages.
 * @digest: Out. A sum over all callbacks of a hash of event and range, in whole
 *	pages: the same callbacks in any order have the same.
 * @finishes: Out. Second passes so far.
 * @first_order: Out. When the last first pass was, among all passes of all.
 * @second_order: Out. When the last second pass was.
 */
struct pinwatch_lab_read {
	__u32 id;
	__u32 inside;
	__aligned_u64 callbacks;
	__aligned_u64 non_blockable;
	__aligned_u64 timeouts;
	__aligned_u64 last_start;
	__aligned_u64 last_end;
	__u32 events;
	__u32 unaligned;
	__aligned_u64 digest;
	__aligned_u64 finishes;
	__aligned_u64 first_order;
	__aligned_u64 second_order;
};

enum {
	PINWATCH_LAB_BEGIN_PLAIN,
	PINWATCH_LAB_BEGIN_KILLABLE,
	PINWATCH_LAB_BEGIN_TIMEOUT,	/* EBUSY after timeout_ms */
};

/**
 * struct pinwatch_lab_begin - PINWATCH_LAB_IOC_BEGIN and _RETRY
 * @id: Which one.
 * @retry: RETRY: out.
 * @seq: BEGIN: out. RETRY: in.
 * @how: BEGIN: PINWATCH_LAB_BEGIN_*; other than _PLAIN for pinwatch only.
 * @timeout_ms: BEGIN: for _TIMEOUT.
 * @time: BEGIN: out.
 */
struct pinwatch_lab_begin {
	__u32 id;
	__u32 retry;
	__aligned_u64 seq;
	__u32 how;
	__u32 timeout_ms;
	struct pinwatch_lab_time time;
};

/* In place of an id: tasks in PINWATCH_LAB_IOC_STALL */
#define PINWATCH_LAB_STALL	(~0U)

/**
 * struct pinwatch_lab_wait - PINWATCH_LAB_IOC_WAIT: until callbacks are inside
 * @id: Which one.
 * @inside: At least so many.
 * @timeout_ms: ETIMEDOUT after that.
 * @reserved: 0.
 */
struct pinwatch_lab_wait {
	__u32 id;
	__u32 inside;
	__u32 timeout_ms;
	__u32 reserved;
};

enum {
	PINWATCH_LAB_OP_INSERT,
	PINWATCH_LAB_OP_BEGIN,
	PINWATCH_LAB_OP_REMOVE,
	PINWATCH_LAB_NR_OPS
};

/* In place of an id: insert and remove one of its own each time */
#define PINWATCH_LAB_OWN	(~0U)

/**
 * struct pinwatch_lab_loop - PINWATCH_LAB_IOC_LOOP: insert, begin, retry, remove
 * @engine: For PINWATCH_LAB_OWN.
 * @id: PINWATCH_LAB_OWN; or begin and retry of this one only.
 * @start: First byte of an own one.
 * @length: Bytes of an own one.
 * @ms: No further iteration after that. One that blocks is not broken off: the
 *	caller must see to it that what blocks it stops.
 * @reserved: 0.
 * @iterations: Out.
 * @retries: Out. Of them, those whose read_retry was true.
 * @max_ns: Out. The longest call of each.
 * @total_ns: Out. All of them.
 * @sleeps: Out. Those that slept.
 */
struct pinwatch_lab_loop {
	__u32 engine;
	__u32 id;
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 ms;
	__u32 reserved;
	__aligned_u64 iterations;
	__aligned_u64 retries;
	__aligned_u64 max_ns[PINWATCH_LAB_NR_OPS];
	__aligned_u64 total_ns[PINWATCH_LAB_NR_OPS];
	__aligned_u64 sleeps[PINWATCH_LAB_NR_OPS];
};

#define PINWATCH_LAB_MAX_CROWD	200000

/**
 * struct pinwatch_lab_crowd - PINWATCH_LAB_IOC_CROWD_*: a great many that count
 * @nr: ADD: how many, at most PINWATCH_LAB_MAX_CROWD; one crowd a file. 0: remove
 *	them.
 * @busy: READ: out. Those whose read_begin would wait.
 * @start: ADD: first byte of the first.
 * @stride: ADD: bytes from one's start to the next.
 * @length: ADD: bytes of each.
 * @callbacks: READ: out. Of all.
 * @least: READ: out. Of the one with the fewest.
 * @most: READ: out. Of the one with the most.
 */
struct pinwatch_lab_crowd {
	__u32 nr;
	__u32 busy;
	__aligned_u64 start;
	__aligned_u64 stride;
	__aligned_u64 length;
	__aligned_u64 callbacks;
	__aligned_u64 least;
	__aligned_u64 most;
};

#define PINWATCH_LAB_IOC_ADD	_IOWR(0xbf, 0x00, struct pinwatch_lab_add)
#define PINWATCH_LAB_IOC_DEL	_IOWR(0xbf, 0x01, struct pinwatch_lab_del)
#define PINWATCH_LAB_IOC_READ	_IOWR(0xbf, 0x02, struct pinwatch_lab_read)
#define PINWATCH_LAB_IOC_BEGIN	_IOWR(0xbf, 0x03, struct pinwatch_lab_begin)
#define PINWATCH_LAB_IOC_RETRY	_IOWR(0xbf, 0x04, struct pinwatch_lab_begin)
#define PINWATCH_LAB_IOC_WAIT	_IOW(0xbf, 0x05, struct pinwatch_lab_wait)
/* Lets go of what is held, now and later; the argument is an id */
#define PINWATCH_LAB_IOC_RELEASE _IO(0xbf, 0x06)
/* Sleeps, uninterruptibly, until RELEASE of PINWATCH_LAB_STALL */
#define PINWATCH_LAB_IOC_STALL	_IO(0xbf, 0x07)
#define PINWATCH_LAB_IOC_LOOP	_IOWR(0xbf, 0x08, struct pinwatch_lab_loop)
#define PINWATCH_LAB_IOC_CROWD_ADD	_IOW(0xbf, 0x09, struct pinwatch_lab_crowd)
#define PINWATCH_LAB_IOC_CROWD_READ	_IOWR(0xbf, 0x0a, struct pinwatch_lab_crowd)

#endif /* _PINWATCH_LAB_H */
