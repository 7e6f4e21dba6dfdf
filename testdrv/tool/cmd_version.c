// SPDX-License-Identifier: MIT
/* The verb version, of pinwatch and pinwatch-demo */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

#include "libpinwatch.h"
#include "print.h"
#include "verb.h"

static int version_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'j')
			return verb_usage_error(&verb_version);
		json = true;
	}
	if (optind != argc)
		return verb_usage_error(&verb_version);
	if (json)
		return print_json(json_pack("{s:s, s:i, s:i}", "version", pinwatch_version(),
					    "abi_major", PINWATCH_ABI_MAJOR,
					    "abi_minor", PINWATCH_ABI_MINOR));
	printf("%s %s, ABI %d.%d\n", program.name, pinwatch_version(), PINWATCH_ABI_MAJOR,
	       PINWATCH_ABI_MINOR);
	return STATUS_OK;
}

const struct verb verb_version = {
	.name = "version",
	.summary = "Print the versions of the program and of its ABI",
	.usage = "[--json]",
	.help = "  --json   print one JSON object\n",
	.run = version_run,
};
