// SPDX-License-Identifier: MIT
/* The verbs of pinwatch, the administrator's tool. */
#include <stddef.h>

#include "verb.h"

static const struct verb *const verbs[] = {
	&verb_watch,
	&verb_monitor,
	&verb_watches,
	&verb_mms,
	&verb_stat,
	&verb_version,
	&verb_help,
	NULL,
};

const struct program program = {
	.name = "pinwatch",
	.summary = "Says whether pages that were taken still match the process's memory",
	.verbs = verbs,
};
