// SPDX-License-Identifier: MIT
/* Output of the verb mr. See mr_watch.h. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "mr_watch.h"
#include "print.h"

static double ms_between(uint64_t from_ns, uint64_t to_ns)
{
	return (double)(int64_t)(to_ns - from_ns) / 1e6;
}

/* Text that another process chose, for a terminal */
static void text_print(FILE *output, const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size && text[i]; i++)
		if (text[i] < ' ' || text[i] > '~')
			fprintf(output, "\\%03o", (unsigned char)text[i]);
		else
			fputc(text[i], output);
}

static void backtrace_print(FILE *output, const char *text)
{
	const char *end = text + strnlen(text, MR_TEXT);
	size_t length;

	for (; text < end; text += length + 1) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		length = (size_t)((newline ? newline : end) - text);
		fprintf(output, "        ");
		text_print(output, text, length);
		fputc('\n', output);
	}
}

static json_t *backtrace_to_json(const char *text)
{
	const char *end = text + strnlen(text, MR_TEXT);
	json_t *frames = json_array();
	size_t length;

	for (; text < end; text += length + 1) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		length = (size_t)((newline ? newline : end) - text);
		json_array_append_new(frames, print_text_to_json(text, length));
	}
	return frames;
}

static json_t *actor_to_json(const struct pinwatch_event *event)
{
	if (!(event->flags & PINWATCH_EVENT_F_ACTOR))
		return json_null();
	return json_pack("{s:i, s:i, s:o}", "tid", event->tid, "tgid", event->tgid, "comm",
			 print_text_to_json(event->comm, sizeof(event->comm)));
}

static void json_line(struct mr_watch *watch, json_t *json)
{
	if (!json || json_dumpf(json, watch->output, JSON_COMPACT | JSON_ENSURE_ASCII))
		watch->error = -ENOMEM;
	json_decref(json);
	fputc('\n', watch->output);
}

static json_t *registration_to_json(const struct mr_finding *finding)
{
	const struct mr_process *process = finding->process;
	const struct mr_slot *slot = finding->slot;

	return json_pack("{s:i, s:i, s:o, s:i, s:I, s:I, s:I, s:I, s:I, s:o}",
			 "finding", (int)finding->number, "pid", process->pid,
			 "comm", print_text_to_json(process->comm, sizeof(process->comm)),
			 "tid", slot->tid, "addr", (json_int_t)slot->addr,
			 "length", (json_int_t)slot->length, "lkey", (json_int_t)slot->lkey,
			 "rkey", (json_int_t)slot->rkey,
			 "registered_ns", (json_int_t)slot->registered_ns,
			 "registered_at", backtrace_to_json(slot->registered_at));
}

static json_t *finding_to_json(const struct mr_finding *finding)
{
	const struct pinwatch_event *event = &finding->event;
	json_t *json = registration_to_json(finding);
	json_t *exchange = json_pack("{s:I, s:o, s:o, s:I, s:I, s:o, s:b}",
				     "exchanged_ns", (json_int_t)event->time_ns,
				     "causes", print_causes_to_json(event->causes),
				     "events", print_events_to_json(event->events),
				     "start", (json_int_t)event->start,
				     "end", (json_int_t)event->end, "actor", actor_to_json(event),
				     "others", !!(event->flags & PINWATCH_EVENT_F_ACTORS));

	if (!json || json_object_update(json, exchange)) {
		json_decref(json);
		json = NULL;
	}
	json_decref(exchange);
	return json;
}

static void actor_print(FILE *output, const struct pinwatch_event *event)
{
	if (!(event->flags & PINWATCH_EVENT_F_ACTOR)) {
		fprintf(output, "an unknown thread");
	} else {
		text_print(output, event->comm, sizeof(event->comm));
		fprintf(output, " (thread %d of process %d)", event->tid, event->tgid);
	}
	if (event->flags & PINWATCH_EVENT_F_ACTORS)
		fprintf(output, " and others");
}

static void finding_print(FILE *output, const struct mr_finding *finding)
{
	const struct pinwatch_event *event = &finding->event;
	const struct mr_slot *slot = finding->slot;
	double ms = ms_between(slot->registered_ns, event->time_ns);
	char causes[256];

	fprintf(output, "pinwatch mr: finding %u: process %d (", finding->number,
		finding->process->pid);
	text_print(output, finding->process->comm, sizeof(finding->process->comm));
	fprintf(output, "): registered 0x%" PRIx64 "-0x%" PRIx64 ", lkey 0x%" PRIx32 ", here:\n",
		slot->addr, slot->addr + slot->length, slot->lkey);
	backtrace_print(output, slot->registered_at);
	fprintf(output, "    0x%llx-0x%llx exchanged by %s, ", event->start, event->end,
		pinwatch_causes_string(event->causes, causes, sizeof(causes)));
	actor_print(output, event);
	if (ms < 0)
		fprintf(output, ", during the registration\n");
	else
		fprintf(output, ", %.3f ms later, still registered\n", ms);
}

