// SPDX-License-Identifier: MIT
/* pinwatch-demo bench: options, output, and the order of the measurements. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "bench.h"
#include "print.h"
#include "verbs.h"

char *bench_memory(size_t length, bool written)
{
	char *addr = mmap(NULL, length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (addr == MAP_FAILED)
		return NULL;
	/* Fails only on a kernel without transparent huge pages. */
	madvise(addr, length, MADV_NOHUGEPAGE);
	if (written)
		memset(addr, 'b', length);
	return addr;
}

void bench_report(struct bench *bench, const char *name, uint64_t n, double value,
		  const char *unit)
{
	if (bench->json) {
		json_array_append_new(bench->figures,
				      json_pack("{s:s, s:I, s:f, s:s}", "name", name, "n",
						(json_int_t)n, "value", value, "unit", unit));
		return;
	}
	printf("%-34s %9" PRIu64 "  %12.1f %s\n", name, n, value, unit);
	fflush(stdout);
}

void bench_skip(struct bench *bench, const char *name, const char *why)
{
	if (bench->json) {
		json_array_append_new(bench->figures,
				      json_pack("{s:s, s:s}", "name", name, "skipped", why));
		return;
	}
	printf("%-34s %9s  %12s %s\n", name, "-", "-", why);
}

static int parts_run(struct bench *bench)
{
	static int (*const parts[])(struct bench *bench) = {
		bench_watches, bench_pins, bench_events, bench_valid, bench_large,
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]) && !ret; i++)
		ret = parts[i](bench);
	return ret;
}

static int bench_start(struct bench *bench)
{
	struct utsname kernel;
	int ret;

	uname(&kernel);
	if (bench->json)
		bench->figures = json_array();
	else
		printf("%s\n%-34s %9s  %12s\n", kernel.release, "MEASURED", "N", "FIGURE");
	ret = parts_run(bench);
	if (ret) {
		json_decref(bench->figures);
		return verb_device_error(bench->device ? bench->device : PINWATCH_DEVICE, ret);
	}
	if (bench->json)
		return print_json(json_pack("{s:s, s:o}", "kernel", kernel.release, "figures",
					    bench->figures));
	return STATUS_OK;
}

static int bench_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "large", no_argument, NULL, 'l' },
		{ 0 },
	};
	struct bench bench = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (opt == 'd')
			bench.device = optarg;
		else if (opt == 'j')
			bench.json = true;
		else if (opt == 'l')
			bench.large = true;
		else
			return verb_usage_error(&verb_bench);
	}
	if (optind != argc)
		return verb_usage_error(&verb_bench);
	return bench_start(&bench);
}

const struct verb verb_bench = {
	.name = "bench",
	.summary = "Measure the cost of watches, pins and events on this machine",
	.usage = "[--large] [--json] [--device PATH]",
	.help =
		"Prints averages over many calls. Pinning is compared with the registration of\n"
		"the same pages as an io_uring buffer. Changes only memory of its own process.\n\n"
		"  --large         also add 1,000,000 watches to one descriptor\n"
		"  --json          print one JSON object\n"
		"  --device PATH   the device node (" PINWATCH_DEVICE ")\n",
	.run = bench_main,
};
