// SPDX-License-Identifier: MIT
/*
 * bench: everything that is measured in one process
 *
 * The intervals lie STRIDE apart in an area of their own, a page each, with
 * nothing mapped under them. A process without intervals does the same system
 * calls on the same addresses, so the difference is what the intervals cost.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>
#include "../module/pinwatch_test.h"
#include "../../../uapi/linux/pinwatch.h"
#include "bench.h"

#define PAGE		4096UL
#define STRIDE		(4 * PAGE)
#define SEED		0x70696e77U
#define NR_SAMPLES	2000
#define NR_DONTNEED	300
#define NR_GAPS		1200
#define NR_OVERLAPS	7
#define NR_FORKS	7
#define GONE_STEP_US	100000
#define GONE_STEPS	100

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t sorted_median(uint32_t *samples, unsigned int nr)
{
	qsort(samples, nr, sizeof(*samples), compare_u32);
	return samples[nr / 2];
}

static void measure_op(int fd, struct bench_row *row, enum bench_metric metric,
		       unsigned int op)
{
	static uint32_t samples[NR_SAMPLES];
	struct pinwatch_test_bench_run run = {
		.op = op,
		.nr = NR_SAMPLES,
		.samples = (uintptr_t)samples,
		.seed = SEED,
	};

	memset(samples, 0, sizeof(samples));
	if (ioctl(fd, PINWATCH_TEST_IOC_BENCH_RUN, &run))
		err(1, "RUN %u", op);
	sorted_median(samples, NR_SAMPLES);
	row->count[metric] = samples[0] - row->count[BENCH_EMPTY];
}

static uint32_t time_dontneed(char *addr, size_t length)
{
	uint64_t begin, end;

	begin = __rdtsc();
	if (madvise(addr, length, MADV_DONTNEED))
		err(1, "MADV_DONTNEED");
	end = __rdtsc();
	return end - begin;
}

/* One page, between two intervals in the middle, again and again. */
static void measure_dontneed(struct bench_row *row, enum bench_metric metric,
			     char *page)
{
	uint32_t samples[NR_DONTNEED];
	unsigned int i;

	for (i = 0; i < NR_DONTNEED; i++) {
		*(volatile char *)page = 1;
		samples[i] = time_dontneed(page, PAGE);
	}
	sorted_median(samples, NR_DONTNEED);
	row->count[metric] = samples[0];
}

/* Pages between intervals, another one each time. */
static void measure_gaps(struct bench_row *row, char *area, unsigned int nr)
{
	uint32_t samples[NR_GAPS], seed = SEED;
	unsigned int i;

	for (i = 0; i < NR_GAPS; i++) {
		uint64_t gap = (uint64_t)next_random(&seed) * (nr ? nr : 1) >> 32;
		char *page = area + gap * STRIDE + 2 * PAGE;

		*(volatile char *)page = 1;
		samples[i] = time_dontneed(page, PAGE);
	}
	row->count[BENCH_GAPS] = sorted_median(samples, NR_GAPS);
}

/* The whole area at once: every interval is called back. */
static void measure_overlap(struct bench_row *row, char *area, unsigned int nr)
{
	uint32_t samples[NR_OVERLAPS];
	unsigned int i;

	for (i = 0; i < NR_OVERLAPS; i++)
		samples[i] = time_dontneed(area, nr ? nr * STRIDE : PAGE);
	sorted_median(samples, NR_OVERLAPS);
	row->count[BENCH_OVERLAP] = samples[0];
}

static void measure_fork(struct bench_row *row)
{
	uint32_t samples[NR_FORKS];
	uint64_t begin, end;
	unsigned int i;
	pid_t pid;

	for (i = 0; i < NR_FORKS; i++) {
		begin = __rdtsc();
		pid = fork();
		end = __rdtsc();
		if (!pid)
			_exit(0);
		if (pid < 0)
			err(1, "fork");
		if (waitpid(pid, NULL, 0) != pid)
			err(1, "waitpid");
		samples[i] = end - begin;
	}
	sorted_median(samples, NR_FORKS);
	row->count[BENCH_FORK] = samples[0];
}

