// SPDX-License-Identifier: MIT
/*
 * contend: do invalidations of somebody else's range make anybody sleep?
 *
 * Threads invalidate, over and over, pages whose callback sleeps for 1 ms, or that
 * no interval covers. Meanwhile intervals elsewhere are read, or inserted, read and
 * removed, by a loop in pinwatch_test that counts how often each call slept.
 * With pinwatch none may. The kernel's own notifier waits until nothing at all is in
 * flight in the mm, which under several invalidators may be never: a watchdog stops
 * them, and what slept until then was starved.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "../module/pinwatch_test.h"

#define PAGE		4096UL
#define CALLBACK_US	1000
#define RUN_MS		1000
#define PATIENCE_MS	1000	/* of the watchdog, beyond that */
#define MIN_ITERATIONS	100
#define MAX_THREADS	4

/**
 * struct contention - a case
 * @name: In bench.json.
 * @title: In the table.
 * @invalidators: Threads that invalidate.
 * @readers: Threads that read an interval each; 0: one that inserts, reads, removes.
 * @hit: There is an interval under what is invalidated, whose callback sleeps.
 */
static const struct contention {
	const char *name;
	const char *title;
	unsigned int invalidators;
	unsigned int readers;
	bool hit;
} cases[] = {
	{ "readers_1", "2 readers, 1 invalidator", 1, 2, true },
	{ "loop_1", "insert/begin/retry/remove, 1", 1, 0, true },
	{ "loop_2", "the same, 2 invalidators", 2, 0, true },
	{ "loop_4", "the same, 4 invalidators", 4, 0, true },
	{ "loop_nothing", "the same, 1 that hits nothing", 1, 0, false },
};

#define NR_CASES	(sizeof(cases) / sizeof(cases[0]))

/* What all threads of a run share */
struct run {
	const struct contention *what;
	unsigned int engine;
	int fd;
	char *pages;
	int stop;
	int starved;
	int next;
};

struct result {
	uint64_t iterations;
	uint64_t sleeps[PINWATCH_TEST_NR_OPS];
	uint64_t max_us;
	bool starved;
};

struct reader {
	struct run *run;
	struct pinwatch_test_loop loop;
};

static char *page_of(const struct run *run, unsigned int page)
{
	return run->pages + page * PAGE;
}

static void *invalidate(void *arg)
{
	struct run *run = arg;
	char *page = page_of(run, __atomic_fetch_add(&run->next, 1, __ATOMIC_SEQ_CST));

	while (!__atomic_load_n(&run->stop, __ATOMIC_SEQ_CST))
		if (madvise(page, PAGE, MADV_DONTNEED))
			err(1, "MADV_DONTNEED");
	return NULL;
}

