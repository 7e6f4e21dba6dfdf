// SPDX-License-Identifier: MIT
/*
 * bench: the measurements of one process
 *
 * Intervals of a page each lie STRIDE apart in an area without present pages. A process
 * without intervals makes the same system calls on the same addresses, so that the
 * difference is the cost of the intervals.
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
#define NR_TURN		16U
#define NR_HITS		400
#define NR_MIXED	1001U
#define NR_ROUNDS	3
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

static uint64_t random_below(uint32_t *state, unsigned int limit)
{
	return (uint64_t)next_random(state) * limit >> 32;
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

static void measure_op(int fd, struct bench_counts *counts, enum bench_metric metric,
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
	counts->count[metric] = samples[0] - counts->count[BENCH_EMPTY];
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

/* The same page between two intervals in the middle, NR_DONTNEED times. */
static void measure_dontneed(struct bench_counts *counts, enum bench_metric metric,
			     char *page)
{
	uint32_t samples[NR_DONTNEED];
	unsigned int i;

	for (i = 0; i < NR_DONTNEED; i++) {
		*(volatile char *)page = 1;
		samples[i] = time_dontneed(page, PAGE);
	}
	sorted_median(samples, NR_DONTNEED);
	counts->count[metric] = samples[0];
}

/* A random page between two intervals, NR_GAPS times. */
static void measure_gaps(struct bench_counts *counts, char *area, unsigned int nr)
{
	uint32_t samples[NR_GAPS], seed = SEED;
	unsigned int i;

	for (i = 0; i < NR_GAPS; i++) {
		char *page = area + random_below(&seed, nr ? nr : 1) * STRIDE + 2 * PAGE;

		*(volatile char *)page = 1;
		samples[i] = time_dontneed(page, PAGE);
	}
	counts->count[BENCH_GAPS] = sorted_median(samples, NR_GAPS);
}

/* Random pages between two intervals, NR_TURN of them in turn, NR_GAPS times. */
static void measure_turn(struct bench_counts *counts, char *area, unsigned int nr)
{
	uint32_t samples[NR_GAPS], seed = SEED;
	char *pages[NR_TURN];
	unsigned int i;

	for (i = 0; i < NR_TURN; i++)
		pages[i] = area + random_below(&seed, nr ? nr : 1) * STRIDE + 2 * PAGE;
	for (i = 0; i < NR_GAPS; i++) {
		*(volatile char *)pages[i % NR_TURN] = 1;
		samples[i] = time_dontneed(pages[i % NR_TURN], PAGE);
	}
	counts->count[BENCH_TURN] = sorted_median(samples, NR_GAPS);
}

/* @nr_hits intervals side by side at a random place, NR_HITS times. One page is present. */
static void measure_hits(struct bench_counts *counts, enum bench_metric metric, char *area,
			 unsigned int nr, unsigned int nr_hits)
{
	uint32_t samples[NR_HITS], seed = SEED;
	unsigned int i;

	if (nr < nr_hits)
		return;
	for (i = 0; i < NR_HITS; i++) {
		char *addr = area + random_below(&seed, nr - nr_hits + 1) * STRIDE;

		*(volatile char *)addr = 1;
		samples[i] = time_dontneed(addr, (nr_hits - 1) * STRIDE + PAGE);
	}
	counts->count[metric] = sorted_median(samples, NR_HITS);
}

/* The pages of measure_gaps(), with one interval between the gaps. */
static void time_mixed(uint32_t *lowest, char *area, unsigned int nr)
{
	uint32_t sample, seed = SEED;
	unsigned int i;

	for (i = 0; i < NR_MIXED; i++) {
		char *page = area + random_below(&seed, nr) * STRIDE;

		page += i == NR_MIXED / 2 ? 0 : 2 * PAGE;
		*(volatile char *)page = 1;
		sample = time_dontneed(page, PAGE);
		lowest[i] = sample < lowest[i] ? sample : lowest[i];
	}
}

/*
 * A hit, and what it costs the invalidations after it. The mean of the lowest counts of each
 * page: the timer interrupts some calls, but not the same ones in each round.
 */
