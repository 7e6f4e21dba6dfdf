// SPDX-License-Identifier: MIT
/* The verb monitor: print events of the netlink family */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpinwatch.h"
#include "netlink.h"
#include "print.h"
#include "verb.h"

struct monitor {
	bool json;
	bool colour;
	uint64_t count;		/* events still to print; 0: no limit */
	uint64_t seq;		/* of the last message; 0: no message yet */
	bool done;
	int status;
};

/* Returns the number of events lost since the last message, in the module or the socket. */
static uint64_t lost_before(const struct monitor *monitor, uint64_t seq, bool hit,
			    uint64_t lost)
{
	return monitor->seq ? seq - monitor->seq - hit : lost;
}

static void actor_string(const struct netlink_message *message, char *buf, size_t size)
{
	char comm[17];

	buf[0] = '\0';
	if (!(netlink_u32(message, PINWATCH_A_FLAGS) & PINWATCH_EVENT_F_ACTOR))
		return;
	snprintf(comm, sizeof(comm), "%s", netlink_string(message, PINWATCH_A_COMM));
	print_clean(comm, sizeof(comm));
	snprintf(buf, size, "%s %" PRIu32 "/%" PRIu32, comm,
		 netlink_u32(message, PINWATCH_A_TGID), netlink_u32(message, PINWATCH_A_TID));
}

static void hit_print(const struct monitor *monitor, const struct netlink_message *message)
{
	uint64_t time = netlink_u64(message, PINWATCH_A_TIME_NS);
	uint64_t start = netlink_u64(message, PINWATCH_A_ADDR);
	char events[96], causes[256], watch[32], actor[64];

	pinwatch_events_string(netlink_u32(message, PINWATCH_A_EVENTS), events, sizeof(events));
	pinwatch_causes_string(netlink_u64(message, PINWATCH_A_CAUSES), causes, sizeof(causes));
	snprintf(watch, sizeof(watch), "%" PRIu32 ".%" PRIu32,
		 netlink_u32(message, PINWATCH_A_FILE), netlink_u32(message, PINWATCH_A_ID));
	actor_string(message, actor, sizeof(actor));
	printf("%7" PRIu64 ".%06" PRIu64 " %8" PRIu32 " %-11s ", time / 1000000000,
	       time / 1000 % 1000000, netlink_u32(message, PINWATCH_A_PID), watch);
	printf("%s%-12s%s %-12s %#" PRIx64 "-%#" PRIx64 " %8" PRIu64 "%s%s%s\n",
	       monitor->colour ? "\033[1m" : "", causes, monitor->colour ? "\033[0m" : "",
	       events, start, start + netlink_u64(message, PINWATCH_A_LENGTH),
	       netlink_u64(message, PINWATCH_A_GENERATION),
	       netlink_u32(message, PINWATCH_A_FLAGS) & PINWATCH_EVENT_F_ATOMIC ? " atomic" : "",
	       actor[0] ? "  " : "", actor);
}

static void lost_print(const struct monitor *monitor, uint64_t lost)
{
	printf("%s%" PRIu64 " events were lost%s\n", monitor->colour ? "\033[31m" : "", lost,
	       monitor->colour ? "\033[0m" : "");
}

static void header_print(bool actors)
{
	printf("%14s %8s %-11s %-12s %-12s %-29s %8s%s\n", "TIME", "PID", "FILE.ID", "CAUSE",
	       "EVENT", "RANGE", "GENERATION", actors ? "  BY" : "");
}

static json_t *hit_to_json(const struct netlink_message *message)
{
	uint64_t start = netlink_u64(message, PINWATCH_A_ADDR);

	return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:b}",
			 "time_ns", (json_int_t)netlink_u64(message, PINWATCH_A_TIME_NS),
			 "pid", (json_int_t)netlink_u32(message, PINWATCH_A_PID),
			 "file", (json_int_t)netlink_u32(message, PINWATCH_A_FILE),
			 "id", (json_int_t)netlink_u32(message, PINWATCH_A_ID),
			 "causes",
			 print_causes_to_json(netlink_u64(message, PINWATCH_A_CAUSES)),
			 "events",
			 print_events_to_json(netlink_u32(message, PINWATCH_A_EVENTS)),
			 "start", (json_int_t)start,
			 "end",
			 (json_int_t)start +
			 (json_int_t)netlink_u64(message, PINWATCH_A_LENGTH),
			 "generation",
			 (json_int_t)netlink_u64(message, PINWATCH_A_GENERATION),
			 "atomic",
			 !!(netlink_u32(message, PINWATCH_A_FLAGS) & PINWATCH_EVENT_F_ATOMIC));
}

