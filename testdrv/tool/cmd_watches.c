// SPDX-License-Identifier: MIT
/* The verb watches: list watches */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libpinwatch.h"
#include "list.h"
#include "print.h"
#include "verb.h"

static const char *state_name(const struct netlink_message *message)
{
	switch (netlink_u32(message, PINWATCH_A_STATE)) {
	case PINWATCH_STATE_ACTIVE:
		return "active";
	case PINWATCH_STATE_DEAD:
		return "dead";
	}
	return "?";
}

/* P pinned, W for writing, 1 one-shot, S with stacks, O only exchanges of pages */
static void flags_string(uint32_t flags, char buf[6])
{
	buf[0] = flags & PINWATCH_WATCH_F_PIN ? 'P' : '-';
	buf[1] = flags & PINWATCH_WATCH_F_WRITE ? 'W' : '-';
	buf[2] = flags & PINWATCH_WATCH_F_ONESHOT ? '1' : '-';
	buf[3] = flags & PINWATCH_WATCH_F_STACK ? 'S' : '-';
	buf[4] = flags & PINWATCH_WATCH_F_PAGES ? 'O' : '-';
	buf[5] = '\0';
}

static void header_print(void)
{
	printf("%6s %6s %8s %-6s %-5s %-29s %7s %7s %10s %7s %s\n", "PID", "FILE", "ID",
	       "STATE", "MODE", "RANGE", "PAGES", "PINNED", "GENERATION", "HITS", "CAUSES");
}

static void watch_print(const struct netlink_message *message)
{
	uint64_t start = netlink_u64(message, PINWATCH_A_ADDR);
	char causes[256], flags[6];

	pinwatch_causes_string(netlink_u64(message, PINWATCH_A_CAUSES), causes, sizeof(causes));
	flags_string(netlink_u32(message, PINWATCH_A_WATCH_FLAGS), flags);
	printf("%6" PRIu32 " %6" PRIu32 " %8" PRIu32 " %-6s %s %#14" PRIx64 "-%#-14" PRIx64
	       " %7" PRIu64 " %7" PRIu64 " %10" PRIu64 " %7" PRIu64 " %s\n",
	       netlink_u32(message, PINWATCH_A_PID), netlink_u32(message, PINWATCH_A_FILE),
	       netlink_u32(message, PINWATCH_A_ID), state_name(message), flags,
	       start, start + netlink_u64(message, PINWATCH_A_LENGTH),
	       netlink_u64(message, PINWATCH_A_NR_PAGES),
	       netlink_u64(message, PINWATCH_A_NR_PINNED),
	       netlink_u64(message, PINWATCH_A_GENERATION),
	       netlink_u64(message, PINWATCH_A_HITS), causes);
}

static json_t *watch_to_json(const struct netlink_message *message)
{
	uint64_t generation = netlink_u64(message, PINWATCH_A_GENERATION);
	uint64_t start = netlink_u64(message, PINWATCH_A_ADDR);
	uint32_t flags = netlink_u32(message, PINWATCH_A_WATCH_FLAGS);
	json_t *json;
	bool valid;

	json = json_pack("{s:I, s:I, s:I, s:s, s:I, s:I, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I}",
			 "pid", (json_int_t)netlink_u32(message, PINWATCH_A_PID),
			 "file", (json_int_t)netlink_u32(message, PINWATCH_A_FILE),
			 "id", (json_int_t)netlink_u32(message, PINWATCH_A_ID),
			 "state", state_name(message),
			 "start", (json_int_t)start,
			 "end",
			 (json_int_t)start +
			 (json_int_t)netlink_u64(message, PINWATCH_A_LENGTH),
			 "pin", !!(flags & PINWATCH_WATCH_F_PIN),
			 "write", !!(flags & PINWATCH_WATCH_F_WRITE),
			 "oneshot", !!(flags & PINWATCH_WATCH_F_ONESHOT),
			 "stack", !!(flags & PINWATCH_WATCH_F_STACK),
			 "generation", (json_int_t)generation,
			 "hits", (json_int_t)netlink_u64(message, PINWATCH_A_HITS),
			 "pages", (json_int_t)netlink_u64(message, PINWATCH_A_NR_PAGES),
			 "pinned_pages", (json_int_t)netlink_u64(message, PINWATCH_A_NR_PINNED));
	valid = generation == netlink_u64(message, PINWATCH_A_VALID_GENERATION);
	json_object_set_new(json, "only_pages", json_boolean(flags & PINWATCH_WATCH_F_PAGES));
	json_object_set_new(json, "valid", json_boolean(valid));
	json_object_set_new(json, "causes",
			    print_causes_to_json(netlink_u64(message, PINWATCH_A_CAUSES)));
	json_object_set_new(json, "events",
			    print_events_to_json(netlink_u32(message, PINWATCH_A_EVENTS)));
	return json;
}

static const struct list watches = {
	.command = PINWATCH_CMD_WATCH_GET,
	.title = "watches",
	.header = header_print,
	.print = watch_print,
	.json = watch_to_json,
};

static int watches_run(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	unsigned long file = 0;
	bool json = false;
	char *end = "";
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (opt == 'f')
			file = strtoul(optarg, &end, 10);
		else if (opt == 'j')
			json = true;
		else
			return verb_usage_error(&verb_watches);
		if (opt == 'f' && (*end || !file || file > UINT32_MAX))
			return verb_usage_error(&verb_watches);
	}
	if (optind != argc)
		return verb_usage_error(&verb_watches);
	return list_print(&watches, (uint32_t)file, json);
}

const struct verb verb_watches = {
	.name = "watches",
	.summary = "List the watches of all processes",
	.usage = "[--file NUMBER] [--json]",
	.help =
		"Needs CAP_NET_ADMIN. MODE: P pinned, W for writing, 1 one-shot, S with stacks,\n"
		"O only invalidations that can exchange or remove a page.\n\n"
		"  --file NUMBER   list only the watches of open file NUMBER (column FILE)\n"
		"  --json          print one JSON array\n",
	.run = watches_run,
};