static void measure_mixed(struct bench_counts *counts, char *area, unsigned int nr)
{
	uint32_t lowest[NR_MIXED];
	uint64_t sum = 0;
	unsigned int i;

	if (!nr)
		return;
	memset(lowest, 0xff, sizeof(lowest));
	for (i = 0; i < NR_ROUNDS; i++)
		time_mixed(lowest, area, nr);
	for (i = 0; i < NR_MIXED; i++)
		sum += lowest[i];
	counts->count[BENCH_MIXED] = sum / NR_MIXED;
}

/* The whole area at once: every interval is called back. */
static void measure_overlap(struct bench_counts *counts, char *area, unsigned int nr)
{
	uint32_t samples[NR_OVERLAPS];
	unsigned int i;

	for (i = 0; i < NR_OVERLAPS; i++)
		samples[i] = time_dontneed(area, nr ? nr * STRIDE : PAGE);
	sorted_median(samples, NR_OVERLAPS);
	counts->count[BENCH_OVERLAP] = samples[0];
}

static void measure_fork(struct bench_counts *counts)
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
	counts->count[BENCH_FORK] = samples[0];
}

/* Wait until pinwatch has unregistered every mm. */
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
		errx(1, "pinwatch does not unregister an idle mm");
	close(fd);
}

static int setup(struct bench_counts *counts, enum bench_engine engine, char *area,
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
	counts->count[BENCH_FIRST] = arg.first;
	if (nr)
		counts->count[BENCH_BYTES] = arg.handle_bytes +
					  (arg.engine_bytes + nr - 1) / nr;
	measure_op(fd, counts, BENCH_EMPTY, PINWATCH_TEST_BENCH_EMPTY);
	counts->count[BENCH_FIRST] -= counts->count[BENCH_EMPTY];
	return fd;
}

static void measure_ops(int fd, struct bench_counts *counts, unsigned int nr)
{
	measure_op(fd, counts, BENCH_INSERT, PINWATCH_TEST_BENCH_INSERT);
	measure_op(fd, counts, BENCH_REMOVE, PINWATCH_TEST_BENCH_REMOVE);
	if (!nr)
		return;
	measure_op(fd, counts, BENCH_BEGIN, PINWATCH_TEST_BENCH_BEGIN);
	measure_op(fd, counts, BENCH_SECTION, PINWATCH_TEST_BENCH_SECTION);
}

/**
 * bench_measure() - measure one configuration, in this process
 * @counts: Out. BENCH_UNKNOWN for each metric that is not measured.
 * @engine: Kind of the intervals.
 * @nr: Number of intervals.
 */
void bench_measure(struct bench_counts *counts, enum bench_engine engine, unsigned int nr)
{
	size_t size = (nr ? nr : 1) * STRIDE;
	char *area, *page;
	unsigned int i;
	int fd;

	for (i = 0; i < BENCH_NR_METRICS; i++)
		counts->count[i] = BENCH_UNKNOWN;
	counts->count[BENCH_EMPTY] = 0;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		err(1, "mmap of %zu bytes", size);

	fd = setup(counts, engine, area, nr);
	page = area + nr / 2 * STRIDE + 2 * PAGE;
	measure_dontneed(counts, BENCH_DONTNEED, page);
	if (engine != BENCH_NONE)
		measure_ops(fd, counts, nr);
	measure_overlap(counts, area, nr);
	measure_gaps(counts, area, nr);
	measure_turn(counts, area, nr);
	measure_hits(counts, BENCH_HIT, area, nr, 1);
	measure_hits(counts, BENCH_HIT_16, area, nr, 16);
	measure_hits(counts, BENCH_HIT_256, area, nr, 256);
	measure_mixed(counts, area, nr);
	measure_fork(counts);
	close(fd);
	/* An mm with a veto stays registered. */
	if (engine == BENCH_SLEEPER)
		return;
	await_gone();
	measure_dontneed(counts, BENCH_GONE, page);
}
