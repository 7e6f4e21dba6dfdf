// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [--seed N] [--runs N] [FILE ...]: rounds of stress.c whose operations and
 * schedule come from the input, of libFuzzer or of a random generator
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tap.h"
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

int main(int argc, char **argv)
{
	unsigned long seed = time(NULL), runs = 1500, i, k;
	static u8 data[4096];
	u64 rng;
	int arg;

	tap_begin("fuzz", 120);
	tap_test("replay");
	for (arg = 1; arg + 1 < argc && argv[arg][0] == '-'; arg += 2) {
		if (!strcmp(argv[arg], "--seed"))
			seed = strtoul(argv[arg + 1], NULL, 0);
		else
			runs = strtoul(argv[arg + 1], NULL, 0);
	}
	for (; arg < argc; arg++)
		ok(!replay(argv[arg]));
	printf("# seed %lu\n", seed);
	for (i = 0; i < runs; i++) {
		rng = seed + i;
		tap_seed = rng;
		for (k = 0; k < sizeof(data); k++) {
			rng = rng * 6364136223846793005ull + 1442695040888963407ull;
			data[k] = rng >> 40;
		}
		LLVMFuzzerTestOneInput(data, 64 + rng % (sizeof(data) - 64));
	}
	ok(stress_stats.reads || !runs);
	return tap_end();
}
#endif
