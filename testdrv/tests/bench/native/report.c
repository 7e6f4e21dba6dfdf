// SPDX-License-Identifier: MIT
/*
 * bench-native: print the figures as a table, and as JSON
 */
#include <cpuid.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include "bench_native.h"

#define MAX_LIMITS	64

/**
 * struct figure - one line of the report
 * @name: In bench-native.json, and in the file of the limits.
 * @title: In the table.
 * @row: The measured calls.
 * @engine: Measured with this engine.
 * @beside: The engine of the second column.
 * @max_nr: Not reported with more intervals.
 */
static const struct figure {
	const char *name;
	const char *title;
	enum native_row row;
	enum engine engine;
	enum engine beside;
	unsigned int max_nr;
} figures[] = {
	{ "hit", "invalidation, hits 1, random", NATIVE_HIT,
	  ENGINE_PINWATCH, ENGINE_KERNEL, ~0U },
	{ "hit_16", "hits the same 16", NATIVE_HIT_16,
	  ENGINE_PINWATCH, ENGINE_KERNEL, ~0U },
	{ "miss", "hits nobody, random", NATIVE_MISS,
	  ENGINE_PINWATCH, ENGINE_KERNEL, ~0U },
	{ "rotate", "hits nobody, 1,000 gaps in turn", NATIVE_ROTATE,
	  ENGINE_PINWATCH, ENGINE_KERNEL, ~0U },
	{ "same", "hits nobody, the same page", NATIVE_SAME,
	  ENGINE_PINWATCH, ENGINE_KERNEL, ~0U },
	{ "insert", "insert, random", NATIVE_INSERT,
	  ENGINE_PINWATCH, ENGINE_KERNEL, ~0U },
	{ "remove", "remove, random", NATIVE_REMOVE,
	  ENGINE_PINWATCH, ENGINE_KERNEL, ~0U },
	{ "hit_cpu_200", "hits 1, on CPU 200 | 0, of 256", NATIVE_HIT,
	  ENGINE_CPU_200, ENGINE_CPU_0, CPUS_MAX_NR },
};

#define NR_FIGURES	(sizeof(figures) / sizeof(figures[0]))

static struct limit {
	char name[32];
	unsigned int nr;
	unsigned int percent;
} limits[MAX_LIMITS];

static unsigned int nr_limits;

/**
 * report_read_limits() - read what must be reached
 * @path: Lines "NAME N PERCENT"; a line that begins with # is a comment. Exits on failure.
 */
void report_read_limits(const char *path)
{
	FILE *file = fopen(path, "re");
	struct limit *limit;
	char line[256];

	if (!file)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), file)) {
		limit = &limits[nr_limits];
		if (*line == '#')
			continue;
		if (nr_limits == MAX_LIMITS || sscanf(line, "%31s %u %u", limit->name, &limit->nr,
						      &limit->percent) != 3)
			errx(2, "%s: %s", path, line);
		nr_limits++;
	}
	fclose(file);
}

/* Return: the upper limit, in percent of the second column; 0: no limit. */
static unsigned int limit_of(const struct figure *figure, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr_limits; i++)
		if (!strcmp(limits[i].name, figure->name) && limits[i].nr == nr)
			return limits[i].percent;
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct measured *measured, unsigned int n, enum engine engine,
		     enum native_row row)
{
	double *runs = measured->ticks[n][engine][row];

	qsort(runs, measured->nr_runs, sizeof(*runs), compare);
	return runs[measured->nr_runs / 2];
}

/* Print a line of the table. Return: is the figure above its limit? */
static bool figure_print(struct measured *measured, const struct figure *figure, unsigned int n)
{
	double ours = median(measured, n, figure->engine, figure->row);
	double beside = median(measured, n, figure->beside, figure->row);
	unsigned int percent = limit_of(figure, measured->ns[n]);
	bool missed = percent && ours * 100 > beside * percent;

	printf("  %-34s %8.0f %8.0f %7.2f", figure->title, ours, beside, ours / beside);
	if (percent)
		printf(" %7.2f%s", percent / 100.0, missed ? "  MISSED" : "");
	putchar('\n');
	return missed;
}

static const char *cpu_model(void)
{
	static unsigned int words[3][4];
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (!__get_cpuid(0x80000002 + i, &words[i][0], &words[i][1], &words[i][2],
				 &words[i][3]))
			return "unknown CPU";
	return (const char *)words;
}

/**
 * report_table() - print the table
 * @measured: The figures.
 *
 * Return: 1 if a figure is above its limit, else 0.
 */
int report_table(struct measured *measured)
{
	unsigned int i, n, missed = 0;

	puts("--- table begins ---");
	printf("Ticks of the time-stamp counter: %s\n", cpu_model());
	printf("p50 of batches of %d, the lowest in each run, median of %u runs.\n", NATIVE_BATCH,
	       measured->nr_runs);
	puts("From 100,000 intervals on, a difference of less than 20 % is noise.");
	for (n = 0; n < measured->nr_ns; n++) {
		printf("N = %-32u %8s %8s %7s %7s\n", measured->ns[n], "pinwatch", "kernel",
		       "ratio", "must");
		for (i = 0; i < NR_FIGURES; i++)
			if (measured->ns[n] <= figures[i].max_nr)
				missed += figure_print(measured, &figures[i], n);
	}
	printf("bench-native: %u not reached\n--- table ends ---\n", missed);
	return missed != 0;
}

static void json_figure(struct measured *measured, const struct figure *figure, unsigned int n)
{
	printf("{ \"name\": \"%s\", \"n\": %u,", figure->name, measured->ns[n]);
	printf(" \"pinwatch\": %.1f,", median(measured, n, figure->engine, figure->row));
	printf(" \"kernel\": %.1f,", median(measured, n, figure->beside, figure->row));
	printf(" \"must_percent\": %u }", limit_of(figure, measured->ns[n]));
}

/**
 * report_json() - print JSON, one figure per line
 * @measured: The figures.
 *
 * "kernel" is the second column: for hit_cpu_200, pinwatch on CPU 0 of 256.
 */
void report_json(struct measured *measured)
{
	const char *comma = "";
	struct utsname name;
	time_t now = time(NULL);
	unsigned int i, n;
	char date[16];

	if (uname(&name))
		strcpy(name.release, "unknown");
	strftime(date, sizeof(date), "%Y-%m-%d", gmtime(&now));
	puts("--- json begins ---\n{");
	printf("\"kernel\": \"%s, User-Mode Linux\",\n", name.release);
	printf("\"cpu\": \"%s\",\n\"date\": \"%s\",\n", cpu_model(), date);
	printf("\"unit\": \"ticks\",\n\"figures\": [");
	for (i = 0; i < NR_FIGURES; i++)
		for (n = 0; n < measured->nr_ns; n++) {
			if (measured->ns[n] > figures[i].max_nr)
				continue;
			printf("%s\n", comma);
			json_figure(measured, &figures[i], n);
			comma = ",";
		}
	printf("\n]\n}\n--- json ends ---\n");
}
