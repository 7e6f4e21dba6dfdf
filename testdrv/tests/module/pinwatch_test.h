/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_test: private interface between the module and the tests
 *
 * /dev/pinwatch_test subscribes to ranges of the caller's mm, through pinwatch or
 * through the kernel's own mmu_interval_notifier, with callbacks that behave as
 * a test wants. An open file binds to the mm of its first ADD; the other calls
 * work from any process that has the file. Close removes everything.
 *
 * Whatever blocks on request does so for PINWATCH_TEST_MAX_HOLD_MS at most, so
 * that no test can wedge the machine.
 *
 * The BENCH calls insert intervals, and time operations on them. An open file uses
 * one engine for that, chosen by BENCH_SETUP. Times are differences of the
 * time-stamp counter. Under `-icount shift=0` they are executed instructions; what
 * reading the counter costs is in the samples of PINWATCH_TEST_BENCH_EMPTY, to be
 * subtracted.
 */
#ifndef _PINWATCH_TEST_H
#define _PINWATCH_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PINWATCH_TEST_DEVICE	"/dev/pinwatch_test"

#define PINWATCH_TEST_MAX_SUBS		256
#define PINWATCH_TEST_MAX_HOLD_MS	20000

enum {
	PINWATCH_TEST_PINWATCH,
	PINWATCH_TEST_KERNEL,
	PINWATCH_TEST_NR_ENGINES
};

enum {
	PINWATCH_TEST_COUNTING,	/* accepts */
	PINWATCH_TEST_SLOW,	/* accepts, then sleeps sleep_us if it may */
	PINWATCH_TEST_HELD,	/* accepts, then sleeps until RELEASE if it may */
	PINWATCH_TEST_REJECTING,	/* leaves the sequence alone */
	PINWATCH_TEST_PUTTING,	/* accepts, and then puts itself; pinwatch only */
	PINWATCH_TEST_NR_BEHAVIOURS
};

#define PINWATCH_TEST_F_LOCKED	(1U << 0) /* insert_locked, under the mmap lock */
#define PINWATCH_TEST_F_SIGNAL	(1U << 1) /* send SIGUSR1 to the caller first */
/* For pinwatch only */
#define PINWATCH_TEST_F_SLEEPS	(1U << 2) /* does not declare that it never sleeps */
#define PINWATCH_TEST_F_TWO_PASS	(1U << 3) /* what takes long happens in the second pass */
#define PINWATCH_TEST_F_OWNER	(1U << 4) /* events of its own are not wanted */
#define PINWATCH_TEST_F_FILE_MM	(1U << 5) /* into the file's mm, not the caller's */

/* How long a call took, and whether the task slept voluntarily in it */
struct pinwatch_test_time {
	__aligned_u64 ns;
	__u32 sleeps;
	__u32 reserved;
};

/**
 * struct pinwatch_test_add - PINWATCH_TEST_IOC_ADD
 * @engine: PINWATCH_TEST_PINWATCH or _KERNEL.
 * @behaviour: PINWATCH_TEST_COUNTING ... _REJECTING.
 * @flags: PINWATCH_TEST_F_*.
 * @sleep_us: For _SLOW.
 * @start: First byte.
 * @length: Bytes.
 * @hold_ms: For _HELD: the longest time; 0: PINWATCH_TEST_MAX_HOLD_MS.
 * @id: Out.
 * @ignore_events: A bit for each enum mmu_notifier_event that is not wanted;
 *	pinwatch only.
 * @reserved: 0.
 * @time: Out. Of the insert alone.
 */
struct pinwatch_test_add {
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
	struct pinwatch_test_time time;
};

#define PINWATCH_TEST_DEL_PUT	(1U << 0) /* put it; it is gone when READ says ENOENT */

/**
 * struct pinwatch_test_del - PINWATCH_TEST_IOC_DEL
 * @id: Which one. READ, WAIT and RELEASE know it until this returns.
 * @flags: PINWATCH_TEST_DEL_*.
 * @time: Out. Of the remove or put alone.
 *
 * EBUSY while a BEGIN of it goes on.
 */
