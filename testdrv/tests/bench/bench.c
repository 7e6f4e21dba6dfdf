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
#define NR_PUNCH_MAX	3

/* Shared with the child processes */
static struct bench_counts *counts;

static void run_child(const struct bench_result *result, enum bench_engine engine)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		result->measure(counts, engine, result->nr);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "a measuring process failed (N = %u)", result->nr);
}

/*
 * Keep the lower of each count. Return: false when the short system calls differ. (The
 * timer sometimes interrupts long system calls.)
 */
static bool keep_minimum(struct bench_counts *best)
{
	bool equal = best->count[BENCH_DONTNEED] == counts->count[BENCH_DONTNEED] &&
		     best->count[BENCH_GAPS] == counts->count[BENCH_GAPS] &&
		     best->count[BENCH_PUNCH] == counts->count[BENCH_PUNCH];
	unsigned int i;

	for (i = 0; i < BENCH_NR_METRICS; i++)
		if (counts->count[i] < best->count[i])
			best->count[i] = counts->count[i];
	return equal;
}

/* Is @engine measured for @result? */
static bool is_run(const struct bench_result *result, enum bench_engine engine)
{
	if (result->measure == bench_measure_punch)
		return engine == BENCH_PINWATCH || engine == BENCH_NONE;
	if (engine == BENCH_FILTERED)
		return result->nr >= 10000;
	return engine != BENCH_SLEEPER || result->nr == 10000;
}

static void run(struct bench_result *result)
{
	static const enum bench_engine order[] = {
		BENCH_NONE, BENCH_PINWATCH, BENCH_KERNEL,
		BENCH_PINWATCH, BENCH_KERNEL,
		BENCH_FILTERED, BENCH_SLEEPER, BENCH_NONE,
	};
	unsigned int i;

	memset(result->counts, 0xff, sizeof(result->counts));
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!is_run(result, order[i]))
			continue;
		run_child(result, order[i]);
		result->valid = keep_minimum(&result->counts[order[i]]);
	}
	fprintf(stderr, "bench: N = %u done%s\n", result->nr,
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
	puts("usage: bench [--large | N ...]\n"
	     "       bench smp\n"
	     "Counts what intervals cost, at N = 0, 1, 100 and 10,000 of them, and what root's\n"
	     "hole in a file costs, with N = 1 and 16 mappings of another user.\n"
	     "  --large  also at N = 100,000 and 1,000,000, and with 256 mappings\n"
	     "  N ...    only at these numbers of intervals, at most 6, and no holes\n"
	     "  smp      only threads that invalidate disjoint ranges, as a ratio");
}

/* Return: the number of @nrs that are set from @args. */
static unsigned int parse_numbers(char **args, unsigned int *nrs)
{
	unsigned int nr;

	for (nr = 0; args[nr]; nr++) {
		if (nr == NR_MAX)
			errx(1, "more than %d numbers of intervals", NR_MAX);
		nrs[nr] = strtoul(args[nr], NULL, 10);
	}
	return nr;
}

int main(int argc, char **argv)
{
	unsigned int nrs[NR_MAX] = { 0, 1, 100, 10000, 100000, 1000000 };
	static const unsigned int punch_nrs[NR_PUNCH_MAX] = { 1, 16, 256 };
	static const struct option options[] = {
		{ "large", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct bench_result results[NR_MAX + NR_PUNCH_MAX];
	unsigned int i, nr = 4, nr_punch = 2;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'l')
			return print_help(), opt != 'h';
		nr = NR_MAX;
		nr_punch = NR_PUNCH_MAX;
	}
	if (optind < argc && !strcmp(argv[optind], "smp"))
		return bench_smp(), 0;
	if (optind < argc) {
		nr = parse_numbers(argv + optind, nrs);
		nr_punch = 0;
	}
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < nr; i++)
		results[i] = (struct bench_result){ .measure = bench_measure, .nr = nrs[i] };
	for (i = 0; i < nr_punch; i++)
		results[nr + i] = (struct bench_result){
			.measure = bench_measure_punch, .nr = punch_nrs[i],
		};
	for (i = 0; i < nr + nr_punch; i++)
		run(&results[i]);
	share_first(results, nr);
	bench_json(results, nr + nr_punch);
	return bench_table(results, nr + nr_punch);
}
