// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "verb.h"

static int help_run(int argc, char **argv)
{
	const struct verb *const *verb;

	if (argc > 1) {
		const struct verb *found = verb_find(argv[1]);

		if (!found) {
			fprintf(stderr, "pinwatch: unknown verb '%s'\n", argv[1]);
			return verb_usage_error(&verb_help);
		}
		verb_print_help(found);
		return STATUS_OK;
	}
	printf("Usage: pinwatch VERB [ARGUMENTS]\n\n"
	       "Says whether pages that were taken still match the process's memory.\n\n");
	for (verb = verbs; *verb; verb++)
		printf("  %-10s %s\n", (*verb)->name, (*verb)->summary);
	printf("\n'pinwatch VERB --help' tells more.\n");
	return STATUS_OK;
}

const struct verb verb_help = {
	.name = "help",
	.summary = "List the verbs, or explain one",
	.usage = "[VERB]",
	.help = "",
	.run = help_run,
};
