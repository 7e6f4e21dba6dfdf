// SPDX-License-Identifier: MIT
/* Kernel symbols. See ksyms.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ksyms.h"

struct ksym {
	uint64_t addr;
	char name[56];
};

static struct ksym *syms;
static size_t nr_syms;

static int sym_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct ksym *)a)->addr, y = ((const struct ksym *)b)->addr;

	return x < y ? -1 : x > y;
}

static void sym_append(uint64_t addr, const char *name)
{
	if (!(nr_syms & (nr_syms - 1))) {
		size_t room = nr_syms ? 2 * nr_syms : 1;
		struct ksym *more = realloc(syms, room * sizeof(*more));

		if (!more)
			return;
		syms = more;
	}
	syms[nr_syms].addr = addr;
	snprintf(syms[nr_syms].name, sizeof(syms[nr_syms].name), "%.55s", name);
	nr_syms++;
}

/* Without CAP_SYSLOG all addresses read as 0: skip them. */
static void syms_read(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], name[256], type;
	uint64_t addr;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%" SCNx64 " %c %255s", &addr, &type, name) == 3 && addr &&
		    strchr("tTwW", type))
			sym_append(addr, name);
	fclose(file);
	if (nr_syms)
		qsort(syms, nr_syms, sizeof(*syms), sym_compare);
}

const char *ksyms_name(uint64_t addr)
{
	static int tried;
	size_t low = 0, high;

	if (!tried++)
		syms_read();
	/* Binary search: the last symbol at or before @addr */
	for (high = nr_syms; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (syms[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? syms[low - 1].name : "?";
}
