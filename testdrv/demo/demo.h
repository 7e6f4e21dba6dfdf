/* SPDX-License-Identifier: MIT */
/*
 * The demonstration: a table of operations that change a mapping, each done to
 * a watched range of a fresh process, each judged by the oracle.
 *
 * Terms of a row's verdict:
 *
 *  observed	the generation changed by the time the operation returned, and
 *		the oracle's finding is what the table states.
 *  kept	nothing changed, neither the page nor the generation; only where
 *		the table says that a pin may keep the page.
 *  missed	the oracle saw a change of the range (or of the control range)
 *		and its generation had not changed when the operation returned.
 *  false	a generation changed although the oracle saw no change: that of
 *		the control range, 4 MiB away, or that of either range in the
 *		idle window before or after the operation.
 *  failed	the operation returned an error, had not the effect that the table
 *		states, or was told, but not as the event (or with the cause) that
 *		the table states.
 *  skipped	this kernel or machine lacks what the row's note names.
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

struct demo_row {
	const char *operation;
	const char *who;		/* "self", "other process", "kernel" */
	bool pin;			/* a pinned watch */
	bool only_told;			/* an oracle cannot see the effect, not even unpinned */
	pid_t pid;			/* of the process that it was done to */
	uint64_t addr;			/* of the watched range in it */
	uint64_t length;		/* bytes */
	bool performed;			/* it returned, without an error */
	uint32_t events;		/* PINWATCH_EVENT_* */
	uint64_t causes;		/* PINWATCH_CAUSE_* */
	uint64_t nr_told;		/* how many invalidations that was */
	int64_t told_ns;		/* until the first of them was recorded; -1: none */
	uint64_t generation_before;
	uint64_t generation_after;	/* when the operation returned */
	struct pagemap_diff page;
	enum demo_verdict verdict;
	char note[96];			/* the reason of a verdict that is not good */
};

struct demo_options {
	const char *device;		/* NULL: the default node */
	bool global;			/* also turn knobs that others feel */
	const char *only;		/* run operations that contain this, or NULL */
	/* May be NULL: when the range is watched, before the operation. */
	void (*ready)(const struct demo_row *row);
};

struct demo_summary {
	size_t nr_operations;		/* that could be run here */
	size_t nr_observed;		/* of them, those whose watched row was */
	size_t nr_rows[DEMO_NR_VERDICTS];
};

typedef void demo_row_fn(const struct demo_row *row, void *data);

/*
 * Run the table, calling @fn after each row. 0, or -errno when it could not be
 * begun (-EPERM: not root). The verdict is demo_passed()'s.
 */
int demo_run(const struct demo_options *options, demo_row_fn *fn, void *data,
	     struct demo_summary *summary);

/* Nothing missed, false or failed, and each operation was observed when watched. */
bool demo_passed(const struct demo_summary *summary);

const char *demo_verdict_name(enum demo_verdict verdict);

/*
 * The only operation that is called @name or else contains it. 0 and its index;
 * -ENOENT: there is none; -ENOTUNIQ: there are several.
 */
int demo_find(const char *name, size_t *index);

/*
 * Do one operation to a fresh process, once. @options: only is of no concern.
 * 0 or -errno, as demo_run().
 */
int demo_exercise(const struct demo_options *options, size_t index, bool pin,
		  struct demo_row *row);

/* The operations' names, in order; NULL after the last. */
const char *demo_operation_name(size_t index);

#endif /* DEMO_H */
