// SPDX-License-Identifier: MIT
/* See tally.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tally.h"

struct tally *tally_make(void)
{
	void *tally = mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return tally == MAP_FAILED ? NULL : tally;
}

void tally_call(struct tally *tally, const struct abi_call *call, long ret)
{
	unsigned int number = ret < 0 && ret > -ABI_ERRNOS ? (unsigned int)-ret : 0;

	__atomic_add_fetch(&tally->calls[call - abi_calls][number], 1, __ATOMIC_RELAXED);
}

/* With one write(): lines of two processes must not mix. */
static void program_print(const struct prog *prog)
{
	static char text[65536];
	FILE *file = fmemopen(text, sizeof(text), "w");
	char *line, *rest = text;

	if (!file)
		return;
	prog_print(prog, file);
	fclose(file);
	while ((line = strsep(&rest, "\n")) && *line)
		printf("# %s\n", line);
}

void tally_defect(struct tally *tally, enum defect kind, const struct prog *prog,
		  const char *format, ...)
{
	va_list args;

	if (__atomic_add_fetch(&tally->failed[kind], 1, __ATOMIC_RELAXED) > 3 || tally->quiet)
		return;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (prog && !__atomic_exchange_n(&tally->printed, true, __ATOMIC_RELAXED))
		program_print(prog);
	fflush(stdout);
}

void tally_print(const struct tally *tally)
{
	unsigned int i, number;

	for (i = 0; i < abi_nr_calls; i++) {
		printf("# %-34s %7" PRIu64 " ok", abi_calls[i].name, tally->calls[i][0]);
		for (number = 1; number < ABI_ERRNOS; number++)
			if (tally->calls[i][number])
				printf(" %s %" PRIu64, strerrorname_np((int)number) ?: "E?",
				       tally->calls[i][number]);
		printf("\n");
	}
	printf("# %" PRIu64 " programs, %" PRIu64 " of them ended by force\n",
	       tally->programs, tally->killed);
}
