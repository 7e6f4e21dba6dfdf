// SPDX-License-Identifier: MIT
/* Output of `pinwatch watch`. See watch.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ksyms.h"
#include "print.h"
#include "watch.h"

#define NR_SUMMARY_LINES	20
#define NR_STACK_ENTRIES	8

/* Colours: pages gone (red), pages replaced (yellow), only permissions changed (cyan) */
#define CAUSES_GONE \
	(PINWATCH_CAUSE_MUNMAP | PINWATCH_CAUSE_MREMAP | PINWATCH_CAUSE_MMAP | \
	 PINWATCH_CAUSE_MADVISE | PINWATCH_CAUSE_TRUNCATE | PINWATCH_CAUSE_REAP | \
	 PINWATCH_CAUSE_POISON | PINWATCH_CAUSE_EXIT | PINWATCH_CAUSE_EXEC)
#define CAUSES_MOVED \
	(PINWATCH_CAUSE_COW | PINWATCH_CAUSE_REMOTE_WRITE | PINWATCH_CAUSE_MIGRATE | \
	 PINWATCH_CAUSE_COMPACT | PINWATCH_CAUSE_RECLAIM | PINWATCH_CAUSE_KSM | \
	 PINWATCH_CAUSE_THP | PINWATCH_CAUSE_OFFLINE)

static const char *colour_of(const struct watch_output *output, uint64_t causes)
{
	if (!output->colour)
		return "";
	if (causes & CAUSES_GONE)
		return "\033[31m";
	return causes & CAUSES_MOVED ? "\033[33m" : "\033[36m";
}

static const char *colour_end(const struct watch_output *output)
{
	return output->colour ? "\033[0m" : "";
}

static void head_table(int pid, const struct watch_coverage *coverage)
{
	printf("watching process %d, ranges: %zu\n", pid, coverage->nr_ranges);
	if (coverage->nr_unwatched)
		printf("limit of watches: %zu mappings are not watched\n",
		       coverage->nr_unwatched);
	printf("%10s  %-18s %-18s %-25s %6s  %-22s %s\n", "SECONDS", "CAUSE", "BY", "RANGE", "HITS",
	       "EVENTS", "MAPPING");
}

void watch_print_head(const struct watch_output *output, int pid,
		      const struct watch_coverage *coverage)
{
	if (output->json)
		print_json_line(json_pack("{s:i, s:I, s:I}", "pid", pid,
					  "ranges", (json_int_t)coverage->nr_ranges,
					  "unwatched", (json_int_t)coverage->nr_unwatched));
	else
		head_table(pid, coverage);
	fflush(stdout);
}

/* "name/thread", with a plus sign if further threads took part */
static const char *actor_string(const struct pinwatch_event *event, char *buf, size_t size)
{
	const char *others = event->flags & PINWATCH_EVENT_F_ACTORS ? "+" : "";
	char comm[sizeof(event->comm)];

	memcpy(comm, event->comm, sizeof(comm));
	print_clean(comm, sizeof(comm));
	if (event->flags & PINWATCH_EVENT_F_ACTOR)
		snprintf(buf, size, "%.15s/%d%s", comm, event->tid, others);
	else
		snprintf(buf, size, "-%s", others);
	return buf;
}

/* Returns the index of the first entry below the notifier's own functions. */
static uint32_t stack_begin(const struct pinwatch_watch_stack *stack)
{
	uint32_t i, begin = 0;

	for (i = 0; i < stack->nr_entries && i < PINWATCH_STACK_DEPTH; i++)
		if (strstr(ksyms_name(stack->entries[i]), "mmu_notifier") ||
		    strstr(ksyms_name(stack->entries[i]), "mn_"))
			begin = i + 1;
	return begin;
}

static void stack_print(const struct pinwatch_watch_stack *stack)
{
	uint32_t i, begin = stack_begin(stack);

	printf("%12s", "");
	for (i = begin; i < stack->nr_entries && i < begin + NR_STACK_ENTRIES; i++)
		printf("%s%s", i > begin ? " < " : "", ksyms_name(stack->entries[i]));
	printf("\n");
}

static void table_record(const struct watch_output *output, const struct watch_record *record)
{
	const struct pinwatch_event *event = &record->event;
	char events[96], causes[256], actor[40], range[48];
	int64_t ns = (int64_t)(event->time_ns - output->begin_ns);

	pinwatch_events_string(event->events, events, sizeof(events));
	pinwatch_causes_string(event->causes, causes, sizeof(causes));
	snprintf(range, sizeof(range), "%llx-%llx", event->start, event->end);
	printf("%10.3f  %s%-18s%s %-18s %-25s %6llu  %-22s ", (double)ns / 1e9,
	       colour_of(output, event->causes), causes, colour_end(output),
	       actor_string(event, actor, sizeof(actor)), range, event->count, events);
	print_escaped(record->mapping);
	printf("\n");
	if (record->stack)
		stack_print(record->stack);
}

