// SPDX-License-Identifier: MIT
/*
 * The verbs of pinwatch-demo, and the output that demo and exercise share. Each verb is
 * defined in its cmd_*.c; version and help are the tool's, and main() is tool/main.c.
 */
#include <inttypes.h>
#include <stdio.h>

#include "libpinwatch.h"
#include "print.h"
#include "verbs.h"

static const struct verb *const verbs[] = {
	&verb_demo,
	&verb_exercise,
	&verb_bench,
	&verb_drivers,
	&verb_version,
	&verb_help,
	NULL,
};

const struct program program = {
	.name = "pinwatch-demo",
	.summary = "Changes memory that pinwatch watches, and shows what pinwatch reports",
	.verbs = verbs,
};

const char *result_generation(const struct demo_result *result, char *buf, size_t size)
{
	snprintf(buf, size, "%" PRIu64 " -> %" PRIu64, result->generation_before,
		 result->generation_after);
	return buf;
}

const char *result_pages(const struct demo_result *result, char *buf, size_t size)
{
	const char *change = page_change_name(result->page.change);

	if (result->page.nr_changed)
		snprintf(buf, size, "%s %zu/%zu", change, result->page.nr_changed,
			 result->page.nr_pages);
	else
		snprintf(buf, size, "%s", change);
	return buf;
}

static json_t *time_json(int64_t ns)
{
	return ns < 0 ? json_null() : json_integer(ns);
}

json_t *result_json(const struct demo_result *result)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:I, s:I, s:b, s:o, s:s}",
			 "operation", result->operation, "by", result->by,
			 "mode", result->pin ? "pin" : "watch",
			 "causes", print_causes_to_json(result->causes),
			 "events", print_events_to_json(result->events),
			 "invalidations", (json_int_t)result->nr_invalidations,
			 "generation_before", (json_int_t)result->generation_before,
			 "generation_after", (json_int_t)result->generation_after,
			 "page", page_change_name(result->page.change),
			 "pages_changed", (json_int_t)result->page.nr_changed,
			 "pages", (json_int_t)result->page.nr_pages,
			 "pages_hit", result->pages_hit,
			 "told_ns", time_json(result->told_ns),
			 "note", result->note);
}

void operations_list(void)
{
	const char *name;
	size_t i;

	for (i = 0; (name = demo_operation_name(i)); i++)
		puts(name);
}
