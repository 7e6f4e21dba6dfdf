/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_test: private interface between the module and the tests
 *
 * /dev/pinwatch_test subscribes to ranges of the caller's mm, through pinwatch or
 * through the kernel's own mmu_interval_notifier. The test chooses how a callback
 * behaves. The first ADD binds the open file to the caller's mm; any process that has
 * the file may make the other calls. Close removes all subscriptions.
 *
 * A callback or call is held for at most PINWATCH_TEST_MAX_HOLD_MS, so that a test
 * cannot block the machine for ever.
 *
 * The BENCH calls insert intervals, and time operations on them. BENCH_SETUP chooses
 * the engine, once per open file. Times are differences of the time-stamp counter,
 * which counts executed instructions under `-icount shift=0`. The caller subtracts
 * the cost of reading the counter, which PINWATCH_TEST_BENCH_EMPTY measures.
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
	PINWATCH_TEST_SLOW,	/* accepts, then sleeps sleep_us if the range is blockable */
	PINWATCH_TEST_HELD,	/* accepts, then sleeps until RELEASE, likewise */
	PINWATCH_TEST_REJECTING,	/* leaves the sequence alone */
	PINWATCH_TEST_PUTTING,	/* accepts, then puts its subscription; pinwatch only */
	PINWATCH_TEST_NR_BEHAVIOURS
};

#define PINWATCH_TEST_F_LOCKED	(1U << 0) /* insert_locked, under the mmap lock */
#define PINWATCH_TEST_F_SIGNAL	(1U << 1) /* send SIGUSR1 to the caller first */
/* For pinwatch only */
#define PINWATCH_TEST_F_SLEEPS	(1U << 2) /* without PINWATCH_OPS_NEVER_SLEEPS */
#define PINWATCH_TEST_F_TWO_PASS	(1U << 3) /* sleeps in the second pass */
#define PINWATCH_TEST_F_OWNER	(1U << 4) /* sets ops->owner */
#define PINWATCH_TEST_F_FILE_MM	(1U << 5) /* subscribes to the file's mm, not the caller's */

/* How long a call took, and how often the task slept in the call */
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
 * @id: Out. Names the subscription in the other calls.
 * @ignore_events: ops->ignore_events; pinwatch only.
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

#define PINWATCH_TEST_DEL_PUT	(1U << 0) /* put, not remove; then READ fails with ENOENT */

/**
 * struct pinwatch_test_del - PINWATCH_TEST_IOC_DEL
 * @id: The subscription. READ, WAIT and RELEASE find @id until DEL returns.
 * @flags: PINWATCH_TEST_DEL_*.
 * @time: Out. Of the remove or put alone.
 *
 * Fails with EBUSY while another task is in BEGIN or RETRY of @id.
 */
struct pinwatch_test_del {
	__u32 id;
	__u32 flags;
	struct pinwatch_test_time time;
};

/**
 * struct pinwatch_test_read - PINWATCH_TEST_IOC_READ
 * @id: The subscription.
 * @inside: Out. Callbacks that have not returned yet.
 * @callbacks: Out. Callbacks so far.
 * @non_blockable: Out. Callbacks so far whose range was not blockable.
 * @timeouts: Out. Held callbacks that were not released in time.
 * @last_start: Out. Start of the last range.
 * @last_end: Out. End of the last range, exclusive.
 * @events: Out. Bit n: a callback had the enum mmu_notifier_event n.
 * @unaligned: Out. Callbacks so far whose range was not of whole pages.
 * @digest: Out. Sum over all callbacks of a hash of event and range, rounded to whole
 *	pages: does not depend on the order of the callbacks.
 * @finishes: Out. Second passes so far.
 * @first_order: Out. Position of the last first pass among all passes of the module.
 * @second_order: Out. Position of the last second pass among all passes of the module.
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
 * @id: The subscription.
 * @retry: RETRY: out. What read_retry returned.
 * @seq: BEGIN: out. RETRY: in.
 * @how: BEGIN: PINWATCH_TEST_BEGIN_*; with the kernel's engine only _PLAIN.
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

/* As the id in WAIT and RELEASE: the tasks in PINWATCH_TEST_IOC_STALL */
#define PINWATCH_TEST_STALL	(~0U)

/**
 * struct pinwatch_test_wait - PINWATCH_TEST_IOC_WAIT: until callbacks are inside
 * @id: The subscription, or PINWATCH_TEST_STALL.
 * @inside: Returns when at least @inside callbacks have not returned.
 * @timeout_ms: The call fails with ETIMEDOUT after @timeout_ms.
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

/* As the id in LOOP: each iteration inserts and removes a new subscription */
#define PINWATCH_TEST_OWN	(~0U)

