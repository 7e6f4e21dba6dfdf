// SPDX-License-Identifier: MIT
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
#include "rows.h"
#include "verbs.h"

#define MAX_COUNT	1000000UL

struct exercise {
	struct demo_options options;
	size_t index;		/* of the operation */
	unsigned long count;
	bool pin;
	bool json;
};

/* Time for a watcher to be set upon the process, before anything happens to it. */
static void ready_wait(const struct demo_row *row)
{
	int c;

	fprintf(stderr, "pid %d, range 0x%" PRIx64 "-0x%" PRIx64 ", not changed yet. Press Enter.",
		(int)row->pid, row->addr, row->addr + row->length);
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

static const char *row_range(const struct demo_row *row, char *buf, size_t size)
{
	if (!row->pid)
		return "-";
	snprintf(buf, size, "%" PRIx64 "-%" PRIx64, row->addr, row->addr + row->length);
	return buf;
}

/* Only what kept it from being done is of concern here, not the verdict. */
static const char *row_note(const struct demo_row *row)
{
	return row->performed ? "" : row->note;
}

static void row_print(const struct demo_row *row)
{
	char range[48], events[96], causes[256], generation[48], pages[32], told[24];

	printf("%7d %-27s %-5s %-14s %-15s %6" PRIu64 " %-14s %-15s %9s  %s\n", (int)row->pid,
	       row_range(row, range, sizeof(range)), row->pin ? "pin" : "watch",
	       pinwatch_causes_string(row->causes, causes, sizeof(causes)),
	       pinwatch_events_string(row->events, events, sizeof(events)), row->nr_told,
	       row_generation(row, generation, sizeof(generation)),
	       row_pages(row, pages, sizeof(pages)), row_time(row->told_ns, told, sizeof(told)),
	       row_note(row));
	fflush(stdout);
}

static json_t *row_to_json(const struct demo_row *row)
{
	json_t *json = row_json(row);

	json_int_t start = (json_int_t)row->addr;

	json_object_set_new(json, "pid", json_integer(row->pid));
	json_object_set_new(json, "start", json_integer(start));
	json_object_set_new(json, "end", json_integer(start + (json_int_t)row->length));
	json_object_set_new(json, "performed", json_boolean(row->performed));
	json_object_set_new(json, "note", json_string(row_note(row)));
	return json;
}

/* A status; each repetition has a process of its own. */
static int exercise_repeat(const struct exercise *exercise, json_t *rows)
{
	int status = STATUS_OK;
	struct demo_row row;
	unsigned long i;
	int ret;

	for (i = 0; i < exercise->count; i++) {
		ret = demo_exercise(&exercise->options, exercise->index, exercise->pin, &row);
		if (ret)
			return verb_device_error("exercise", ret);
		if (rows)
			json_array_append_new(rows, row_to_json(&row));
		else
			row_print(&row);
		if (!row.performed)
			status = STATUS_BAD;
	}
	return status;
}

static int exercise_start(const struct exercise *exercise)
{
	int status = verb_check_device(exercise->options.device);
	json_t *rows;

	if (status)
		return status;
	if (!exercise->json) {
		table_begin();
		return exercise_repeat(exercise, NULL);
	}
	rows = json_array();
	status = exercise_repeat(exercise, rows);
	if (status == STATUS_DEVICE) {
		json_decref(rows);
		return status;
	}
	return print_json(rows) ? STATUS_BAD : status;
}

static void candidates_print(const char *part)
{
	const char *name;
	size_t i;

	fprintf(stderr, "pinwatch-demo: '%s' can be any of these:\n", part);
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
	fprintf(stderr, "pinwatch-demo: --count wants a number from 1 to %lu, not '%s'\n", MAX_COUNT,
		text);
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

/* @list: Out. A status. */
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
		rows_list();
		return STATUS_OK;
	}
	status = operation_find(argv[optind], &exercise.index);
	return status ? status : exercise_start(&exercise);
}

const struct verb verb_exercise = {
	.name = "exercise",
	.summary = "Do one operation to watched memory, and print what the watch says",
	.usage = "OPERATION [--count N] [--pin] [--wait] [--global] [--json] [--device PATH]\n"
		 "       pinwatch-demo exercise --list",
	.help =
		"OPERATION is a name of --list, or a part that only one of them has. It is done\n"
		"to a range of a fresh process each time, and not judged; see 'demo' for that.\n"
		"Status 0: it was done each time.\n\n"
		"  --count N       do it N times (1)\n"
		"  --pin           pin the range as well\n"
		"  --wait          print the process and its range and wait for Enter, so that\n"
		"                  another watcher can be set upon it\n"
		"  --global        also what turns a knob of the kernel that others feel, or\n"
		"                  poisons memory, or takes it away: in a machine of its own\n"
		"  --json          for programs: an array of one object for each time\n"
		"  --list          list the operations and do nothing\n"
		"  --device PATH   the device node (" PINWATCH_DEVICE ")\n",
	.run = exercise_main,
};
