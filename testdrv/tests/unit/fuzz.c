// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [--seed N] [--runs N] [FILE ...]: rounds of stress.c whose operations and
 * schedule come from the input, of libFuzzer or of a random generator
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "test.h"
#include "stress.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct shim_run run = { .random = true, .data = data, .size = size };

	if (size)
		stress_round(&run, 200);
	return 0;
}

#ifdef FUZZ_MAIN
static int replay(const char *path)
{
	static u8 data[1 << 16];
	FILE *file = fopen(path, "rb");

	if (!file)
		return 1;
	LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
	return fclose(file);
}

static unsigned long runs = 1500;
static char **files;

TEST(replay, .seconds = 120)
{
	static u8 data[4096];
	unsigned long i, k;
	u64 state;

	for (; *files; files++)
		CHECK(!replay(*files));
	for (i = 0; i < runs; i++) {
		state = test_seed() + i;
		test_seed_is(state);
		for (k = 0; k < sizeof(data); k++)
			data[k] = random_next(&state);
		LLVMFuzzerTestOneInput(data, 64 + random_below(&state, sizeof(data) - 64));
	}
	CHECK(stress_stats.reads || !runs);
}

int main(int argc, char **argv)
{
	char *arguments[] = { argv[0], NULL, NULL, NULL };

	for (argv++; *argv && argv[1] && argv[0][0] == '-'; argv += 2) {
		if (!strcmp(argv[0], "--seed")) {
			arguments[1] = argv[0];
			arguments[2] = argv[1];
		} else {
			runs = strtoul(argv[1], NULL, 0);
		}
	}
	files = argv;
	return test_main(1, arguments);
}
#else
/* libFuzzer saves the input of a process that aborts. */
void test_abort(void)
{
	abort();
}
#endif
