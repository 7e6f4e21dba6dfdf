// SPDX-License-Identifier: MIT
/* pinwatch-demo demo: run the operations and print the verdicts. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

#include "demo.h"
#include "libpinwatch.h"
#include "print.h"
#include "verbs.h"

static void result_print(const struct demo_result *result, void *data)
{
	char events[96], causes[256], generation[48], pages[32];

	(void)data;
	printf("%-37s %-13s %-5s %-14s %-15s %-14s %-15s %s%s%s\n", result->operation, result->by,
	       result->pin ? "pin" : "watch",
	       pinwatch_causes_string(result->causes, causes, sizeof(causes)),
	       pinwatch_events_string(result->events, events, sizeof(events)),
	       result_generation(result, generation, sizeof(generation)),
	       result_pages(result, pages, sizeof(pages)),
	       demo_verdict_name(result->verdict), result->note[0] ? ": " : "", result->note);
	fflush(stdout);
}

static void table_begin(void)
{
	printf("%-37s %-13s %-5s %-14s %-15s %-14s %-15s %s\n", "OPERATION", "BY", "MODE",
	       "CAUSE", "EVENTS", "GENERATION", "PAGES (pagemap)", "VERDICT");
}

static size_t results_count(const struct demo_summary *summary)
{
	size_t i, nr = 0;

	for (i = 0; i < DEMO_NR_VERDICTS; i++)
		nr += summary->nr_results[i];
	return nr;
}

static void table_end(const struct demo_summary *summary)
{
	const size_t *nr = summary->nr_results;

	printf("demo: %zu operations, %zu rows: %zu observed, %zu kept, %zu failed, %zu skipped\n",
	       summary->nr_operations, results_count(summary), nr[DEMO_OBSERVED], nr[DEMO_KEPT],
	       nr[DEMO_FAILED], nr[DEMO_SKIPPED]);
	printf("demo: %zu observed, %zu missed, %zu false\n", summary->nr_observed,
	       nr[DEMO_MISSED], nr[DEMO_FALSE]);
}

static void result_to_json(const struct demo_result *result, void *data)
{
	json_t *json = result_json(result);

	json_object_set_new(json, "verdict", json_string(demo_verdict_name(result->verdict)));
	json_array_append_new(data, json);
}

static json_t *summary_to_json(const struct demo_summary *summary, json_t *rows)
{
	const size_t *nr = summary->nr_results;

	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "rows", rows,
			 "operations", (json_int_t)summary->nr_operations,
			 "observed", (json_int_t)summary->nr_observed,
			 "rows_observed", (json_int_t)nr[DEMO_OBSERVED],
			 "kept", (json_int_t)nr[DEMO_KEPT],
			 "missed", (json_int_t)nr[DEMO_MISSED],
			 "false", (json_int_t)nr[DEMO_FALSE],
			 "failed", (json_int_t)nr[DEMO_FAILED],
			 "skipped", (json_int_t)nr[DEMO_SKIPPED],
			 "passed", demo_passed(summary));
}

static int demo_start(const struct demo_options *options, bool json)
{
	struct demo_summary summary;
	int ret, status;

	status = verb_check_device(options->device);
	if (status)
		return status;
	if (json) {
		json_t *rows = json_array();

		ret = demo_run(options, result_to_json, rows, &summary);
		if (ret)
			json_decref(rows);
		else
			status = print_json(summary_to_json(&summary, rows));
	} else {
		table_begin();
		ret = demo_run(options, result_print, NULL, &summary);
		if (!ret)
			table_end(&summary);
	}
	if (ret)
		return verb_device_error("demo", ret);
	return status ? status : demo_passed(&summary) ? STATUS_OK : STATUS_BAD;
}

static int demo_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "global", no_argument, NULL, 'g' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ 0 },
	};
	struct demo_options options = { 0 };
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (opt) {
		case 'd':
			options.device = optarg;
			break;
		case 'g':
			options.global = true;
			break;
		case 'j':
			json = true;
			break;
		case 'l':
			operations_list();
			return STATUS_OK;
		case 'o':
			options.only = optarg;
			break;
		default:
			return verb_usage_error(&verb_demo);
		}
	}
	if (optind != argc)
		return verb_usage_error(&verb_demo);
	return demo_start(&options, json);
}

const struct verb verb_demo = {
	.name = "demo",
	.summary = "Change watched memory in every way, and check each report of pinwatch",
	.usage = "[--global] [--json] [--only TEXT] [--list] [--device PATH]",
	.help =
		"Does each operation to two fresh processes: to a range that is only watched, and\n"
		"to a range that is also pinned. Reads the page tables (/proc/PID/pagemap) before\n"
		"and after the operation, and compares them with the report of pinwatch.\n"
		"Status 0: pinwatch reported each change in time, and reported nothing else.\n\n"
		"  --global        include operations that change kernel-wide settings, poison\n"
		"                  memory or take memory offline: use a machine of its own\n"
		"  --json          print one JSON object\n"
		"  --only TEXT     only operations whose name contains TEXT\n"
		"  --list          list the operations and exit\n"
		"  --device PATH   the device node (" PINWATCH_DEVICE ")\n",
	.run = demo_main,
};
