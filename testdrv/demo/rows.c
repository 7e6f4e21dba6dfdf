// SPDX-License-Identifier: MIT
/* See rows.h. */
#include <inttypes.h>
#include <stdio.h>

#include "libpinwatch.h"
#include "print.h"
#include "rows.h"

const char *row_generation(const struct demo_row *row, char *buf, size_t size)
{
	snprintf(buf, size, "%" PRIu64 " -> %" PRIu64, row->generation_before,
		 row->generation_after);
	return buf;
}

const char *row_pages(const struct demo_row *row, char *buf, size_t size)
{
	const char *change = page_change_name(row->page.change);

	if (row->page.nr_changed)
		snprintf(buf, size, "%s %zu/%zu", change, row->page.nr_changed,
			 row->page.nr_pages);
	else
		snprintf(buf, size, "%s", change);
	return buf;
}

const char *row_time(int64_t ns, char *buf, size_t size)
{
	if (ns < 0)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%.1f", (double)ns / 1000);
	return buf;
}

static json_t *time_json(int64_t ns)
{
	return ns < 0 ? json_null() : json_integer(ns);
}

json_t *row_json(const struct demo_row *row)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:I, s:I, s:o, s:s}",
			 "operation", row->operation, "by", row->who,
			 "mode", row->pin ? "pin" : "watch",
			 "causes", print_causes_to_json(row->causes),
			 "events", print_events_to_json(row->events),
			 "invalidations", (json_int_t)row->nr_told,
			 "generation_before", (json_int_t)row->generation_before,
			 "generation_after", (json_int_t)row->generation_after,
			 "page", page_change_name(row->page.change),
			 "pages_changed", (json_int_t)row->page.nr_changed,
			 "pages", (json_int_t)row->page.nr_pages,
			 "told_ns", time_json(row->told_ns),
			 "note", row->note);
}

void rows_list(void)
{
	const char *name;
	size_t i;

	for (i = 0; (name = demo_operation_name(i)); i++)
		puts(name);
}
