/* SPDX-License-Identifier: MIT */
/*
 * The driver models (testdrv/examples/drivers) under operations that change memory.
 *
 * One case is one model and one operation, in a fresh process. A thread makes the software
 * device of the model read one word again and again. Meanwhile the process changes the
 * page of that word in steps: an odd step is the operation, an even step stores the number
 * of the step. After half of the steps, the process makes the device read the word, too.
 *
 * A value that the device read is current if memory held the value at some time between
 * the begin and the end of the read. Any other value is stale.
 */
#ifndef DRIVERS_H
#define DRIVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DRIVERS_FAULT	"/sys/module/pinwatch_model/parameters/fault"
#define DRIVERS_WINDOW	"/sys/module/pinwatch_model/parameters/window"

#define DRIVERS_PAGES	4	/* of the range that is added to a model */

/* One case; a part of the structure is shared between the threads of the process. */
struct drivers_case {
	const struct drivers_op *op;
	int device;
	int file;			/* the mapped file, or -1 */
	size_t page_size;
	char *addr;			/* DRIVERS_PAGES pages */
	uint64_t *word;			/* in the second page */
	int helper_pipe;		/* closing the pipe ends the helper process; or -1 */
	pid_t helper;
	uint64_t begun, done;		/* steps */
	bool stop;
	uint64_t nr_reads, nr_refused, nr_stale;
	uint64_t stale_value, stale_low, stale_high;	/* of the last stale value */
};

/* An operation: each odd step. */
struct drivers_op {
	const char *name;
	bool clears;	/* the operation sets the word to 0; else it keeps the word */
	/* Map the range at addr and write each page. 0 or -errno. */
	int (*map)(struct drivers_case *c);
	int (*act)(struct drivers_case *c);	/* 0 or -errno */
	/* May be NULL. Called after each even step. */
	void (*after_store)(struct drivers_case *c);
	/* May be NULL. Returns the name of a missing feature, or NULL. */
	const char *(*lacks)(void);
};

extern const struct drivers_op drivers_ops[];	/* an entry without a name ends the table */
extern const char *const drivers_models[];	/* names; NULL after the last */

enum drivers_verdict {
	DRIVERS_COHERENT,
	DRIVERS_STALE,
	DRIVERS_FAILED,
	DRIVERS_SKIPPED,
};

struct drivers_result {
	const char *model;
	const char *operation;
	uint64_t nr_steps, nr_reads, nr_refused, nr_stale;
	enum drivers_verdict verdict;
	char saw[96];			/* in words; the reason of a bad verdict */
};

/* Open the node of a model. Returns a descriptor or -errno. */
int drivers_open(const char *model);

/* Run one case for @duration_ns, in a child process. */
void drivers_run(const char *model, const struct drivers_op *op, uint64_t duration_ns,
		 struct drivers_result *result);

/*
 * Called in the process of a case: make the device read the word, and count the result.
 * If the device refuses, add the page of the word again. 0 or -errno.
 */
int drivers_read(struct drivers_case *c);

#endif /* DRIVERS_H */