struct pinwatch_test_del {
	__u32 id;
	__u32 flags;
	struct pinwatch_test_time time;
};

/**
 * struct pinwatch_test_read - PINWATCH_TEST_IOC_READ
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
struct pinwatch_test_read {
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
	PINWATCH_TEST_BEGIN_PLAIN,
	PINWATCH_TEST_BEGIN_KILLABLE,
	PINWATCH_TEST_BEGIN_TIMEOUT,	/* EBUSY after timeout_ms */
};

/**
 * struct pinwatch_test_begin - PINWATCH_TEST_IOC_BEGIN and _RETRY
 * @id: Which one.
 * @retry: RETRY: out.
 * @seq: BEGIN: out. RETRY: in.
 * @how: BEGIN: PINWATCH_TEST_BEGIN_*; other than _PLAIN for pinwatch only.
 * @timeout_ms: BEGIN: for _TIMEOUT.
 * @time: BEGIN: out.
 */
struct pinwatch_test_begin {
	__u32 id;
	__u32 retry;
	__aligned_u64 seq;
	__u32 how;
	__u32 timeout_ms;
	struct pinwatch_test_time time;
};

/* In place of an id: tasks in PINWATCH_TEST_IOC_STALL */
#define PINWATCH_TEST_STALL	(~0U)

/**
 * struct pinwatch_test_wait - PINWATCH_TEST_IOC_WAIT: until callbacks are inside
 * @id: Which one.
 * @inside: At least so many.
 * @timeout_ms: ETIMEDOUT after that.
 * @reserved: 0.
 */
struct pinwatch_test_wait {
	__u32 id;
	__u32 inside;
	__u32 timeout_ms;
	__u32 reserved;
};

enum {
	PINWATCH_TEST_OP_INSERT,
	PINWATCH_TEST_OP_BEGIN,
	PINWATCH_TEST_OP_REMOVE,
	PINWATCH_TEST_NR_OPS
};

/* In place of an id: insert and remove one of its own each time */
#define PINWATCH_TEST_OWN	(~0U)

/**
 * struct pinwatch_test_loop - PINWATCH_TEST_IOC_LOOP: insert, begin, retry, remove
 * @engine: For PINWATCH_TEST_OWN.
 * @id: PINWATCH_TEST_OWN; or begin and retry of this one only.
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
struct pinwatch_test_loop {
	__u32 engine;
	__u32 id;
	__aligned_u64 start;
	__aligned_u64 length;
	__u32 ms;
	__u32 reserved;
	__aligned_u64 iterations;
	__aligned_u64 retries;
	__aligned_u64 max_ns[PINWATCH_TEST_NR_OPS];
	__aligned_u64 total_ns[PINWATCH_TEST_NR_OPS];
	__aligned_u64 sleeps[PINWATCH_TEST_NR_OPS];
};

#define PINWATCH_TEST_MAX_CROWD	200000

/**
 * struct pinwatch_test_crowd - PINWATCH_TEST_IOC_CROWD_*: a great many that count
 * @nr: ADD: how many, at most PINWATCH_TEST_MAX_CROWD; one crowd a file. 0: remove
 *	them.
 * @busy: READ: out. Those whose read_begin would wait.
 * @start: ADD: first byte of the first.
 * @stride: ADD: bytes from one's start to the next.
 * @length: ADD: bytes of each.
 * @callbacks: READ: out. Of all.
 * @least: READ: out. Of the one with the fewest.
 * @most: READ: out. Of the one with the most.
 */
struct pinwatch_test_crowd {
	__u32 nr;
	__u32 busy;
	__aligned_u64 start;
	__aligned_u64 stride;
	__aligned_u64 length;
	__aligned_u64 callbacks;
	__aligned_u64 least;
	__aligned_u64 most;
};

/* For pinwatch only */
#define PINWATCH_TEST_BENCH_F_FILTERED	(1U << 0) /* fork's event is not wanted */
#define PINWATCH_TEST_BENCH_F_SLEEPS		(1U << 1) /* the callback may sleep */