/* So that whoever is starved comes to an end. */
static void *watch(void *arg)
{
	struct run *run = arg;
	struct timespec step = { .tv_nsec = 10000000 };
	unsigned int ms;

	for (ms = 0; ms < RUN_MS + PATIENCE_MS; ms += 10) {
		nanosleep(&step, NULL);
		if (__atomic_load_n(&run->stop, __ATOMIC_SEQ_CST))
			return NULL;
	}
	__atomic_store_n(&run->starved, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&run->stop, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *loop(void *arg)
{
	struct reader *reader = arg;

	if (ioctl(reader->run->fd, PINWATCH_TEST_IOC_LOOP, &reader->loop))
		err(1, "LOOP");
	return NULL;
}

static unsigned int add(const struct run *run, unsigned int behaviour, char *start,
			size_t length)
{
	struct pinwatch_test_add add = {
		.engine = run->engine,
		.behaviour = behaviour,
		.sleep_us = CALLBACK_US,
		.start = (uintptr_t)start,
		.length = length,
	};

	if (ioctl(run->fd, PINWATCH_TEST_IOC_ADD, &add))
		err(1, "ADD");
	return add.id;
}

static void thread_start(pthread_t *thread, void *(*function)(void *), void *arg)
{
	if (pthread_create(thread, NULL, function, arg))
		errx(1, "pthread_create");
}

static void result_add(struct result *result, const struct pinwatch_test_loop *loop)
{
	unsigned int op;

	result->iterations += loop->iterations;
	for (op = 0; op < PINWATCH_TEST_NR_OPS; op++) {
		result->sleeps[op] += loop->sleeps[op];
		if (loop->max_ns[op] / 1000 > result->max_us)
			result->max_us = loop->max_ns[op] / 1000;
	}
}

/* The loops, in threads of their own, to their end. */
static void run_readers(struct run *run, struct result *result)
{
	unsigned int i, nr = run->what->readers ? run->what->readers : 1;
	pthread_t threads[MAX_THREADS] = { 0 };
	struct reader readers[MAX_THREADS];

	for (i = 0; i < nr; i++) {
		readers[i].run = run;
		readers[i].loop = (struct pinwatch_test_loop) {
			.engine = run->engine,
			.id = PINWATCH_TEST_OWN,
			.start = (uintptr_t)page_of(run, 32 + i),
			.length = PAGE,
			.ms = RUN_MS,
		};
		if (run->what->readers)
			readers[i].loop.id = add(run, PINWATCH_TEST_COUNTING,
						 page_of(run, 32 + i), PAGE);
	}
	for (i = 0; i < nr; i++)
		thread_start(&threads[i], loop, &readers[i]);
	for (i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		result_add(result, &readers[i].loop);
	}
}

static struct result run_case(const struct contention *what, unsigned int engine)
{
	struct run run = { .what = what, .engine = engine };
	pthread_t invalidators[MAX_THREADS] = { 0 }, dog;
	struct result result = { 0 };
	unsigned int i;

	run.fd = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);
	if (run.fd < 0)
		err(1, "%s", PINWATCH_TEST_DEVICE);
	run.pages = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (run.pages == MAP_FAILED)
		err(1, "mmap");
	memset(run.pages, 1, 64 * PAGE);
	/* One there always is, so that the mm stays registered. */
	add(&run, PINWATCH_TEST_SLOW, page_of(&run, what->hit ? 0 : 16),
	    MAX_THREADS * PAGE);
	thread_start(&dog, watch, &run);
	for (i = 0; i < what->invalidators; i++)
		thread_start(&invalidators[i], invalidate, &run);
	run_readers(&run, &result);
	__atomic_store_n(&run.stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < what->invalidators; i++)
		pthread_join(invalidators[i], NULL);
	pthread_join(dog, NULL);
	result.starved = run.starved;
	munmap(run.pages, 64 * PAGE);
	close(run.fd);
	return result;
}

static uint64_t sleeps(const struct result *result)
{
	return result->sleeps[0] + result->sleeps[1] + result->sleeps[2];
}

static bool misses(const struct result *result)
{
	return sleeps(result) || result->starved || result->iterations < MIN_ITERATIONS;
}

static void print_result(const char *title, const char *engine,
			 const struct result *result, bool missed)
{
	printf("  %-30s %-8s %9" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
	       " %9" PRIu64 "%s%s\n", title, engine, result->iterations,
	       result->sleeps[PINWATCH_TEST_OP_INSERT],
	       result->sleeps[PINWATCH_TEST_OP_BEGIN],
	       result->sleeps[PINWATCH_TEST_OP_REMOVE], result->max_us,
	       result->starved ? "  starved" : "", missed ? "  MISSED" : "");
	fflush(stdout);
}

static void print_json(struct result (*results)[PINWATCH_TEST_NR_ENGINES])
{
	unsigned int i, engine;

	puts("--- contention begins ---\n\"contention\": [");
	for (i = 0; i < NR_CASES; i++) {
		printf("{ \"name\": \"%s\"", cases[i].name);
		for (engine = 0; engine < PINWATCH_TEST_NR_ENGINES; engine++) {
			const struct result *result = &results[i][engine];

			printf(", \"%s\": { \"iterations\": %" PRIu64 ", \"sleeps\": %"
			       PRIu64 ", \"max_us\": %" PRIu64 ", \"starved\": %s }",
			       engine == PINWATCH_TEST_KERNEL ? "kernel" : "pinwatch",
			       result->iterations, sleeps(result), result->max_us,
			       result->starved ? "true" : "false");
		}
		printf(" }%s\n", i + 1 < NR_CASES ? "," : "");
	}
	puts("]\n--- contention ends ---");
}

int main(void)
{
	struct result results[NR_CASES][PINWATCH_TEST_NR_ENGINES];
	unsigned int i, missed = 0;

	printf("Calls that slept beside invalidations of another range, in %d ms\n"
	       "  %-30s %-8s %9s %8s %8s %8s %9s\n", RUN_MS, "", "", "rounds",
	       "insert", "begin", "remove", "max (us)");
	for (i = 0; i < NR_CASES; i++) {
		struct result *row = results[i];

		row[PINWATCH_TEST_PINWATCH] = run_case(&cases[i], PINWATCH_TEST_PINWATCH);
		missed += misses(&row[PINWATCH_TEST_PINWATCH]);
		print_result(cases[i].title, "pinwatch", &row[PINWATCH_TEST_PINWATCH],
			     misses(&row[PINWATCH_TEST_PINWATCH]));
		row[PINWATCH_TEST_KERNEL] = run_case(&cases[i], PINWATCH_TEST_KERNEL);
		print_result("", "kernel", &row[PINWATCH_TEST_KERNEL], false);
	}
	printf("contend: %u not reached\n", missed);
	print_json(results);
	return missed != 0;
}
