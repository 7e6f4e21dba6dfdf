// SPDX-License-Identifier: MIT
/*
 * bench: the figures, for people and for programs
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "bench.h"

/**
 * struct figure - one line of the report
 * @name: In bench.json.
 * @title: In the table.
 * @metric: What it is made of.
 * @extra: What counts is the difference to a process without intervals.
 * @each: ... divided by the number of intervals.
 * @must: The most that it may be at N from @must_from to @must_to; 0: no limit.
 */
static const struct figure {
	const char *name;
	const char *title;
	enum bench_metric metric;
	bool extra;
	bool each;
	unsigned int must;
	unsigned int must_from;
	unsigned int must_to;
} figures[] = {
	{ "insert", "insert", BENCH_INSERT, .must = 245, .must_to = 10000 },
	{ "remove", "remove", BENCH_REMOVE, .must = 105, .must_to = 10000 },
	{ "read_begin", "read_begin", BENCH_BEGIN },
	{ "section", "begin + lock + retry + unlock", BENCH_SECTION, .must = 40,
	  .must_to = ~0U },
	{ "first", "first registration in an mm", BENCH_FIRST, .must = 18140,
	  .must_to = ~0U },
	{ "dontneed", "extra on MADV_DONTNEED elsewhere", BENCH_DONTNEED,
	  .extra = true, .must = 245, .must_to = ~0U },
	{ "gaps", "the same over many gaps, median", BENCH_GAPS, .extra = true,
	  .must = 450, .must_to = 10000 },
	{ "gaps", "the same over many gaps, median", BENCH_GAPS, .extra = true,
	  .must = 530, .must_from = 100000, .must_to = ~0U },
	{ "callback", "each overlapped callback", BENCH_OVERLAP, .extra = true,
	  .each = true, .must = 110, .must_from = 10000, .must_to = ~0U },
	{ "fork", "extra on fork", BENCH_FORK, .extra = true },
};

#define NR_FIGURES	(sizeof(figures) / sizeof(figures[0]))

/* A figure that belongs to other N than @nr is left out. */
static bool figure_applies(const struct figure *figure, unsigned int nr)
{
	if (figure->metric == BENCH_GAPS)
		return nr >= figure->must_from && nr <= figure->must_to;
	return !figure->each || nr >= 100;
}

static bool figure_value(const struct figure *figure,
			 const struct bench_result *result,
			 enum bench_engine engine, int64_t *value)
{
	uint64_t count = result->row[engine].count[figure->metric];

	if (count == BENCH_UNKNOWN || !figure_applies(figure, result->nr))
		return false;
	*value = count;
	if (figure->extra)
		*value -= result->row[BENCH_NONE].count[figure->metric];
	if (figure->each)
		*value /= result->nr;
	return true;
}

static bool figure_misses(const struct figure *figure, unsigned int nr, int64_t value)
{
	return figure->must && nr >= figure->must_from && nr <= figure->must_to &&
	       value > figure->must;
}

static unsigned int table_of(const struct bench_result *result)
{
	unsigned int i, misses = 0;
	int64_t pinwatch, kernel;

	printf("N = %u%s\n%-36s %10s %10s %8s\n", result->nr,
	       result->valid ? "" : "  (NOT VALID: the rows without intervals differ)",
	       "", "pinwatch", "kernel", "must");
	for (i = 0; i < NR_FIGURES; i++) {
		const struct figure *figure = &figures[i];
		bool miss;

		if (!figure_value(figure, result, BENCH_PINWATCH, &pinwatch) ||
		    !figure_value(figure, result, BENCH_KERNEL, &kernel))
			continue;
		miss = figure_misses(figure, result->nr, pinwatch);
		misses += miss;
		printf("  %-34s %10" PRId64 " %10" PRId64, figure->title, pinwatch,
		       kernel);
		if (figure->must && result->nr >= figure->must_from &&
		    result->nr <= figure->must_to)
			printf(" %8u%s", figure->must, miss ? "  MISSED" : "");
		putchar('\n');
	}
	return misses + !result->valid;
}

/**
 * bench_table() - the report for people
 * @results: The results.
 * @nr: How many.
 *
 * Return: 0; 1 when a figure that must be reached is not, or a result is void.
 */
int bench_table(const struct bench_result *results, unsigned int nr)
{
	unsigned int i, misses = 0;

	puts("Instructions, the minimum unless it says otherwise.");
	for (i = 0; i < nr; i++)
		misses += table_of(&results[i]);
	printf("bench: %u not reached\n", misses);
	return misses != 0;
}

/**
 * bench_json() - the report for programs, one figure a line
 * @results: The results.
 * @nr: How many.
 */
void bench_json(const struct bench_result *results, unsigned int nr)
{
	const char *comma = "";
	struct utsname name;
	unsigned int i, j;
	int64_t pinwatch, kernel;

	if (uname(&name))
		strcpy(name.release, "unknown");
	printf("--- bench.json begins ---\n{\n\"kernel\": \"%s\",\n\"figures\": [",
	       name.release);
	for (i = 0; i < nr; i++)
		for (j = 0; j < NR_FIGURES; j++) {
			if (!figure_value(&figures[j], &results[i], BENCH_PINWATCH,
					  &pinwatch) ||
			    !figure_value(&figures[j], &results[i], BENCH_KERNEL,
					  &kernel))
				continue;
			printf("%s\n{ \"name\": \"%s\", \"n\": %u, \"pinwatch\": %" PRId64
			       ", \"kernel\": %" PRId64 ", \"valid\": %s }", comma,
			       figures[j].name, results[i].nr, pinwatch, kernel,
			       results[i].valid ? "true" : "false");
			comma = ",";
		}
	printf("\n]\n}\n--- bench.json ends ---\n");
}
