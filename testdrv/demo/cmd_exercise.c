// SPDX-License-Identifier: MIT
/* pinwatch-demo exercise: do an operation and print the report of the watch. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"
#include "libpinwatch.h"
#include "print.h"
#include "verbs.h"

#define MAX_COUNT	1000000UL

struct exercise {
	struct demo_options options;
	size_t index;		/* the operation */
	unsigned long count;
	bool pin;
	bool json;
};

/* Wait for Enter, so that the user can attach another watcher to the process. */
static void ready_wait(const struct demo_result *result)
{
	int c;

	fprintf(stderr, "pid %d, range 0x%" PRIx64 "-0x%" PRIx64 ", not changed yet. Press Enter.",
		(int)result->pid, result->addr, result->addr + result->length);
	do {
		c = getchar();
	} while (c != '\n' && c != EOF);
	if (c == EOF)
		fputc('\n', stderr);
}

static void table_begin(void)
{
	printf("%7s %-27s %-5s %-14s %-15s %6s %-14s %-15s %9s  %s\n", "PID", "RANGE", "MODE",
	       "CAUSE", "EVENTS", "COUNT", "GENERATION", "PAGES (pagemap)", "TOLD us", "NOTE");
}

static const char *result_range(const struct demo_result *result, char *buf, size_t size)
{
	if (!result->pid)
		return "-";
	snprintf(buf, size, "%" PRIx64 "-%" PRIx64, result->addr, result->addr + result->length);
	return buf;
}

/* The verdict is not printed, so a note is only printed if the operation failed. */
static const char *result_note(const struct demo_result *result)
{
	return result->performed ? "" : result->note;
}

/* Microseconds; "-" if @ns is negative. */
static const char *result_time(int64_t ns, char *buf, size_t size)
{
	if (ns < 0)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.1f", (double)ns / 1000);
	return buf;
}

static void result_print(const struct demo_result *result)
{
	char range[48], events[96], causes[256], generation[48], pages[32], told[24];

	printf("%7d %-27s %-5s %-14s %-15s %6" PRIu64 " %-14s %-15s %9s  %s\n", (int)result->pid,
	       result_range(result, range, sizeof(range)), result->pin ? "pin" : "watch",
	       pinwatch_causes_string(result->causes, causes, sizeof(causes)),
	       pinwatch_events_string(result->events, events, sizeof(events)),
	       result->nr_invalidations, result_generation(result, generation, sizeof(generation)),
	       result_pages(result, pages, sizeof(pages)),
	       result_time(result->told_ns, told, sizeof(told)), result_note(result));
	fflush(stdout);
}

static json_t *result_to_json(const struct demo_result *result)
{
	json_t *json = result_json(result);

	json_int_t start = (json_int_t)result->addr;

	json_object_set_new(json, "pid", json_integer(result->pid));
	json_object_set_new(json, "start", json_integer(start));
	json_object_set_new(json, "end", json_integer(start + (json_int_t)result->length));
	json_object_set_new(json, "performed", json_boolean(result->performed));
	json_object_set_new(json, "note", json_string(result_note(result)));
	return json;
}

/* Repeat the operation, each time with a fresh process. Returns a status. */
static int exercise_repeat(const struct exercise *exercise, json_t *results)
{
	int status = STATUS_OK;
	struct demo_result result;
	unsigned long i;
	int ret;

	for (i = 0; i < exercise->count; i++) {
		ret = demo_exercise(&exercise->options, exercise->index, exercise->pin, &result);
		if (ret)
			return verb_device_error("exercise", ret);
		if (results)
			json_array_append_new(results, result_to_json(&result));
		else
			result_print(&result);
		if (!result.performed)
			status = STATUS_BAD;
	}
	return status;
}

static int exercise_start(const struct exercise *exercise)
{
	int status = verb_check_device(exercise->options.device);
	json_t *results;

	if (status)
		return status;
	if (!exercise->json) {
		table_begin();
		return exercise_repeat(exercise, NULL);
	}
	results = json_array();
	status = exercise_repeat(exercise, results);
	if (status == STATUS_DEVICE) {
		json_decref(results);
		return status;
	}
	return print_json(results) ? STATUS_BAD : status;
}

