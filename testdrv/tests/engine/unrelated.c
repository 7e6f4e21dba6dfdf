// SPDX-License-Identifier: MIT
/*
 * engine: calls beside slow invalidations of an unrelated range
 *
 * Threads invalidate a range whose callback sleeps, without pause. Meanwhile one loop
 * inserts, reads and removes intervals elsewhere, and a second loop reads a constant
 * interval elsewhere. With pinwatch no call of the loops may sleep. The kernel's own
 * notifier sleeps until nothing is in flight in the mm. Under several invalidators that
 * may never happen, so a watchdog ends them.
 */
#include <sys/ioctl.h>
#include <unistd.h>
#include "engine.h"
#include "invalidator.h"

#define SLEEP_US		200000
#define PINWATCH_MS		2000
#define KERNEL_MS		1000
#define MAX_INVALIDATORS	4

/**
 * struct unrelated - the two loops beside @nr invalidators
 * @slow: The subscription that is invalidated.
 * @constant: The subscription that only @reader reads.
 * @own: Result of the loop that inserts and removes.
 * @reader: Result of the loop that reads @constant.
 */
struct unrelated {
	int fd;
	unsigned int engine;
	unsigned int slow;
	unsigned int constant;
	unsigned int nr;
	unsigned int ms;
	char *pages;
	struct invalidator invalidator;
	struct pinwatch_test_loop own;
	struct pinwatch_test_loop reader;
};

static struct pinwatch_test_loop loop(const struct unrelated *u, unsigned int id)
{
	struct pinwatch_test_loop loop = {
		.engine = u->engine,
		.id = id,
		.start = (uintptr_t)(u->pages + 32 * PAGE),
		.length = PAGE,
		.ms = u->ms,
	};

	CHECK_EQ(ioctl(u->fd, PINWATCH_TEST_IOC_LOOP, &loop), 0);
	return loop;
}

static void *read_constant(void *arg)
{
	struct unrelated *u = arg;

	u->reader = loop(u, u->constant);
	return NULL;
}

static void print_loop(const struct unrelated *u, const char *what,
		       const struct pinwatch_test_loop *loop)
{
	static const char *const names[] = { "insert", "begin", "remove" };
	unsigned int op;

	test_note("%u invalidators, %s: %llu iterations, %llu retries", u->nr, what,
		  (unsigned long long)loop->iterations,
		  (unsigned long long)loop->retries);
	for (op = 0; op < PINWATCH_TEST_NR_OPS; op++)
		if (loop->max_ns[op])
			test_note("  %-6s slept %llu times, at most %llu us", names[op],
				  (unsigned long long)loop->sleeps[op],
				  (unsigned long long)loop->max_ns[op] / 1000);
}

static uint64_t loop_sleeps(const struct pinwatch_test_loop *loop)
{
	return loop->sleeps[0] + loop->sleeps[1] + loop->sleeps[2];
}

/* Run both loops for u->ms, beside u->nr invalidators that are in their callback. */
static void run(struct unrelated *u)
{
	pthread_t reader;

	invalidator_start(&u->invalidator, u->pages, u->nr);
	sub_wait(u->fd, u->slow, u->nr);
	invalidator_watch(&u->invalidator, u->ms + 1000);
	CHECK_EQ(pthread_create(&reader, NULL, read_constant, u), 0);
	u->own = loop(u, PINWATCH_TEST_OWN);
	CHECK_EQ(pthread_join(reader, NULL), 0);
	invalidator_stop(&u->invalidator);
	print_loop(u, "insert/begin/retry/remove", &u->own);
	print_loop(u, "begin/retry of a constant interval", &u->reader);
}

static void setup(struct unrelated *u, unsigned int engine, unsigned int ms)
{
	*u = (struct unrelated){ .fd = driver_open(), .engine = engine, .ms = ms };
	u->pages = map_pages(64);
	u->slow = sub_add_slow(u->fd, engine, u->pages, MAX_INVALIDATORS * PAGE, SLEEP_US);
	u->constant = sub_add(u->fd, engine, PINWATCH_TEST_COUNTING, u->pages + 48 * PAGE,
			      PAGE).id;
}

static void check_pinwatch(struct unrelated *u)
{
	struct pinwatch_stats before = pw_stats(), after;

	run(u);
	after = pw_stats();
	test_check(u->invalidator.rounds >= u->nr, "beside %u: %llu invalidations",
		   u->nr, (unsigned long long)u->invalidator.rounds);
	test_check(u->own.iterations > 1000 && u->reader.iterations > 1000,
		   "beside %u: the loops went on", u->nr);
	test_check(!loop_sleeps(&u->own) && !loop_sleeps(&u->reader),
		   "beside %u: insert, read_begin and remove never slept", u->nr);
	test_check(after.waits == before.waits && after.remove_waits == before.remove_waits,
		   "beside %u: nothing counts as a wait", u->nr);
	test_check(!u->own.retries && !u->reader.retries, "beside %u: no retries", u->nr);
}

TEST(engine_unrelated_pinwatch)
{
	struct native native;
	struct unrelated u;

	setup(&u, PINWATCH_TEST_PINWATCH, PINWATCH_MS);
	native_add(&native, u.fd);
	for (u.nr = 1; u.nr <= MAX_INVALIDATORS; u.nr *= 2)
		check_pinwatch(&u);
	native_check(&native);
	close(u.fd);
}

/* The kernel's notifier must sleep. Otherwise the test above would prove nothing. */
TEST(engine_unrelated_kernel)
{
	struct unrelated u;

	setup(&u, PINWATCH_TEST_KERNEL, KERNEL_MS);
	for (u.nr = 1; u.nr <= MAX_INVALIDATORS; u.nr *= 2) {
		run(&u);
		test_check(loop_sleeps(&u.own) > 0, "beside %u: the kernel's notifier sleeps%s",
			   u.nr, u.own.max_ns[PINWATCH_TEST_OP_BEGIN] / 1000000 >= u.ms ?
			   ", and is starved" : "");
	}
	close(u.fd);
}
