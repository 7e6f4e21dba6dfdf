// SPDX-License-Identifier: MIT
/*
 * bench: print the figures as a table, and as JSON
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
 * @metric: The measured quantity.
 * @engine: Measured with these intervals.
 * @beside: The intervals of the second column.
 * @extra: Subtract the count of a process without intervals.
 * @each: Divide by the number of intervals, or of mappings.
 * @must: Upper limit at N from @must_from to @must_to; 0: no limit.
 * @must_percent: Upper limit, in percent of the second column.
 */
static const struct figure {
	const char *name;
	const char *title;
	enum bench_metric metric;
	enum bench_engine engine;
	enum bench_engine beside;
	bool extra;
	bool each;
	unsigned int must;
	unsigned int must_percent;
	unsigned int must_from;
	unsigned int must_to;
} figures[] = {
	{ "insert", "insert", BENCH_INSERT, BENCH_PINWATCH, BENCH_KERNEL,
	  .must = 245, .must_to = 10000 },
	{ "remove", "remove", BENCH_REMOVE, BENCH_PINWATCH, BENCH_KERNEL,
	  .must = 105, .must_to = 10000 },
	{ "read_begin", "read_begin", BENCH_BEGIN, BENCH_PINWATCH, BENCH_KERNEL },
	{ "section", "begin + lock + retry + unlock", BENCH_SECTION, BENCH_PINWATCH,
	  BENCH_KERNEL, .must = 40, .must_to = ~0U },
	{ "first", "first registration in an mm", BENCH_FIRST, BENCH_PINWATCH,
	  BENCH_KERNEL, .must = 10000, .must_to = ~0U },
	{ "dontneed", "extra on MADV_DONTNEED elsewhere", BENCH_DONTNEED,
	  BENCH_PINWATCH, BENCH_KERNEL, .extra = true, .must = 245, .must_to = ~0U },
	{ "gaps", "the same over many gaps, median", BENCH_GAPS, BENCH_PINWATCH,
	  BENCH_KERNEL, .extra = true, .must = 450, .must_to = 10000 },
	{ "gaps", "the same over many gaps, median", BENCH_GAPS, BENCH_PINWATCH,
	  BENCH_KERNEL, .extra = true, .must = 530, .must_from = 100000,
	  .must_to = ~0U },
	{ "turn", "the same over 16 gaps in turn, median", BENCH_TURN, BENCH_PINWATCH,
	  BENCH_KERNEL, .extra = true, .must = 360, .must_to = 10000 },
	{ "turn", "the same over 16 gaps in turn, median", BENCH_TURN, BENCH_PINWATCH,
	  BENCH_KERNEL, .extra = true, .must = 430, .must_from = 100000,
	  .must_to = ~0U },
	{ "hit", "one interval hit, median", BENCH_HIT, BENCH_PINWATCH, BENCH_KERNEL,
	  .extra = true, .must = 450, .must_to = 1 },
	{ "hit", "one interval hit, median", BENCH_HIT, BENCH_PINWATCH, BENCH_KERNEL,
	  .extra = true, .must = 600, .must_from = 2, .must_to = ~0U },
	{ "hit_16", "16 intervals hit, median", BENCH_HIT_16, BENCH_PINWATCH, BENCH_KERNEL,
	  .extra = true, .must_percent = 100, .must_to = ~0U },
	{ "hit_256", "256 intervals hit, median", BENCH_HIT_256, BENCH_PINWATCH, BENCH_KERNEL,
	  .extra = true, .must_percent = 100, .must_to = ~0U },
	{ "mixed", "1,000 gaps and 1 interval, mean", BENCH_MIXED, BENCH_PINWATCH, BENCH_KERNEL,
	  .extra = true, .must = 450, .must_to = 10000 },
	{ "mixed", "1,000 gaps and 1 interval, mean", BENCH_MIXED, BENCH_PINWATCH, BENCH_KERNEL,
	  .extra = true, .must = 530, .must_from = 100000, .must_to = ~0U },
	{ "gone", "the same when the last has gone", BENCH_GONE, BENCH_PINWATCH,
	  BENCH_KERNEL, .extra = true, .must = 110, .must_to = ~0U },
	{ "callback", "each overlapped callback", BENCH_OVERLAP, BENCH_PINWATCH,
	  BENCH_KERNEL, .extra = true, .each = true, .must = 110, .must_from = 10000,
	  .must_to = ~0U },
	{ "fork", "fork", BENCH_FORK, BENCH_PINWATCH, BENCH_KERNEL,
	  .must_percent = 100, .must_from = 10000, .must_to = ~0U },
	{ "fork_extra", "extra on fork", BENCH_FORK, BENCH_PINWATCH, BENCH_KERNEL,
	  .extra = true },
	{ "fork_filtered", "fork, filtered | no intervals", BENCH_FORK,
	  BENCH_FILTERED, BENCH_NONE, .must_percent = 102, .must_from = 1000000,
	  .must_to = ~0U },
	{ "bytes", "bytes an interval", BENCH_BYTES, BENCH_PINWATCH, BENCH_KERNEL,
	  .must = 96, .must_from = 10000, .must_to = ~0U },
	{ "punch", "root's hole, watched | unwatched", BENCH_PUNCH, BENCH_PINWATCH, BENCH_NONE },
	{ "punch_mapping", "extra, each watched mapping | 0", BENCH_PUNCH, BENCH_PINWATCH,
	  BENCH_NONE, .extra = true, .each = true, .must = 800000, .must_to = ~0U },
	{ "veto_insert", "with the veto: insert", BENCH_INSERT, BENCH_SLEEPER,
	  BENCH_KERNEL },
	{ "veto_remove", "with the veto: remove", BENCH_REMOVE, BENCH_SLEEPER,
	  BENCH_KERNEL },
	{ "veto_first", "with the veto: first in an mm", BENCH_FIRST, BENCH_SLEEPER,
	  BENCH_KERNEL },
	{ "veto_dontneed", "with the veto: extra on DONTNEED", BENCH_DONTNEED,
	  BENCH_SLEEPER, BENCH_KERNEL, .extra = true },
	{ "veto_callback", "with the veto: each callback", BENCH_OVERLAP,
	  BENCH_SLEEPER, BENCH_KERNEL, .extra = true, .each = true },
};

