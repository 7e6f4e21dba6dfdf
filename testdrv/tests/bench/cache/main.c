// SPDX-License-Identifier: MIT
/*
 * bench-cache: ns per hit (get and put) of pinwatch_cache beside UCX's ucs_rcache
 *
 * usage: cache_bench [--json]
 *
 * Each cell is the median of NR_RUNS runs. A run fills a cache with regions of one page,
 * and then each thread requests all of them in a random order of its own. Exit status 1:
 * pinwatch_cache is not faster than UCX in every cell.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "clock.h"
#include "test.h"

#define NR_RUNS		7
#define NR_HITS		400000	/* of each thread in a run */
#define MAX_THREADS	2
#define MAX_REGIONS	10000UL
#define PAGE		4096UL

/* One page of each pair is a region: adjacent regions would be merged. */
#define BUFFER_SIZE	(2 * MAX_REGIONS * PAGE)

static const size_t sizes[] = { 100, 1000, 10000 };

#define NR_SIZES	(sizeof(sizes) / sizeof(sizes[0]))

static const struct bench_cache *const caches[] = { &bench_pinwatch, &bench_ucx };

struct worker {
	const struct bench_cache *cache;
	char *order[MAX_REGIONS];
	size_t nr_regions;
	uint64_t ns;
};

static struct worker workers[MAX_THREADS];
static pthread_barrier_t barrier;
static char *buffer;
/* [NR_RUNS] last: sorted for the median */
static double ns_per_hit[NR_SIZES][MAX_THREADS][2][NR_RUNS];

void bench_check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cache_bench: %s failed\n", what);
	exit(2);
}

static void order_init(struct worker *worker, uint64_t *state)
{
	size_t i, j;

	for (i = 0; i < worker->nr_regions; i++) {
		j = random_below(state, (uint32_t)i + 1);
		worker->order[i] = worker->order[j];
		worker->order[j] = buffer + 2 * i * PAGE;
	}
}

static void *worker_run(void *data)
{
	struct worker *worker = data;
	uint64_t begin;

	/* The first hit of a region by a thread is not the usual case. */
	worker->cache->hit(worker->order, worker->nr_regions, worker->nr_regions);
	pthread_barrier_wait(&barrier);
	begin = now_ns();
	worker->cache->hit(worker->order, worker->nr_regions, NR_HITS);
	worker->ns = now_ns() - begin;
	return NULL;
}

/* Returns the ns per hit of the slower thread. */
static double workers_run(const struct bench_cache *cache, size_t nr_regions,
			  size_t nr_threads, uint64_t *state)
{
	pthread_t threads[MAX_THREADS];
	uint64_t ns = 0;
	size_t i;

	pthread_barrier_init(&barrier, NULL, (unsigned int)nr_threads);
	for (i = 0; i < nr_threads; i++) {
		workers[i].cache = cache;
		workers[i].nr_regions = nr_regions;
		order_init(&workers[i], state);
	}
	for (i = 0; i < nr_threads; i++)
		bench_check(!pthread_create(&threads[i], NULL, worker_run, &workers[i]),
			    "pthread_create");
	for (i = 0; i < nr_threads; i++) {
		pthread_join(threads[i], NULL);
		if (workers[i].ns > ns)
			ns = workers[i].ns;
	}
	pthread_barrier_destroy(&barrier);
	return (double)ns / NR_HITS;
}

static void cell_run(size_t size, size_t nr_threads, size_t run)
{
	uint64_t state = run + 1;
	size_t i;

	fprintf(stderr, "\rrun %zu of %d: %5zu regions, %zu thread%s ", run + 1, NR_RUNS,
		sizes[size], nr_threads, nr_threads > 1 ? "s" : " ");
	for (i = 0; i < 2; i++) {
		caches[i]->create();
		ns_per_hit[size][nr_threads - 1][i][run] =
			workers_run(caches[i], sizes[size], nr_threads, &state);
		caches[i]->destroy();
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(size_t size, size_t nr_threads, size_t cache)
{
	double *runs = ns_per_hit[size][nr_threads - 1][cache];

	qsort(runs, NR_RUNS, sizeof(*runs), compare);
	return runs[NR_RUNS / 2];
}

/* Returns whether pinwatch_cache is faster in the cell. */
static bool cell_print(size_t size, size_t nr_threads, bool json, const char *separator)
{
	double ours = median(size, nr_threads, 0), ucx = median(size, nr_threads, 1);

	if (json)
		printf("%s\n  {\"regions\": %zu, \"threads\": %zu, \"%s\": %.1f, \"%s\": %.1f}",
		       separator, sizes[size], nr_threads, caches[0]->name, ours,
		       caches[1]->name, ucx);
	else
		printf("%8zu %8zu %10.1f %10.1f  %s\n", sizes[size], nr_threads, ours, ucx,
		       ours < ucx ? "" : "slower");
	return ours < ucx;
}

static bool cells_print(bool json)
{
	size_t size, nr_threads;
	bool faster = true;

	if (json)
		printf("[");
	else
		printf("ns per get and put, median of %d runs\n%8s %8s %10s %10s\n", NR_RUNS,
		       "regions", "threads", caches[0]->name, caches[1]->name);
	for (nr_threads = 1; nr_threads <= MAX_THREADS; nr_threads++)
		for (size = 0; size < NR_SIZES; size++)
			faster &= cell_print(size, nr_threads, json,
					     size || nr_threads > 1 ? "," : "");
	if (json)
		printf("\n]\n");
	return faster;
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	size_t size, nr_threads, run;

	if (argc > (json ? 2 : 1)) {
		fprintf(stderr, "usage: cache_bench [--json]\n");
		return 2;
	}
	buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bench_check(buffer != MAP_FAILED, "mmap");
	for (run = 0; run < NR_RUNS; run++)
		for (nr_threads = 1; nr_threads <= MAX_THREADS; nr_threads++)
			for (size = 0; size < NR_SIZES; size++)
				cell_run(size, nr_threads, run);
	fprintf(stderr, "\r%40s\r", "");
	return cells_print(json) ? 0 : 1;
}
