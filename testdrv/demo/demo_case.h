/* SPDX-License-Identifier: MIT */
/*
 * A case of the demonstration: one operation, done to one range of one fresh
 * process, with the range either only watched or also pinned.
 */
#ifndef DEMO_CASE_H
#define DEMO_CASE_H

#include <stdbool.h>

#include "demo.h"
#include "subject.h"

/* The changes of one range, the watched or the control range, in a span of time. */
struct demo_finding {
	struct pagemap_diff page;
	bool generation_changed;
};

/* The generation changed and no page did, or a page changed and the generation did not. */
bool demo_finding_false(const struct demo_finding *finding);
bool demo_finding_missed(const struct demo_finding *finding);

/*
 * The verdict after the operation returned. @result: The members pin, events, causes and
 * pages_hit are used. @reason: Out. The cause of a bad verdict, otherwise "".
 */
enum demo_verdict demo_case_verdict(const struct demo_op *op, const struct demo_result *result,
				    const struct demo_finding *watch,
				    const struct demo_finding *control, const char **reason);

/*
 * Do @op to a fresh process and find the verdict. @subject: Memory shared with child
 * processes. @result: In, the members operation, by, pin and only_notified; out, the rest.
 */
void demo_case_run(const struct demo_op *op, struct subject *subject,
		   const struct demo_options *options, struct demo_result *result);

#endif /* DEMO_CASE_H */