/* Until pinwatch has let go of every address space. */
static void await_gone(void)
{
	struct pinwatch_stats stats;
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC), i = 0;

	if (fd < 0)
		err(1, "%s", PINWATCH_DEVICE);
	do {
		stats = (struct pinwatch_stats){ .size = sizeof(stats) };
		if (ioctl(fd, PINWATCH_IOC_GET_STATS, &stats))
			err(1, "GET_STATS");
		usleep(GONE_STEP_US);
	} while (stats.nr_mms && ++i < GONE_STEPS);
	if (stats.nr_mms)
		errx(1, "pinwatch does not let go of an idle address space");
	close(fd);
}

static int setup(struct bench_row *row, enum bench_engine engine, char *area,
		 unsigned int nr)
{
	struct pinwatch_test_bench_setup arg = {
		.engine = engine == BENCH_KERNEL ? PINWATCH_TEST_KERNEL :
						   PINWATCH_TEST_PINWATCH,
		.flags = engine == BENCH_FILTERED ? PINWATCH_TEST_BENCH_F_FILTERED :
			 engine == BENCH_SLEEPER ? PINWATCH_TEST_BENCH_F_SLEEPS : 0,
		.nr = nr,
		.base = (uintptr_t)area,
		.stride = STRIDE,
		.length = PAGE,
		.seed = SEED,
	};
	int fd = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", PINWATCH_TEST_DEVICE);
	if (engine == BENCH_NONE)
		return fd;
	if (ioctl(fd, PINWATCH_TEST_IOC_BENCH_SETUP, &arg))
		err(1, "SETUP of %u intervals", nr);
	row->count[BENCH_FIRST] = arg.first;
	if (nr)
		row->count[BENCH_BYTES] = arg.handle_bytes +
					  (arg.engine_bytes + nr - 1) / nr;
	measure_op(fd, row, BENCH_EMPTY, PINWATCH_TEST_BENCH_EMPTY);
	row->count[BENCH_FIRST] -= row->count[BENCH_EMPTY];
	return fd;
}

static void measure_ops(int fd, struct bench_row *row, unsigned int nr)
{
	measure_op(fd, row, BENCH_INSERT, PINWATCH_TEST_BENCH_INSERT);
	measure_op(fd, row, BENCH_REMOVE, PINWATCH_TEST_BENCH_REMOVE);
	if (!nr)
		return;
	measure_op(fd, row, BENCH_BEGIN, PINWATCH_TEST_BENCH_BEGIN);
	measure_op(fd, row, BENCH_SECTION, PINWATCH_TEST_BENCH_SECTION);
}

/**
 * bench_measure() - measure one configuration, in this process
 * @row: Filled; BENCH_UNKNOWN where there is nothing to measure.
 * @engine: Whose intervals.
 * @nr: How many.
 */
void bench_measure(struct bench_row *row, enum bench_engine engine, unsigned int nr)
{
	size_t size = (nr ? nr : 1) * STRIDE;
	char *area, *page;
	unsigned int i;
	int fd;

	for (i = 0; i < BENCH_NR_METRICS; i++)
		row->count[i] = BENCH_UNKNOWN;
	row->count[BENCH_EMPTY] = 0;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		err(1, "mmap of %zu bytes", size);

	fd = setup(row, engine, area, nr);
	page = area + nr / 2 * STRIDE + 2 * PAGE;
	measure_dontneed(row, BENCH_DONTNEED, page);
	if (engine != BENCH_NONE)
		measure_ops(fd, row, nr);
	measure_overlap(row, area, nr);
	measure_gaps(row, area, nr);
	measure_fork(row);
	close(fd);
	/* With a veto it stays as long as the address space. */
	if (engine == BENCH_SLEEPER)
		return;
	await_gone();
	measure_dontneed(row, BENCH_GONE, page);
}