static void candidates_print(const char *part)
{
	const char *name;
	size_t i;

	fprintf(stderr, "pinwatch-demo: '%s' matches several operations:\n", part);
	for (i = 0; (name = demo_operation_name(i)); i++)
		if (strstr(name, part))
			fprintf(stderr, "  %s\n", name);
}

static int operation_find(const char *part, size_t *index)
{
	switch (demo_find(part, index)) {
	case 0:
		return STATUS_OK;
	case -ENOTUNIQ:
		candidates_print(part);
		return STATUS_USAGE;
	}
	fprintf(stderr, "pinwatch-demo: no operation is called '%s'; --list lists them\n", part);
	return verb_usage_error(&verb_exercise);
}

static int count_parse(const char *text, unsigned long *count)
{
	char *end;

	errno = 0;
	*count = strtoul(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end && *count && *count <= MAX_COUNT)
		return STATUS_OK;
	fprintf(stderr, "pinwatch-demo: --count takes a number from 1 to %lu, not '%s'\n",
		MAX_COUNT, text);
	return verb_usage_error(&verb_exercise);
}

static const struct option longopts[] = {
	{ "count", required_argument, NULL, 'c' },
	{ "device", required_argument, NULL, 'd' },
	{ "global", no_argument, NULL, 'g' },
	{ "json", no_argument, NULL, 'j' },
	{ "list", no_argument, NULL, 'l' },
	{ "pin", no_argument, NULL, 'p' },
	{ "wait", no_argument, NULL, 'w' },
	{ 0 },
};

/* @list: Out. Returns a status. */
static int arguments_parse(int argc, char **argv, struct exercise *exercise, bool *list)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (opt) {
		case 'c':
			if (count_parse(optarg, &exercise->count))
				return STATUS_USAGE;
			break;
		case 'd':
			exercise->options.device = optarg;
			break;
		case 'g':
			exercise->options.global = true;
			break;
		case 'j':
			exercise->json = true;
			break;
		case 'l':
			*list = true;
			break;
		case 'p':
			exercise->pin = true;
			break;
		case 'w':
			exercise->options.ready = ready_wait;
			break;
		default:
			return verb_usage_error(&verb_exercise);
		}
	}
	return STATUS_OK;
}

static int exercise_main(int argc, char **argv)
{
	struct exercise exercise = { .count = 1 };
	bool list = false;
	int status;

	status = arguments_parse(argc, argv, &exercise, &list);
	if (status)
		return status;
	if (optind + !list != argc)
		return verb_usage_error(&verb_exercise);
	if (list) {
		operations_list();
		return STATUS_OK;
	}
	status = operation_find(argv[optind], &exercise.index);
	return status ? status : exercise_start(&exercise);
}

const struct verb verb_exercise = {
	.name = "exercise",
	.summary = "Do one operation to watched memory, and print the report of the watch",
	.usage = "OPERATION [--count N] [--pin] [--wait] [--global] [--json] [--device PATH]\n"
		 "       pinwatch-demo exercise --list",
	.help =
		"OPERATION is a name that --list prints, or a part of exactly one such name. Each\n"
		"repetition has a fresh process. There is no verdict; 'demo' prints verdicts.\n"
		"Status 0: the operation succeeded each time.\n\n"
		"  --count N       do the operation N times (1)\n"
		"  --pin           also pin the range\n"
		"  --wait          print the process and its range, and wait for Enter before the\n"
		"                  operation, to allow attaching another watcher\n"
		"  --global        allow an operation that changes kernel-wide settings, poisons\n"
		"                  memory or takes memory offline: use a machine of its own\n"
		"  --json          print an array with one JSON object per repetition\n"
		"  --list          list the operations and exit\n"
		"  --device PATH   the device node (" PINWATCH_DEVICE ")\n",
	.run = exercise_main,
};
