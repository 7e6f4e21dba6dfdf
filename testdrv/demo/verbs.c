// SPDX-License-Identifier: MIT
/* The verbs of pinwatch-demo. */
#include <stddef.h>

#include "verbs.h"

static const struct verb *const verbs[] = {
	&verb_demo,
	&verb_exercise,
	&verb_bench,
	&verb_version,
	&verb_help,
	NULL,
};

const struct program program = {
	.name = "pinwatch-demo",
	.summary = "Changes memory that pinwatch watches, and shows what pinwatch reports",
	.verbs = verbs,
};
