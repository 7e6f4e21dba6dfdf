// SPDX-License-Identifier: MIT
/* The verb help, of pinwatch and pinwatch-demo */
#include <stdio.h>

#include "verb.h"

static int help_run(int argc, char **argv)
{
	const struct verb *const *verb;

	if (argc > 1) {
		const struct verb *found = verb_find(argv[1]);

		if (!found) {
			fprintf(stderr, "%s: unknown verb '%s'\n", program.name, argv[1]);
			return verb_usage_error(&verb_help);
		}
		verb_print_help(found);
		return STATUS_OK;
	}
	printf("Usage: %s VERB [ARGUMENTS]\n\n%s.\n\n", program.name, program.summary);
	for (verb = program.verbs; *verb; verb++)
		printf("  %-10s %s\n", (*verb)->name, (*verb)->summary);
	printf("\n'%s VERB --help' prints the help of a verb.\n", program.name);
	return STATUS_OK;
}

const struct verb verb_help = {
	.name = "help",
	.summary = "List the verbs, or print the help of a verb",
	.usage = "[VERB]",
	.help = "",
	.run = help_run,
};