void mr_print_finding(struct mr_watch *watch, const struct mr_finding *finding)
{
	if (watch->json)
		json_line(watch, finding_to_json(finding));
	else
		finding_print(watch->output, finding);
	fflush(watch->output);
}

void mr_print_use(struct mr_watch *watch, const struct mr_finding *finding)
{
	const struct mr_slot *slot = finding->slot;

	if (watch->json) {
		json_line(watch, json_pack("{s:i, s:I, s:o}", "used", (int)finding->number,
					   "used_ns", (json_int_t)slot->used_ns,
					   "used_at", backtrace_to_json(slot->used_at)));
	} else {
		fprintf(watch->output, "pinwatch mr: finding %u: used %.3f ms after that, here:\n",
			finding->number, ms_between(finding->event.time_ns, slot->used_ns));
		backtrace_print(watch->output, slot->used_at);
	}
	fflush(watch->output);
}

struct sums {
	uint64_t nr_processes;
	uint64_t nr_registrations;
	uint64_t nr_unwatched;
	int error;
};

/* A process has another entry after exec, and after it has closed its descriptors. */
static struct sums sums_of(const struct mr_watch *watch)
{
	const struct mr_process *process;
	struct sums sums = { 0 };

	for (process = watch->processes; process; process = process->next) {
		sums.nr_processes++;
		sums.nr_registrations += process->table->nr_registrations;
		sums.nr_unwatched += process->table->nr_unwatched;
		if (!sums.error)
			sums.error = process->table->error;
	}
	return sums;
}

static uint64_t uses_of(const struct mr_finding *finding)
{
	return __atomic_load_n(&finding->slot->nr_uses, __ATOMIC_RELAXED);
}

static void summary_json(struct mr_watch *watch, const struct sums *sums, int status)
{
	json_t *findings = json_array();
	const struct mr_finding *finding;

	for (finding = watch->findings; finding; finding = finding->next)
		json_array_append_new(findings,
				      json_pack("{s:i, s:I, s:I, s:b}",
						"finding", (int)finding->number,
						"hits", (json_int_t)finding->nr_hits,
						"uses", (json_int_t)uses_of(finding),
						"deregistered", finding->ended));
	json_line(watch, json_pack("{s:s, s:i, s:I, s:I, s:I, s:o}",
				   "ended", WIFSIGNALED(status) ? "signal" : "exit", "status",
				   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
				   "processes", (json_int_t)sums->nr_processes,
				   "registrations", (json_int_t)sums->nr_registrations,
				   "unwatched", (json_int_t)sums->nr_unwatched,
				   "findings", findings));
}

static void row_print(FILE *output, const struct mr_finding *finding)
{
	const struct pinwatch_event *event = &finding->event;
	char causes[256], comm[sizeof(event->comm)], actor[40] = "-";

	memcpy(comm, event->comm, sizeof(comm));
	print_clean(comm, sizeof(comm));
	if (event->flags & PINWATCH_EVENT_F_ACTOR)
		snprintf(actor, sizeof(actor), "%.15s/%d%s", comm, event->tid,
			 event->flags & PINWATCH_EVENT_F_ACTORS ? "+" : "");
	pinwatch_causes_string(event->causes, causes, sizeof(causes));
	fprintf(output, "%7u %7d %10" PRIx32 " %10" PRIu64 "  %-16s %-22s %11.3f", finding->number,
		finding->process->pid, finding->slot->lkey, finding->slot->length, causes, actor,
		ms_between(finding->slot->registered_ns, event->time_ns));
	fprintf(output, " %6" PRIu64 " %6" PRIu64 "\n", finding->nr_hits, uses_of(finding));
}

static void summary_table(struct mr_watch *watch, const struct sums *sums)
{
	const struct mr_finding *finding;
	FILE *output = watch->output;

	if (watch->findings)
		fprintf(output, "\n%7s %7s %10s %10s  %-16s %-22s %11s %6s %6s\n", "FINDING", "PID",
			"LKEY", "LENGTH", "CAUSE", "BY", "MS-LATER", "HITS", "USES");
	for (finding = watch->findings; finding; finding = finding->next)
		row_print(output, finding);
	fprintf(output, "pinwatch mr: findings: %u, registrations: %" PRIu64 ", processes: %" PRIu64
		"\n", watch->nr_findings, sums->nr_registrations, sums->nr_processes);
	if (!sums->nr_processes)
		fprintf(output, "pinwatch mr: no registration was seen: see pinwatch(1)\n");
	if (sums->nr_unwatched)
		fprintf(output, "pinwatch mr: not watched: %" PRIu64 " registrations: %s\n",
			sums->nr_unwatched, strerror(sums->error));
}

void mr_print_summary(struct mr_watch *watch, int status)
{
	const struct sums sums = sums_of(watch);

	if (watch->json)
		summary_json(watch, &sums, status);
	else
		summary_table(watch, &sums);
	fflush(watch->output);
}