/**
 * struct pinwatch_test_loop - PINWATCH_TEST_IOC_LOOP: insert, begin, retry, remove
 * @engine: For PINWATCH_TEST_OWN.
 * @id: PINWATCH_TEST_OWN; or a subscription, to call only begin and retry of.
 * @start: For PINWATCH_TEST_OWN: first byte.
 * @length: For PINWATCH_TEST_OWN: bytes.
 * @ms: No iteration begins after @ms. An iteration that blocks is not interrupted:
 *	another thread of the caller must end the invalidations that block the loop.
 * @reserved: 0.
 * @iterations: Out. Iterations.
 * @retries: Out. Iterations whose read_retry returned true.
 * @max_ns: Out. Of each operation, the longest call.
 * @total_ns: Out. Of each operation, the sum of all calls.
 * @sleeps: Out. Of each operation, the number of calls that slept.
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

#define PINWATCH_TEST_MAX_MASS	200000

/**
 * struct pinwatch_test_mass - PINWATCH_TEST_IOC_MASS_*: many counting subscriptions
 * @nr: ADD: number, at most PINWATCH_TEST_MAX_MASS; once per open file. 0: remove all.
 *	READ: out.
 * @busy: READ: out. Number of subscriptions whose read_begin would wait.
 * @start: ADD: first byte of the first subscription.
 * @stride: ADD: bytes from one start to the next.
 * @length: ADD: bytes of each subscription.
 * @callbacks: READ: out. Callbacks of all subscriptions.
 * @least: READ: out. Callbacks of the subscription with the fewest.
 * @most: READ: out. Callbacks of the subscription with the most.
 */
struct pinwatch_test_mass {
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
#define PINWATCH_TEST_BENCH_F_FILTERED	(1U << 0) /* ignores the event of fork */
#define PINWATCH_TEST_BENCH_F_SLEEPS		(1U << 1) /* the callback may sleep */

/**
 * struct pinwatch_test_bench_setup - PINWATCH_TEST_IOC_BENCH_SETUP: insert intervals
 * @engine: PINWATCH_TEST_PINWATCH or _KERNEL.
 * @nr: Number of intervals; 0 leaves the mm registered, with no interval.
 * @base: Start of the first interval.
 * @stride: Bytes from one start to the next.
 * @length: Bytes of each interval.
 * @seed: 0: insert by address. Not 0: insert in a random order.
 * @flags: PINWATCH_TEST_BENCH_F_*.
 * @first: Out. Cost of the first insert, which registers the mm.
 * @handle_bytes: Out. Bytes that a driver provides for each interval.
 * @engine_bytes: Out. Decrease of free memory during the inserts.
 *
 * Once per open file.
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
	PINWATCH_TEST_BENCH_EMPTY,		/* no operation */
	PINWATCH_TEST_BENCH_INSERT,		/* insert, in a random gap */
	PINWATCH_TEST_BENCH_REMOVE,		/* remove, after such an insert */
	PINWATCH_TEST_BENCH_BEGIN,		/* read_begin of a random interval */
	PINWATCH_TEST_BENCH_SECTION,		/* begin, lock, retry, unlock */
};

#define PINWATCH_TEST_BENCH_MAX_SAMPLES	65536

/**
 * struct pinwatch_test_bench_run - PINWATCH_TEST_IOC_BENCH_RUN: time an operation
 * @op: PINWATCH_TEST_BENCH_EMPTY ... _SECTION.
 * @nr: Number of samples, at most PINWATCH_TEST_BENCH_MAX_SAMPLES.
 * @samples: Address of an array of @nr __u32.
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
/* Opens the gate of a subscription, for good; the argument is an id */
#define PINWATCH_TEST_IOC_RELEASE _IO(0xbf, 0x06)
/* Sleeps, uninterruptibly, until RELEASE of PINWATCH_TEST_STALL */
#define PINWATCH_TEST_IOC_STALL	_IO(0xbf, 0x07)
#define PINWATCH_TEST_IOC_LOOP	_IOWR(0xbf, 0x08, struct pinwatch_test_loop)
#define PINWATCH_TEST_IOC_MASS_ADD	_IOW(0xbf, 0x09, struct pinwatch_test_mass)
#define PINWATCH_TEST_IOC_MASS_READ	_IOWR(0xbf, 0x0a, struct pinwatch_test_mass)
#define PINWATCH_TEST_IOC_BENCH_SETUP	_IOWR(0xbf, 0x0b, struct pinwatch_test_bench_setup)
#define PINWATCH_TEST_IOC_BENCH_RUN	_IOW(0xbf, 0x0c, struct pinwatch_test_bench_run)

#endif /* _PINWATCH_TEST_H */
