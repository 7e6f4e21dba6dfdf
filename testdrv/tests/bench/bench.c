// SPDX-License-Identifier: MIT
/*
 * bench: pinwatch beside the kernel's mmu_interval_notifier, in instructions
 *
 * Meant for a guest under `qemu -icount shift=0` with one CPU, where the
 * time-stamp counter counts instructions; elsewhere its figures are cycles, and
 * noise.
 *
 * What one interval leaves behind in an mm stays for the mm's life, so each
 * configuration is measured in a fresh process. The order is: no intervals,
 * pinwatch, kernel, pinwatch, kernel, special kinds, no intervals; the better one
 * of each pair counts, and all of it only if both processes without intervals
 * agree.
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

/* Shared with the children. */
static struct bench_row *row;

static void run_child(enum bench_engine engine, unsigned int nr)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		bench_measure(row, engine, nr);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "a measuring process failed (N = %u)", nr);
}

/*
 * Keeps the lower of each count; false when the short system calls differ. (Long
 * ones are interrupted by the timer now and then.)
 */
static bool keep_minimum(struct bench_row *best)
{
	bool equal = best->count[BENCH_DONTNEED] == row->count[BENCH_DONTNEED] &&
		     best->count[BENCH_GAPS] == row->count[BENCH_GAPS];
	unsigned int i;

	for (i = 0; i < BENCH_NR_METRICS; i++)
		if (row->count[i] < best->count[i])
			best->count[i] = row->count[i];
	return equal;
}

/* Is this measured with so many intervals? */
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
	memset(result->row, 0xff, sizeof(result->row));
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (!is_run(order[i], nr))
			continue;
		run_child(order[i], nr);
		result->valid = keep_minimum(&result->row[order[i]]);
	}
	fprintf(stderr, "bench: N = %u done%s\n", nr,
		result->valid ? "" : ", but the processes without intervals differ");
}

/*
 * What the first insert in an mm takes does not depend on N, but on the page
 * allocator's mood: the lowest of all stands for each.
 */
static void share_first(struct bench_result *results, unsigned int nr)
{
	uint64_t *count, lowest;
	unsigned int engine, i;

	for (engine = 0; engine < sizeof(results->row) / sizeof(results->row[0]); engine++) {
		lowest = UINT64_MAX;
		for (i = 0; i < nr; i++) {
			count = &results[i].row[engine].count[BENCH_FIRST];
			lowest = *count < lowest ? *count : lowest;
		}
		for (i = 0; i < nr; i++) {
			count = &results[i].row[engine].count[BENCH_FIRST];
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
	row = mmap(NULL, sizeof(*row), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (row == MAP_FAILED)
		err(1, "mmap");
	for (i = 0; i < nr; i++)
		run(&results[i], nrs[i]);
	share_first(results, nr);
	bench_json(results, nr);
	return bench_table(results, nr);
}
