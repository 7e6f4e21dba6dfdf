// SPDX-License-Identifier: MIT
/*
 * engine: life beside slow invalidations of somebody else's range
 *
 * Threads invalidate, over and over, a range whose callback sleeps. Meanwhile
 * intervals elsewhere are inserted, read and removed, and a constant one is
 * read. With pinwatch none of that ever sleeps. The kernel's own notifier, the
 * contrast, waits until the whole mm is idle; with several invalidators that may
 * be never, so a watchdog stops them.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "engine.h"

#define SLEEP_US		200000
#define PINWATCH_MS		5000
#define KERNEL_MS		2000
#define MAX_INVALIDATORS	4

struct stranger {
	int fd;
	unsigned int engine;
	unsigned int slow;
	unsigned int constant;
	unsigned int nr;
	unsigned int ms;
	char *slow_pages;
	char *own_page;
	int stop;
	int next_page;
	unsigned long rounds;
};

static void *invalidate(void *arg)
{
	struct stranger *s = arg;
	int page = __atomic_fetch_add(&s->next_page, 1, __ATOMIC_SEQ_CST);

	while (!__atomic_load_n(&s->stop, __ATOMIC_SEQ_CST)) {
		if (madvise(s->slow_pages + page * PAGE, PAGE, MADV_DONTNEED))
			die("MADV_DONTNEED");
		__atomic_fetch_add(&s->rounds, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* So that whoever is starved comes to an end. */
static void *watchdog(void *arg)
{
	struct stranger *s = arg;
	struct timespec time = {
		.tv_sec = s->ms / 1000 + 1,
		.tv_nsec = s->ms % 1000 * 1000000L,
	};

	nanosleep(&time, NULL);
	__atomic_store_n(&s->stop, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static struct pinwatch_test_loop loop(const struct stranger *s, unsigned int id)
{
	struct pinwatch_test_loop loop = {
		.engine = s->engine,
		.id = id,
		.start = (uintptr_t)s->own_page,
		.length = PAGE,
		.ms = s->ms,
	};

	if (ioctl(s->fd, PINWATCH_TEST_IOC_LOOP, &loop))
		die("LOOP");
	return loop;
}

struct constant_reader {
	struct stranger *stranger;
	struct pinwatch_test_loop loop;
};

static void *read_constant(void *arg)
{
	struct constant_reader *reader = arg;

	reader->loop = loop(reader->stranger, reader->stranger->constant);
	return NULL;
}

static void thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	if (pthread_create(thread, NULL, run, arg))
		die("pthread_create");
}

static void print_loop(const struct stranger *s, const char *what,
		       const struct pinwatch_test_loop *loop)
{
	static const char *const names[] = { "insert", "begin", "remove" };
	unsigned int op;

	remark("%u invalidators, %s: %llu iterations, %llu retries", s->nr, what,
	       (unsigned long long)loop->iterations,
	       (unsigned long long)loop->retries);
	for (op = 0; op < PINWATCH_TEST_NR_OPS; op++)
		if (loop->max_ns[op])
			remark("  %-6s slept %llu times, at most %llu us", names[op],
			       (unsigned long long)loop->sleeps[op],
			       (unsigned long long)loop->max_ns[op] / 1000);
}

static uint64_t loop_sleeps(const struct pinwatch_test_loop *loop)
{
	return loop->sleeps[0] + loop->sleeps[1] + loop->sleeps[2];
}

/* Both loops for s->ms, beside s->nr invalidators that are in their callback. */
static void run(struct stranger *s, struct pinwatch_test_loop *own,
		struct constant_reader *constant)
{
	pthread_t invalidators[MAX_INVALIDATORS], dog, reader;
	unsigned int i;

	s->stop = 0;
	s->next_page = 0;
	s->rounds = 0;
	constant->stranger = s;
	for (i = 0; i < s->nr; i++)
		thread_start(&invalidators[i], invalidate, s);
	lab_wait(s->fd, s->slow, s->nr);
	thread_start(&dog, watchdog, s);
	thread_start(&reader, read_constant, constant);
	*own = loop(s, PINWATCH_TEST_OWN);
	pthread_join(reader, NULL);
	pthread_join(dog, NULL);
	for (i = 0; i < s->nr; i++)
		pthread_join(invalidators[i], NULL);
	print_loop(s, "insert/begin/retry/remove", own);
	print_loop(s, "begin/retry of a constant interval", &constant->loop);
}

static void setup(struct stranger *s, unsigned int engine, unsigned int ms)
{
	char *pages = map_pages(64);

	memset(s, 0, sizeof(*s));
	s->fd = lab_open();
	s->engine = engine;
	s->ms = ms;
	s->slow_pages = pages;
	s->own_page = pages + 32 * PAGE;
	s->slow = lab_add_slow(s->fd, engine, pages, MAX_INVALIDATORS * PAGE, SLEEP_US);
	s->constant = lab_add(s->fd, engine, PINWATCH_TEST_COUNTING, pages + 48 * PAGE,
			      PAGE).id;
}

static void pinwatch_beside(struct stranger *s)
{
	struct pinwatch_stats before = pw_stats(), after;
	struct constant_reader constant;
	struct pinwatch_test_loop own;

	run(s, &own, &constant);
	after = pw_stats();
	check(s->rounds >= s->nr, "beside %u: they invalidated %lu times", s->nr,
	      s->rounds);
	check(own.iterations > 1000 && constant.loop.iterations > 1000,
	      "beside %u: the loops went on", s->nr);
	check(!loop_sleeps(&own) && !loop_sleeps(&constant.loop),
	      "beside %u: insert, read_begin and remove never slept", s->nr);
	check(after.waits == before.waits && after.remove_waits == before.remove_waits,
	      "beside %u: nothing counts as a wait", s->nr);
	check(!own.retries && !constant.loop.retries, "beside %u: no retries", s->nr);
}

void engine_stranger_pinwatch(void)
{
	struct neighbour neighbour;
	struct stranger s;

	setup(&s, PINWATCH_TEST_PINWATCH, PINWATCH_MS);
	neighbour_add(&neighbour, s.fd);
	for (s.nr = 1; s.nr <= MAX_INVALIDATORS; s.nr *= 2)
		pinwatch_beside(&s);
	neighbour_check(&neighbour);
	close(s.fd);
}

/* The contrast: if this did not sleep, the test above would prove nothing. */
void engine_stranger_kernel(void)
{
	struct constant_reader constant;
	struct pinwatch_test_loop own;
	struct stranger s;

	setup(&s, PINWATCH_TEST_KERNEL, KERNEL_MS);
	for (s.nr = 1; s.nr <= MAX_INVALIDATORS; s.nr *= 2) {
		run(&s, &own, &constant);
		check(loop_sleeps(&own) > 0, "beside %u: the kernel's notifier sleeps%s",
		      s.nr, own.max_ns[PINWATCH_TEST_OP_BEGIN] / 1000000 >= s.ms ?
		      ", and is starved" : "");
	}
	close(s.fd);
}
