// SPDX-License-Identifier: MIT
/* See leftover.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "leftover.h"

/*
 * Each bound is far above the usual fluctuation, and far below a leak of one page or one
 * watch by each program. "Free" is MemFree and the free pages in lists of processors,
 * which can be tens of MB. "FollPin" is the number of pinned pages.
 */
static const struct figure {
	const char *name;
	int sign;	/* -1: less is worse */
	long bound_kib;
} figures[MEMORY_FIGURES] = {
	{ "Slab", 1, 4096 },
	{ "KernelStack", 1, 512 },
	{ "PageTables", 1, 1024 },
	{ "VmallocUsed", 1, 1024 },
	{ "Percpu", 1, 1024 },
	{ "Free", -1, 8192 },
	{ "FollPin", 1, 1024 },
};

static void figure_add(struct memory *info, const char *name, long kib)
{
	int i;

	for (i = 0; i < MEMORY_FIGURES; i++)
		if (!strcmp(name, figures[i].name))
			info->kib[i] += kib;
}

/* The sum of the numbers, of pages, in all lines "NAME NUMBER" of a file. */
static long pages_kib(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	char line[128], word[64];
	long sum = 0, nr;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", word, &nr) == 2 && !strcmp(word, name))
			sum += nr;
	if (file)
		fclose(file);
	return sum * (sysconf(_SC_PAGESIZE) / 1024);
}

struct memory memory_read(void)
{
	struct memory info = { { 0 } };
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128], name[64];
	long kib;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^:]: %ld kB", name, &kib) != 2)
			continue;
		figure_add(&info, strcmp(name, "MemFree") ? name : "Free", kib);
	}
	if (file)
		fclose(file);
	figure_add(&info, "Free", pages_kib("/proc/zoneinfo", "count:"));
	figure_add(&info, "FollPin", pages_kib("/proc/vmstat", "nr_foll_pin_acquired") -
				     pages_kib("/proc/vmstat", "nr_foll_pin_released"));
	return info;
}

struct memory memory_settled(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "3", 1) != 1)
		printf("# caches cannot be dropped\n");
	if (fd >= 0)
		close(fd);
	return memory_read();
}

static long growth(int i, const struct memory *start, const struct memory *end)
{
	return figures[i].sign * (end->kib[i] - start->kib[i]);
}

void memory_worst(struct memory *worst, const struct memory *now)
{
	int i;

	for (i = 0; i < MEMORY_FIGURES; i++)
		if (growth(i, worst, now) > 0)
			worst->kib[i] = now->kib[i];
}

bool memory_bounded(const struct memory *start, const struct memory *end)
{
	int i;

	for (i = 0; i < MEMORY_FIGURES; i++)
		if (growth(i, start, end) > figures[i].bound_kib)
			return false;
	return true;
}

void memory_print(const struct memory *start, const struct memory *worst,
		  const struct memory *end)
{
	int i;

	printf("# %-12s %10s %10s %10s %10s %10s  (KiB)\n", "memory", "start", "worst", "end",
	       "growth", "bound");
	for (i = 0; i < MEMORY_FIGURES; i++)
		printf("# %-12s %10ld %10ld %10ld %10ld %10ld\n", figures[i].name, start->kib[i],
		       worst->kib[i], end->kib[i], growth(i, start, end), figures[i].bound_kib);
}
