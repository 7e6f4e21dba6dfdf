// SPDX-License-Identifier: MIT
/*
 * bench smp: threads that invalidate disjoint ranges of one mm
 *
 * Each thread discards a page of its own, between intervals, by MADV_DONTNEED without pause.
 * The kernel's locks of the mm are shared in any case, so the figures are ratios to the same
 * threads in an mm without intervals. Run it in a guest with two processors and `--parallel`.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>
#include "../module/pinwatch_test.h"
#include "bench.h"

#define PAGE		4096UL
#define STRIDE		(4 * PAGE)
#define NR_INTERVALS	10000U
#define SEED		0x70696e77U
#define NR_THREADS	2U
#define NR_RUNS		5U
#define NR_CALLS	10000U	/* of each thread */

struct worker {
	pthread_barrier_t *barrier;
	char *page;
	uint64_t ticks;
};

/* Ticks of a call in each run, of the slower thread. Shared with the measuring processes. */
struct smp_ticks {
	double ticks[NR_THREADS][BENCH_NONE + 1][NR_RUNS];
};

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	uint64_t begin;
	unsigned int i;

	pthread_barrier_wait(worker->barrier);
	begin = __rdtsc();
	for (i = 0; i < NR_CALLS; i++) {
		*(volatile char *)worker->page = 1;
		if (madvise(worker->page, PAGE, MADV_DONTNEED))
			err(1, "MADV_DONTNEED");
	}
	worker->ticks = __rdtsc() - begin;
	return NULL;
}

static double run_workers(char *area, unsigned int nr_threads)
{
	struct worker workers[NR_THREADS];
	pthread_t threads[NR_THREADS];
	pthread_barrier_t barrier;
	uint64_t ticks = 0;
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, nr_threads);
	for (i = 0; i < nr_threads; i++) {
		/* Far apart: in other page tables, and beside other intervals. */
		workers[i] = (struct worker) {
			.barrier = &barrier,
			.page = area + STRIDE * (NR_INTERVALS / NR_THREADS) * i + 2 * PAGE,
		};
		if (pthread_create(&threads[i], NULL, worker_run, &workers[i]))
			errx(1, "pthread_create");
	}
	for (i = 0; i < nr_threads; i++) {
		pthread_join(threads[i], NULL);
		ticks = workers[i].ticks > ticks ? workers[i].ticks : ticks;
	}
	pthread_barrier_destroy(&barrier);
	return (double)ticks / NR_CALLS;
}

static void measure(struct smp_ticks *smp, enum bench_engine engine, unsigned int run)
{
	struct pinwatch_test_bench_setup setup = {
		.engine = engine == BENCH_KERNEL ? PINWATCH_TEST_KERNEL : PINWATCH_TEST_PINWATCH,
		.nr = NR_INTERVALS,
		.stride = STRIDE,
		.length = PAGE,
		.seed = SEED,
	};
	unsigned int nr_threads;
	char *area;
	int fd;

	area = mmap(NULL, NR_INTERVALS * STRIDE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	fd = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);
	if (area == MAP_FAILED || fd < 0)
		err(1, "%s", PINWATCH_TEST_DEVICE);
	setup.base = (uintptr_t)area;
	if (engine != BENCH_NONE && ioctl(fd, PINWATCH_TEST_IOC_BENCH_SETUP, &setup))
		err(1, "SETUP");
	for (nr_threads = 1; nr_threads <= NR_THREADS; nr_threads++)
		smp->ticks[nr_threads - 1][engine][run] = run_workers(area, nr_threads);
	close(fd);
}

static void run_child(struct smp_ticks *smp, enum bench_engine engine, unsigned int run)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		measure(smp, engine, run);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "a measuring process failed");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *runs)
{
	qsort(runs, NR_RUNS, sizeof(*runs), compare);
	return runs[NR_RUNS / 2];
}

static void print(struct smp_ticks *smp)
{
	double none, kernel, pinwatch;
	const char *comma = "";
	unsigned int i;

	printf("MADV_DONTNEED on disjoint ranges beside %u intervals, median of %u runs,\n"
	       "as a ratio to the same without intervals\n%-16s %10s %10s\n", NR_INTERVALS, NR_RUNS,
	       "", "pinwatch", "kernel");
	for (i = 0; i < NR_THREADS; i++)
		printf("  %u thread%-7s %10.2f %10.2f\n", i + 1, i ? "s" : "",
		       median(smp->ticks[i][BENCH_PINWATCH]) / median(smp->ticks[i][BENCH_NONE]),
		       median(smp->ticks[i][BENCH_KERNEL]) / median(smp->ticks[i][BENCH_NONE]));
	printf("--- smp begins ---\n\"smp\": [");
	for (i = 0; i < NR_THREADS; i++) {
		none = median(smp->ticks[i][BENCH_NONE]);
		kernel = median(smp->ticks[i][BENCH_KERNEL]);
		pinwatch = median(smp->ticks[i][BENCH_PINWATCH]);
		printf("%s\n{ \"threads\": %u, \"pinwatch\": %.3f, \"kernel\": %.3f }", comma,
		       i + 1, pinwatch / none, kernel / none);
		comma = ",";
	}
	puts("\n]\n--- smp ends ---");
}

/**
 * bench_smp() - measure threads on disjoint ranges, and print a table and JSON
 *
 * Each engine is measured in new processes, in turn.
 */
void bench_smp(void)
{
	struct smp_ticks *smp = mmap(NULL, sizeof(*smp), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int engine, run;

	if (smp == MAP_FAILED)
		err(1, "mmap");
	for (run = 0; run < NR_RUNS; run++)
		for (engine = BENCH_PINWATCH; engine <= BENCH_NONE; engine++)
			run_child(smp, engine, run);
	print(smp);
}