/**
 * struct pinwatch_test_bench_setup - PINWATCH_TEST_IOC_BENCH_SETUP: insert intervals
 * @engine: PINWATCH_TEST_PINWATCH or _KERNEL.
 * @nr: How many; 0 leaves the mm registered, with none. Once per open file.
 * @base: Start of the first.
 * @stride: Bytes from one start to the next; also in the order of insertion,
 *	unless @seed is set.
 * @length: Bytes of each.
 * @seed: Not 0: insert in the random order of this seed.
 * @flags: PINWATCH_TEST_BENCH_F_*.
 * @first: Out. What the very first insert of this open file cost.
 * @handle_bytes: Out. What a driver has to provide for each interval.
 * @engine_bytes: Out. What memory became less by as all were inserted.
 */
struct pinwatch_test_bench_setup {
	__u32 engine;
	__u32 nr;
	__aligned_u64 base;
	__aligned_u64 stride;
	__aligned_u64 length;
	__u32 seed;
	__u32 flags;
	__aligned_u64 first;
	__aligned_u64 handle_bytes;
	__aligned_u64 engine_bytes;
};

enum {
	PINWATCH_TEST_BENCH_EMPTY,		/* nothing at all */
	PINWATCH_TEST_BENCH_INSERT,		/* insert one more, in a random gap */
	PINWATCH_TEST_BENCH_REMOVE,		/* remove it again */
	PINWATCH_TEST_BENCH_BEGIN,		/* read_begin of a random one */
	PINWATCH_TEST_BENCH_SECTION,		/* begin, lock, retry, unlock */
};

#define PINWATCH_TEST_BENCH_MAX_SAMPLES	65536

/**
 * struct pinwatch_test_bench_run - PINWATCH_TEST_IOC_BENCH_RUN: time an operation
 * @op: PINWATCH_TEST_BENCH_EMPTY ... _SECTION.
 * @nr: Samples, up to PINWATCH_TEST_BENCH_MAX_SAMPLES.
 * @samples: Pointer to @nr __u32.
 * @seed: Chooses the gaps and intervals; not 0.
 * @reserved: 0.
 */
struct pinwatch_test_bench_run {
	__u32 op;
	__u32 nr;
	__aligned_u64 samples;
	__u32 seed;
	__u32 reserved;
};

#define PINWATCH_TEST_IOC_ADD	_IOWR(0xbf, 0x00, struct pinwatch_test_add)
#define PINWATCH_TEST_IOC_DEL	_IOWR(0xbf, 0x01, struct pinwatch_test_del)
#define PINWATCH_TEST_IOC_READ	_IOWR(0xbf, 0x02, struct pinwatch_test_read)
#define PINWATCH_TEST_IOC_BEGIN	_IOWR(0xbf, 0x03, struct pinwatch_test_begin)
#define PINWATCH_TEST_IOC_RETRY	_IOWR(0xbf, 0x04, struct pinwatch_test_begin)
#define PINWATCH_TEST_IOC_WAIT	_IOW(0xbf, 0x05, struct pinwatch_test_wait)
/* Lets go of what is held, now and later; the argument is an id */
#define PINWATCH_TEST_IOC_RELEASE _IO(0xbf, 0x06)
/* Sleeps, uninterruptibly, until RELEASE of PINWATCH_TEST_STALL */
#define PINWATCH_TEST_IOC_STALL	_IO(0xbf, 0x07)
#define PINWATCH_TEST_IOC_LOOP	_IOWR(0xbf, 0x08, struct pinwatch_test_loop)
#define PINWATCH_TEST_IOC_CROWD_ADD	_IOW(0xbf, 0x09, struct pinwatch_test_crowd)
#define PINWATCH_TEST_IOC_CROWD_READ	_IOWR(0xbf, 0x0a, struct pinwatch_test_crowd)
#define PINWATCH_TEST_IOC_BENCH_SETUP	_IOWR(0xbf, 0x0b, struct pinwatch_test_bench_setup)
#define PINWATCH_TEST_IOC_BENCH_RUN	_IOW(0xbf, 0x0c, struct pinwatch_test_bench_run)

#endif /* _PINWATCH_TEST_H */