static void actor_to_json(const struct netlink_message *message, json_t *json)
{
	const char *comm = netlink_string(message, PINWATCH_A_COMM);

	if (!(netlink_u32(message, PINWATCH_A_FLAGS) & PINWATCH_EVENT_F_ACTOR))
		return;
	json_object_set_new(json, "tid", json_integer(netlink_u32(message, PINWATCH_A_TID)));
	json_object_set_new(json, "tgid", json_integer(netlink_u32(message, PINWATCH_A_TGID)));
	json_object_set_new(json, "comm", print_text_to_json(comm, strlen(comm)));
}

static int message_json(const struct netlink_message *message, uint64_t seq, bool hit,
			uint64_t lost)
{
	json_t *json = hit ? hit_to_json(message) : json_object();

	if (hit)
		actor_to_json(message, json);
	json_object_set_new(json, "seq", json_integer((json_int_t)seq));
	json_object_set_new(json, "lost", json_integer((json_int_t)lost));
	return print_json_line(json);
}

static void message_handle(const struct netlink_message *message, void *data)
{
	uint64_t seq = netlink_u64(message, PINWATCH_A_SEQ), lost;
	bool hit = message->at[PINWATCH_A_FILE];
	struct monitor *monitor = data;

	if (monitor->done)
		return;
	lost = lost_before(monitor, seq, hit, netlink_u64(message, PINWATCH_A_LOST));
	monitor->seq = seq;
	if (monitor->json) {
		monitor->status = message_json(message, seq, hit, lost);
	} else {
		if (lost)
			lost_print(monitor, lost);
		if (hit)
			hit_print(monitor, message);
	}
	fflush(stdout);
	if (hit && monitor->count && !--monitor->count)
		monitor->done = true;
	if (monitor->status || ferror(stdout))
		monitor->done = true;
}

static int monitor_start(struct monitor *monitor, bool actors)
{
	const char *group = actors ? PINWATCH_GENL_GROUP_ACTORS : PINWATCH_GENL_GROUP_EVENTS;
	struct netlink *nl;
	int ret;

	ret = netlink_open(&nl);
	if (ret)
		return verb_device_error("netlink family " PINWATCH_GENL_NAME, ret);
	ret = netlink_join(nl, group);
	if (!ret && !monitor->json)
		header_print(actors);
	/* The first line tells the reader that the tool reports all later events. */
	if (!ret && monitor->json)
		monitor->status = print_json_line(json_pack("{s:s}", "listening", group));
	fflush(stdout);
	while (!ret && !monitor->done) {
		ret = netlink_receive(nl, message_handle, monitor);
		if (ret == -ENOBUFS)
			ret = 0;	/* the next message has the number of lost events */
	}
	netlink_close(nl);
	return ret ? verb_device_error(group, ret) : monitor->status;
}

static int monitor_run(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "actors", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct monitor monitor = { .colour = print_wants_colour() };
	bool actors = false;
	char *end = "";
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (opt == 'a')
			actors = true;
		else if (opt == 'c')
			monitor.count = strtoull(optarg, &end, 10);
		else if (opt == 'j')
			monitor.json = true;
		else
			return verb_usage_error(&verb_monitor);
		if (opt == 'c' && (*end || !monitor.count))
			return verb_usage_error(&verb_monitor);
	}
	if (optind != argc)
		return verb_usage_error(&verb_monitor);
	return monitor_start(&monitor, actors);
}

const struct verb verb_monitor = {
	.name = "monitor",
	.summary = "Print each invalidation of a watch of any process, as it happens",
	.usage = "[--actors] [--count N] [--json]",
	.help =
		"Needs CAP_NET_ADMIN, and CAP_SYS_ADMIN with --actors. If events arrive too fast,\n"
		"some are lost, and a line prints the number of lost events.\n\n"
		"  --actors        print the thread that caused the invalidation, too\n"
		"  --count N       stop after N invalidations\n"
		"  --json          print one JSON object a line, the first when listening\n",
	.run = monitor_run,
};
