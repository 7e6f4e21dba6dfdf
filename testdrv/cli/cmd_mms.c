// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "netlink.h"
#include "print.h"
#include "verb.h"

/* Above the first row; or alone, if there is none. */
static void header_print(bool *begun)
{
	if (!*begun)
		printf("%8s %8s %13s %9s %5s %7s %s\n", "MM", "PID", "SUBSCRIPTIONS",
		       "IN-FLIGHT", "WALKS", "WAITERS", "VETO");
	*begun = true;
}

static void mm_print(const struct netlink_message *message, void *data)
{
	header_print(data);
	printf("%8" PRIu64 " %8" PRIu32 " %13" PRIu64 " %9" PRIu32 " %5" PRIu32 " %7" PRIu32
	       " %s\n",
	       netlink_u64(message, PINWATCH_A_MM), netlink_u32(message, PINWATCH_A_PID),
	       netlink_u64(message, PINWATCH_A_NR_SUBSCRIPTIONS),
	       netlink_u32(message, PINWATCH_A_IN_FLIGHT),
	       netlink_u32(message, PINWATCH_A_NR_WALKS),
	       netlink_u32(message, PINWATCH_A_NR_WAITERS),
	       netlink_u32(message, PINWATCH_A_MM_FLAGS) & PINWATCH_MM_F_VETO ? "yes" : "no");
}

static void mm_to_json(const struct netlink_message *message, void *data)
{
	json_t *rows = data;
	json_t *json;

	json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
			 "mm", (json_int_t)netlink_u64(message, PINWATCH_A_MM),
			 "pid", (json_int_t)netlink_u32(message, PINWATCH_A_PID),
			 "subscriptions",
			 (json_int_t)netlink_u64(message, PINWATCH_A_NR_SUBSCRIPTIONS),
			 "in_flight", (json_int_t)netlink_u32(message, PINWATCH_A_IN_FLIGHT),
			 "walks", (json_int_t)netlink_u32(message, PINWATCH_A_NR_WALKS),
			 "waiters", (json_int_t)netlink_u32(message, PINWATCH_A_NR_WAITERS),
			 "veto", !!(netlink_u32(message, PINWATCH_A_MM_FLAGS) &
				    PINWATCH_MM_F_VETO));
	json_array_append_new(rows, json);
}

static int mms_start(bool json)
{
	json_t *rows = json ? json_array() : NULL;
	struct netlink *nl;
	bool begun = false;
	int ret;

	ret = netlink_open(&nl);
	if (ret)
		return verb_device_error("netlink family " PINWATCH_GENL_NAME, ret);
	ret = netlink_dump(nl, PINWATCH_CMD_MM_GET, 0, json ? mm_to_json : mm_print,
			   json ? (void *)rows : &begun);
	netlink_close(nl);
	if (ret) {
		json_decref(rows);
		return verb_device_error("address spaces", ret);
	}
	if (json)
		return print_json(rows);
	header_print(&begun);
	return STATUS_OK;
}

static int mms_run(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (opt != 'j')
			return verb_usage_error(&verb_mms);
		json = true;
	}
	if (optind != argc)
		return verb_usage_error(&verb_mms);
	return mms_start(json);
}

const struct verb verb_mms = {
	.name = "mms",
	.summary = "List the address spaces that the module is registered with",
	.usage = "[--json]",
	.help =
		"Needs CAP_NET_ADMIN. Subscriptions are those of all drivers, not only watches.\n\n"
		"  --json   for programs\n",
	.run = mms_run,
};
