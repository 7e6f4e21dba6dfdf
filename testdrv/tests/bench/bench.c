// SPDX-License-Identifier: MIT
/*
 * bench: pinwatch beside the kernel's mmu_interval_notifier, in instructions
 *
 * Run bench in a guest under `qemu -icount shift=0` with one CPU, where the time-stamp
 * counter counts instructions. On other machines the figures are cycles, and vary.
 *
 * An interval leaves state in the mm until the mm ends, so each configuration is measured
 * in a new process. The order is: no intervals, pinwatch, kernel, pinwatch, kernel,
 * special kinds, no intervals. The lower count of each pair is reported. The result is
 * valid only if both processes without intervals agree.
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

#define NR_MAX	6

/* Shared with the child processes */
static struct bench_counts *counts;

static void run_child(enum bench_engine engine, unsigned int nr)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		bench_measure(counts, engine, nr);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "a measuring process failed (N = %u)", nr);
}

/*
 * Keep the lower of each count. Return: false when the short system calls differ. (The
 * timer sometimes interrupts long system calls.)
 */
static bool keep_minimum(struct bench_counts *best)
{
	bool equal = best->count[BENCH_DONTNEED] == counts->count[BENCH_DONTNEED] &&
		     best->count[BENCH_GAPS] == counts->count[BENCH_GAPS];
	unsigned int i;

	for (i = 0; i < BENCH_NR_METRICS; i++)
		if (counts->count[i] < best->count[i])
			best->count[i] = counts->count[i];
	return equal;
}

/* Is @engine measured with @nr intervals? */
static bool is_run(enum bench_engine engine, unsigned int nr)
{
	if (engine == BENCH_FILTERED)
		return nr >= 10000;
	return engine != BENCH_SLEEPER || nr == 10000;
}

static void run(struct bench_result *result, unsigned int nr)
{
	static const enum bench_engine order[] = {
		BENCH_NONE, BENCH_PINWATCH, BENCH_KERNEL,
		BENCH_PINWATCH, BENCH_KERNEL,
		BENCH_FILTERED, BENCH_SLEEPER, BENCH_NONE,
	};
	unsigned int i;

	result->nr = nr;
	memset(result->counts, 0xff, sizeof(result->counts));
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!is_run(order[i], nr))
			continue;
		run_child(order[i], nr);
		result->valid = keep_minimum(&result->counts[order[i]]);
	}
	fprintf(stderr, "bench: N = %u done%s\n", nr,
		result->valid ? "" : ", but the processes without intervals differ");
}

/*
 * The cost of the first insert in an mm does not depend on N, but on the state of the page
 * allocator. Report the lowest count for each N.
 */
static void share_first(struct bench_result *results, unsigned int nr)
{
	uint64_t *count, lowest;
	unsigned int engine, i;

	for (engine = 0; engine < sizeof(results->counts) / sizeof(results->counts[0]); engine++) {
		lowest = UINT64_MAX;
		for (i = 0; i < nr; i++) {
			count = &results[i].counts[engine].count[BENCH_FIRST];
			lowest = *count < lowest ? *count : lowest;
		}
		for (i = 0; i < nr; i++) {
			count = &results[i].counts[engine].count[BENCH_FIRST];
			*count = *count == BENCH_UNKNOWN ? *count : lowest;
		}
	}
}

static void print_help(void)
{
	puts("usage: bench [--large]\n"
	     "Counts what intervals cost, at N = 0, 1, 100 and 10,000 of them.\n"
	     "  --large  also at N = 100,000 and 1,000,000");
}

int main(int argc, char **argv)
{
	static const unsigned int nrs[NR_MAX] = { 0, 1, 100, 10000, 100000, 1000000 };
	static const struct option options[] = {
		{ "large", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct bench_result results[NR_MAX];
	unsigned int i, nr = 4;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'l')
			nr = NR_MAX;
		else
			return print_help(), opt != 'h';
	}
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < nr; i++)
		run(&results[i], nrs[i]);
	share_first(results, nr);
	bench_json(results, nr);
	return bench_table(results, nr);
}
