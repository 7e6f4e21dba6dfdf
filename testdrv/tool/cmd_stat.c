// SPDX-License-Identifier: MIT
/* The verb stat: counters of the module, or watches of a process */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpinwatch.h"
#include "print.h"
#include "stat_process.h"
#include "verb.h"

/* Counters, with the names that the table and the JSON object use */
static const struct counter {
	const char *name;
	size_t offset;
	const char *meaning;
} counters[] = {
#define COUNTER(member, text) { #member, offsetof(struct pinwatch_stats, member), text }
	COUNTER(nr_mms, "address spaces that the module is registered with, now"),
	COUNTER(nr_subscriptions, "subscriptions of all drivers, now"),
	COUNTER(nr_files, "open files of the device, now"),
	COUNTER(nr_watches, "watches, now"),
	COUNTER(pinned_pages, "pages charged for pins, now"),
	COUNTER(walks, "invalidations that overlapped a subscription"),
	COUNTER(callbacks, "callbacks"),
	COUNTER(waits, "calls of read_begin that slept"),
	COUNTER(remove_waits, "calls of remove that slept"),
	COUNTER(overflows, "invalidations that shared their state with others"),
	COUNTER(vetoes, "non-blockable invalidations refused for callbacks that may sleep"),
#undef COUNTER
};

#define NR_COUNTERS	(sizeof(counters) / sizeof(counters[0]))

static uint64_t counter_value(const struct counter *counter, const struct pinwatch_stats *stats)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + counter->offset, sizeof(value));
	return value;
}

static int stats_print_json(const struct pinwatch_stats *stats)
{
	json_t *json = json_object();
	size_t i;

	for (i = 0; json && i < NR_COUNTERS; i++) {
		json_t *value = json_integer((json_int_t)counter_value(&counters[i], stats));

		if (json_object_set_new(json, counters[i].name, value)) {
			json_decref(json);
			json = NULL;
		}
	}
	return print_json(json);
}

static void stats_print_table(const struct pinwatch_stats *stats)
{
	size_t i;

	for (i = 0; i < NR_COUNTERS; i++)
		printf("%-17s %12" PRIu64 "  %s\n", counters[i].name,
		       counter_value(&counters[i], stats), counters[i].meaning);
}

static int stat_module(const char *device, bool json)
{
	struct pinwatch_stats stats;
	struct pinwatch *dev;
	int ret;

	ret = pinwatch_open(&dev, device, 0);
	if (ret)
		return verb_device_error(device ? device : PINWATCH_DEVICE, ret);
	ret = pinwatch_get_stats(dev, &stats);
	pinwatch_close(dev);
	if (ret)
		return verb_device_error("statistics", ret);
	if (json)
		return stats_print_json(&stats);
	stats_print_table(&stats);
	return STATUS_OK;
}

static int stat_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "pid", required_argument, NULL, 'p' },
		{ 0 },
	};
	const char *device = NULL;
	bool json = false;
	pid_t pid = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "p:", options, NULL)) != -1) {
		if (opt == 'd')
			device = optarg;
		else if (opt == 'j')
			json = true;
		else if (opt == 'p' && atoi(optarg) > 0)
			pid = atoi(optarg);
		else
			return verb_usage_error(&verb_stat);
	}
	if (optind != argc)
		return verb_usage_error(&verb_stat);
	return pid ? stat_process(pid, device, json) : stat_module(device, json);
}

const struct verb verb_stat = {
	.name = "stat",
	.summary = "Print the module's counters, or the watches of a process",
	.usage = "[-p PID] [--json] [--device PATH]",
	.help =
		"Needs root.\n\n"
		"  -p, --pid PID   print each watch on the descriptors of process PID\n"
		"  --json          print one JSON value\n"
		"  --device PATH   the device node (default " PINWATCH_DEVICE ")\n",
	.run = stat_run,
};
