// SPDX-License-Identifier: MIT
/* Verbs of pinwatch, the administrator's tool */
#include <stddef.h>

#include "verb.h"

static const struct verb *const verbs[] = {
	&verb_watch,
	&verb_monitor,
	&verb_watches,
	&verb_mms,
	&verb_stat,
	&verb_mr,
	&verb_version,
	&verb_help,
	NULL,
};

const struct program program = {
	.name = "pinwatch",
	.summary = "Reports when watched or pinned memory of a process is invalidated",
	.verbs = verbs,
};
