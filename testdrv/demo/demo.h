/* SPDX-License-Identifier: MIT */
/*
 * The demonstration: a table of operations that change a mapping. Each operation
 * is done to a watched range of a fresh process, and again with the range pinned.
 *
 * The verdict of a case:
 *
 *  observed	The generation of the range had changed when the operation returned,
 *		and pagemap.h found the change that the table of operations states.
 *  kept	Neither a page nor the generation changed. Only good where the table
 *		says that a pin may keep the page.
 *  missed	A page of the range (or of the control range) changed, and its
 *		generation had not changed when the operation returned.
 *  false	A generation changed and no page did: the generation of the control
 *		range, 4 MiB away, or a generation of either range in the idle window
 *		before or after the operation.
 *
 * The range has a second watch with PINWATCH_WATCH_F_PAGES. For that watch, missed means
 * that a page was removed or exchanged, and false that the generation changed although
 * the kernel reported nothing but changes of protection.
 *
 *  failed	The operation returned an error, did not have the effect that the table
 *		states, or was reported with another event or cause.
 *  skipped	This kernel or machine lacks the feature that the note names.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pagemap.h"

enum demo_verdict {
	DEMO_OBSERVED,
	DEMO_KEPT,
	DEMO_MISSED,
	DEMO_FALSE,
	DEMO_FAILED,
	DEMO_SKIPPED,
	DEMO_NR_VERDICTS,
};

/* The result of a case: a row of the printed table. */
struct demo_result {
	const char *operation;
	const char *by;			/* the name of an enum demo_by */
	bool pin;			/* the range is also pinned */
	bool only_notified;		/* MUST_NOTIFY: pagemap.h may see no change */
	pid_t pid;			/* of the subject */
	uint64_t addr;			/* of the watched range */
	uint64_t length;		/* bytes */
	bool performed;			/* the operation returned without an error */
	uint32_t events;		/* PINWATCH_EVENT_* */
	uint64_t causes;		/* PINWATCH_CAUSE_* */
	uint64_t nr_invalidations;
	bool pages_hit;			/* the watch with PINWATCH_WATCH_F_PAGES had a hit */
	int64_t told_ns;		/* from the call to the first event record, or -1 */
	uint64_t generation_before;
	uint64_t generation_after;	/* when the operation returned */
	struct pagemap_diff page;
	enum demo_verdict verdict;
	char note[96];			/* the reason of a bad verdict */
};

struct demo_options {
	const char *device;		/* NULL: the default node */
	bool global;			/* include operations that affect the whole machine */
	const char *only;		/* run operations whose name contains @only, or NULL: all */
	/* May be NULL. Called when the range is watched, before the operation. */
	void (*ready)(const struct demo_result *result);
};

struct demo_summary {
	size_t nr_operations;		/* all but the skipped operations */
	size_t nr_observed;		/* operations observed with the range only watched */
	size_t nr_results[DEMO_NR_VERDICTS];
};

typedef void demo_result_fn(const struct demo_result *result, void *data);

/*
 * Run all operations and call @fn after each case. Returns 0 whatever the verdicts
 * are (see demo_passed()), or -errno if no case could be started (-EPERM: not root).
 */
int demo_run(const struct demo_options *options, demo_result_fn *fn, void *data,
	     struct demo_summary *summary);

/* No case is missed, false or failed, and each operation is observed with a watch. */
bool demo_passed(const struct demo_summary *summary);

const char *demo_verdict_name(enum demo_verdict verdict);

/*
 * Find the operation called @name, or else the only operation whose name contains
 * @name. Returns 0 and the index; -ENOENT: no match; -ENOTUNIQ: several matches.
 */
int demo_find(const char *name, size_t *index);

/*
 * Do one operation to a fresh process, once. @options: The member only is ignored.
 * Returns 0 or -errno, like demo_run().
 */
int demo_exercise(const struct demo_options *options, size_t index, bool pin,
		  struct demo_result *result);

/* The name of operation @index, in table order; NULL after the last. */
const char *demo_operation_name(size_t index);

#endif /* DEMO_H */