static json_t *stack_to_json(const struct pinwatch_watch_stack *stack)
{
	json_t *array = json_array();
	uint32_t i;

	for (i = 0; i < stack->nr_entries && i < PINWATCH_STACK_DEPTH; i++)
		json_array_append_new(array, json_string(ksyms_name(stack->entries[i])));
	return array;
}

static json_t *actor_to_json(const struct pinwatch_event *event)
{
	if (!(event->flags & PINWATCH_EVENT_F_ACTOR))
		return json_null();
	return json_pack("{s:i, s:i, s:o}", "tid", event->tid, "tgid", event->tgid, "comm",
			 print_text_to_json(event->comm, sizeof(event->comm)));
}

static json_t *record_to_json(const struct watch_record *record)
{
	const struct pinwatch_event *event = &record->event;

	return json_pack("{s:I, s:I, s:o, s:o, s:I, s:I, s:o, s:I, s:I, s:o, s:b, s:o}",
			 "time_ns", (json_int_t)event->time_ns, "watch", (json_int_t)event->id,
			 "causes", print_causes_to_json(event->causes),
			 "events", print_events_to_json(event->events),
			 "start", (json_int_t)event->start, "end", (json_int_t)event->end,
			 "mapping", print_text_to_json(record->mapping, strlen(record->mapping)),
			 "generation", (json_int_t)event->generation,
			 "count", (json_int_t)event->count, "actor", actor_to_json(event),
			 "others", !!(event->flags & PINWATCH_EVENT_F_ACTORS),
			 "stack", record->stack ? stack_to_json(record->stack) : json_null());
}

void watch_print_record(const struct watch_output *output, const struct watch_record *record)
{
	if (output->json)
		print_json_line(record_to_json(record));
	else
		table_record(output, record);
	fflush(stdout);
}

static json_t *sum_to_json(const struct watch_sum *sum)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:I}", "causes", print_causes_to_json(sum->causes),
			 "comm", print_text_to_json(sum->comm, sizeof(sum->comm)),
			 "mapping", print_text_to_json(sum->mapping, strlen(sum->mapping)),
			 "records", (json_int_t)sum->records,
			 "invalidations", (json_int_t)sum->invalidations);
}

static void summary_json(const struct watch_tally *tally, const char *why)
{
	json_t *sums = json_array();
	size_t i;

	for (i = 0; i < tally->nr; i++)
		json_array_append_new(sums, sum_to_json(&tally->sums[i]));
	print_json_line(json_pack("{s:s, s:I, s:I, s:I, s:o}", "ended", why,
				  "records", (json_int_t)tally->records,
				  "invalidations", (json_int_t)tally->invalidations,
				  "unwatched", (json_int_t)tally->max_unwatched,
				  "summary", sums));
}

static void summary_table(const struct watch_output *output, const struct watch_tally *tally,
			  const char *why)
{
	char causes[256], comm[sizeof(tally->sums->comm)];
	size_t i;

	printf("\n%12s %8s  %-18s %-16s %s\n", "INVALIDATIONS", "RECORDS", "CAUSE", "BY",
	       "MAPPING");
	for (i = 0; i < tally->nr && i < NR_SUMMARY_LINES; i++) {
		const struct watch_sum *sum = &tally->sums[i];

		pinwatch_causes_string(sum->causes, causes, sizeof(causes));
		memcpy(comm, sum->comm, sizeof(comm));
		print_clean(comm, sizeof(comm));
		printf("%13" PRIu64 " %8" PRIu64 "  %s%-18s%s %-16s ", sum->invalidations,
		       sum->records, colour_of(output, sum->causes), causes, colour_end(output),
		       comm[0] ? comm : "-");
		print_escaped(sum->mapping);
		printf("\n");
	}
	if (i < tally->nr)
		printf("%13s %8s  and %zu kinds more\n", "", "", tally->nr - i);
	printf("%13" PRIu64 " %8" PRIu64 "  in all: %s\n", tally->invalidations, tally->records,
	       why);
	if (tally->max_unwatched)
		printf("limit of watches: up to %zu mappings were not watched\n",
		       tally->max_unwatched);
}

void watch_print_summary(const struct watch_output *output, struct watch_tally *tally,
			 const char *why)
{
	watch_tally_sort(tally);
	if (output->json)
		summary_json(tally, why);
	else
		summary_table(output, tally, why);
	fflush(stdout);
}
