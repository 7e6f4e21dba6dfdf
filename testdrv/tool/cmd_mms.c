// SPDX-License-Identifier: MIT
/* The verb mms: list address spaces */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "list.h"
#include "verb.h"

static void header_print(void)
{
	printf("%8s %8s %13s %9s %5s %7s %s\n", "MM", "PID", "SUBSCRIPTIONS", "IN-FLIGHT",
	       "WALKS", "WAITERS", "VETO");
}

static void mm_print(const struct netlink_message *message)
{
	printf("%8" PRIu64 " %8" PRIu32 " %13" PRIu64 " %9" PRIu32 " %5" PRIu32 " %7" PRIu32
	       " %s\n",
	       netlink_u64(message, PINWATCH_A_MM), netlink_u32(message, PINWATCH_A_PID),
	       netlink_u64(message, PINWATCH_A_NR_SUBSCRIPTIONS),
	       netlink_u32(message, PINWATCH_A_IN_FLIGHT),
	       netlink_u32(message, PINWATCH_A_NR_WALKS),
	       netlink_u32(message, PINWATCH_A_NR_WAITERS),
	       netlink_u32(message, PINWATCH_A_MM_FLAGS) & PINWATCH_MM_F_VETO ? "yes" : "no");
}

static json_t *mm_to_json(const struct netlink_message *message)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
			 "mm", (json_int_t)netlink_u64(message, PINWATCH_A_MM),
			 "pid", (json_int_t)netlink_u32(message, PINWATCH_A_PID),
			 "subscriptions",
			 (json_int_t)netlink_u64(message, PINWATCH_A_NR_SUBSCRIPTIONS),
			 "in_flight", (json_int_t)netlink_u32(message, PINWATCH_A_IN_FLIGHT),
			 "walks", (json_int_t)netlink_u32(message, PINWATCH_A_NR_WALKS),
			 "waiters", (json_int_t)netlink_u32(message, PINWATCH_A_NR_WAITERS),
			 "veto", !!(netlink_u32(message, PINWATCH_A_MM_FLAGS) &
				    PINWATCH_MM_F_VETO));
}

static const struct list mms = {
	.command = PINWATCH_CMD_MM_GET,
	.title = "address spaces",
	.header = header_print,
	.print = mm_print,
	.json = mm_to_json,
};

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
	return list_print(&mms, 0, json);
}

const struct verb verb_mms = {
	.name = "mms",
	.summary = "List the address spaces that the module is registered with",
	.usage = "[--json]",
	.help =
		"Needs CAP_NET_ADMIN. SUBSCRIPTIONS counts watches and subscriptions of drivers.\n\n"
		"  --json   print one JSON array\n",
	.run = mms_run,
};