#define MAPPINGS	" mappings of a page, by another user; watched: 1,024 watches of each"
#define NR_FIGURES	(sizeof(figures) / sizeof(figures[0]))

/* Is the figure reported at N = @nr? */
static bool figure_applies(const struct figure *figure, unsigned int nr)
{
	if (figure->metric == BENCH_GAPS || figure->metric == BENCH_TURN ||
	    figure->metric == BENCH_HIT || figure->metric == BENCH_MIXED ||
	    figure->metric == BENCH_BYTES)
		return nr >= figure->must_from && nr <= figure->must_to;
	return !figure->each || figure->metric == BENCH_PUNCH || nr >= 100;
}

static bool count_value(const struct figure *figure, const struct bench_result *result,
			enum bench_engine engine, int64_t *value)
{
	uint64_t count = result->counts[engine].count[figure->metric];

	if (count == BENCH_UNKNOWN)
		return false;
	*value = count;
	if (figure->extra)
		*value -= result->counts[BENCH_NONE].count[figure->metric];
	if (figure->each)
		*value /= result->nr;
	return true;
}

/* Both columns. Return: false if not measured at this N. */
static bool figure_values(const struct figure *figure,
			  const struct bench_result *result, int64_t *value,
			  int64_t *beside)
{
	return figure_applies(figure, result->nr) &&
	       count_value(figure, result, figure->engine, value) &&
	       count_value(figure, result, figure->beside, beside);
}

/* Upper limit of the figure at N = @nr; 0: no limit. */
static int64_t figure_limit(const struct figure *figure, unsigned int nr,
			    int64_t beside)
{
	if (nr < figure->must_from || nr > figure->must_to)
		return 0;
	if (figure->must_percent)
		return beside * figure->must_percent / 100;
	return figure->must;
}

static unsigned int table_of(const struct bench_result *result)
{
	int64_t value, beside, limit;
	unsigned int i, misses = 0;

	printf("N = %u%s%s\n%-36s %10s %10s %10s\n", result->nr,
	       result->measure == bench_measure_punch ? MAPPINGS : "",
	       result->valid ? "" : "  (NOT VALID: the counts without intervals differ)",
	       "", "pinwatch", "kernel", "must");
	for (i = 0; i < NR_FIGURES; i++) {
		if (!figure_values(&figures[i], result, &value, &beside))
			continue;
		limit = figure_limit(&figures[i], result->nr, beside);
		printf("  %-34s %10" PRId64 " %10" PRId64, figures[i].title, value,
		       beside);
		if (limit) {
			printf(" %10" PRId64 "%s", limit,
			       value > limit ? "  MISSED" : "");
			misses += value > limit;
		}
		putchar('\n');
	}
	return misses + !result->valid;
}

/**
 * bench_table() - print the table
 * @results: The results.
 * @nr: Number of results.
 *
 * Return: 1 if a figure is above its limit or a result is not valid, else 0.
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
 * bench_json() - print JSON, one figure per line
 * @results: The results.
 * @nr: Number of results.
 *
 * "kernel" is the second column: for fork_filtered, a process without intervals; for
 * punch, the same mappings without watches.
 */
void bench_json(const struct bench_result *results, unsigned int nr)
{
	const char *comma = "";
	struct utsname name;
	int64_t value, beside;
	unsigned int i, j;

	if (uname(&name))
		strcpy(name.release, "unknown");
	printf("--- bench.json begins ---\n{\n\"kernel\": \"%s\",\n\"figures\": [",
	       name.release);
	for (i = 0; i < nr; i++)
		for (j = 0; j < NR_FIGURES; j++) {
			if (!figure_values(&figures[j], &results[i], &value, &beside))
				continue;
			printf("%s\n{ \"name\": \"%s\", \"n\": %u, \"pinwatch\": %" PRId64
			       ", \"kernel\": %" PRId64 ", \"valid\": %s }", comma,
			       figures[j].name, results[i].nr, value, beside,
			       results[i].valid ? "true" : "false");
			comma = ",";
		}
	printf("\n]\n}\n--- bench.json ends ---\n");
}
