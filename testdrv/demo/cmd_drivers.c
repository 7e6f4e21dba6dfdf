// SPDX-License-Identifier: MIT
/* pinwatch-demo drivers: what the devices of the driver models read while memory changes. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "drivers.h"
#include "sysfs.h"
#include "verbs.h"

#define DURATION_NS	(NS_PER_S / 4)

static const char *verdict_name(enum drivers_verdict verdict)
{
	static const char *const names[] = { "coherent", "STALE", "FAILED", "skipped" };

	return names[verdict];
}

static void result_print(const struct drivers_result *result)
{
	printf("%-14s %-9s %7" PRIu64 " %8" PRIu64 " %8" PRIu64 " %6" PRIu64 "  %-9s %s\n",
	       result->model, result->operation, result->nr_steps, result->nr_reads,
	       result->nr_refused, result->nr_stale, verdict_name(result->verdict), result->saw);
	fflush(stdout);
}

/* Is the model coherent under each operation? */
static bool model_run(const char *model)
{
	const struct drivers_op *op;
	struct drivers_result result;
	bool coherent = true;

	for (op = drivers_ops; op->name; op++) {
		drivers_run(model, op, DURATION_NS, &result);
		result_print(&result);
		if (result.verdict == DRIVERS_STALE || result.verdict == DRIVERS_FAILED)
			coherent = false;
	}
	return coherent;
}

static int models_run(const char *only)
{
	size_t i, nr = 0, nr_coherent = 0;

	printf("%-14s %-9s %7s %8s %8s %6s  %-9s %s\n", "MODEL", "OPERATION", "STEPS", "READS",
	       "REFUSED", "STALE", "VERDICT", "THE DEVICE SAW");
	for (i = 0; drivers_models[i]; i++) {
		if (only && !strstr(drivers_models[i], only))
			continue;
		nr++;
		nr_coherent += model_run(drivers_models[i]);
	}
	printf("drivers: %zu of %zu coherent\n", nr_coherent, nr);
	return verb_finish_output(nr && nr_coherent == nr ? STATUS_OK : STATUS_BAD);
}

static int drivers_start(const char *only)
{
	int ret, status;

	if (access(DRIVERS_WINDOW, F_OK)) {
		fprintf(stderr, "pinwatch-demo: the driver models are not loaded; "
			"'make demo-drivers' loads them in a guest\n");
		return STATUS_DEVICE;
	}
	ret = sysfs_set(DRIVERS_WINDOW, "1");
	if (ret)
		return verb_device_error(DRIVERS_WINDOW, ret);
	status = models_run(only);
	sysfs_restore();
	return status;
}

static int drivers_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "only", required_argument, NULL, 'o' },
		{ 0 },
	};
	const char *only = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (opt != 'o')
			return verb_usage_error(&verb_drivers);
		only = optarg;
	}
	if (optind != argc)
		return verb_usage_error(&verb_drivers);
	return drivers_start(only);
}

const struct verb verb_drivers = {
	.name = "drivers",
	.summary = "Change memory that models of drivers use, and check what their devices read",
	.usage = "[--only TEXT]",
	.help =
		"Needs the modules of testdrv/examples/drivers, which are for tests: use\n"
		"'make demo-drivers'. For each model and each operation, a software device reads\n"
		"a word while a process changes the page of the word. REFUSED counts reads that\n"
		"the device refused and the program repeated. A value is STALE if memory did not\n"
		"hold it at any time during the read.\n"
		"Status 0: no device read a stale value.\n\n"
		"  --only TEXT     only models whose name contains TEXT\n",
	.run = drivers_main,
};
