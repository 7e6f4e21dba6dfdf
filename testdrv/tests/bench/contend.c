// SPDX-License-Identifier: MIT
/*
 * contend: do calls sleep because of invalidations of an unrelated range?
 *
 * Threads invalidate pages without pause. The callback of these pages sleeps for 1 ms, or
 * no interval covers the pages. Meanwhile a loop in pinwatch_test reads, or inserts, reads
 * and removes intervals elsewhere, and counts how often each call slept. With pinwatch no
 * call may sleep. The kernel's own notifier waits until nothing is in flight in the mm.
 * Under several invalidators that may never happen: a watchdog ends the invalidators, and
 * the result is marked as starved.
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
#include <unistd.h>
#include "../module/pinwatch_test.h"
#include "invalidator.h"

#define PAGE		4096UL
#define CALLBACK_US	1000
#define RUN_MS		1000
#define PATIENCE_MS	1000	/* the watchdog ends the invalidators after RUN_MS + PATIENCE_MS */
#define MIN_ITERATIONS	100
#define MAX_THREADS	4

/**
 * struct contention - a case
 * @name: In bench.json.
 * @title: In the table.
 * @invalidators: Number of threads that invalidate.
 * @readers: Number of threads that read an interval each; 0: one thread inserts, reads and
 *	removes.
 * @hit: An interval whose callback sleeps covers the invalidated pages.
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

struct measurement {
	const struct contention *what;
	unsigned int engine;
	int fd;
	char *pages;
};

struct result {
	uint64_t iterations;
	uint64_t sleeps[PINWATCH_TEST_NR_OPS];
	uint64_t max_us;
	bool starved;
};

struct reader {
	int fd;
	struct pinwatch_test_loop loop;
};

static char *page_of(const struct measurement *m, unsigned int page)
{
	return m->pages + page * PAGE;
}

static void *loop(void *arg)
{
	struct reader *reader = arg;

	if (ioctl(reader->fd, PINWATCH_TEST_IOC_LOOP, &reader->loop))
		err(1, "LOOP");
	return NULL;
}

static unsigned int add(const struct measurement *m, unsigned int behaviour, char *start,
			size_t length)
{
	struct pinwatch_test_add add = {
		.engine = m->engine,
		.behaviour = behaviour,
		.sleep_us = CALLBACK_US,
		.start = (uintptr_t)start,
		.length = length,
	};

	if (ioctl(m->fd, PINWATCH_TEST_IOC_ADD, &add))
		err(1, "ADD");
	return add.id;
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

/* Run a loop in each reader thread, and add up the results. */
static void run_readers(struct measurement *m, struct result *result)
{
	unsigned int i, nr = m->what->readers ? m->what->readers : 1;
	pthread_t threads[MAX_THREADS] = { 0 };
	struct reader readers[MAX_THREADS];

	for (i = 0; i < nr; i++) {
		readers[i].fd = m->fd;
		readers[i].loop = (struct pinwatch_test_loop) {
			.engine = m->engine,
			.id = PINWATCH_TEST_OWN,
			.start = (uintptr_t)page_of(m, 32 + i),
			.length = PAGE,
			.ms = RUN_MS,
		};
		if (m->what->readers)
			readers[i].loop.id = add(m, PINWATCH_TEST_COUNTING,
						 page_of(m, 32 + i), PAGE);
	}
	for (i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, loop, &readers[i]))
			errx(1, "pthread_create");
	for (i = 0; i < nr; i++) {
		pthread_join(threads[i], NULL);
		result_add(result, &readers[i].loop);
	}
}

static struct result run_case(const struct contention *what, unsigned int engine)
{
	struct measurement m = { .what = what, .engine = engine };
	struct invalidator invalidator;
	struct result result = { 0 };

	m.fd = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);
	if (m.fd < 0)
		err(1, "%s", PINWATCH_TEST_DEVICE);
	m.pages = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m.pages == MAP_FAILED)
		err(1, "mmap");
	memset(m.pages, 1, 64 * PAGE);
	/* Without a hit, this subscription only keeps the mm registered. */
	add(&m, PINWATCH_TEST_SLOW, page_of(&m, what->hit ? 0 : 16), MAX_THREADS * PAGE);
	invalidator_start(&invalidator, m.pages, what->invalidators);
	invalidator_watch(&invalidator, RUN_MS + PATIENCE_MS);
	run_readers(&m, &result);
	invalidator_stop(&invalidator);
	result.starved = invalidator.expired;
	munmap(m.pages, 64 * PAGE);
	close(m.fd);
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

	printf("Calls that slept beside invalidations of an unrelated range, in %d ms\n"
	       "  %-30s %-8s %9s %8s %8s %8s %9s\n", RUN_MS, "", "", "rounds",
	       "insert", "begin", "remove", "max (us)");
	for (i = 0; i < NR_CASES; i++) {
		struct result *result = results[i];

		result[PINWATCH_TEST_PINWATCH] = run_case(&cases[i], PINWATCH_TEST_PINWATCH);
		missed += misses(&result[PINWATCH_TEST_PINWATCH]);
		print_result(cases[i].title, "pinwatch", &result[PINWATCH_TEST_PINWATCH],
			     misses(&result[PINWATCH_TEST_PINWATCH]));
		result[PINWATCH_TEST_KERNEL] = run_case(&cases[i], PINWATCH_TEST_KERNEL);
		print_result("", "kernel", &result[PINWATCH_TEST_KERNEL], false);
	}
	printf("contend: %u not reached\n", missed);
	print_json(results);
	return missed != 0;
}
