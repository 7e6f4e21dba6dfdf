// SPDX-License-Identifier: MIT
/* Runs the operations of the demonstration; see demo.h. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"
#include "demo_case.h"
#include "ops.h"

static const char *op_lacks(const struct demo_op *op, const struct demo_options *options)
{
	if (op->global && !options->global)
		return "a machine of its own (--global), since other processes notice";
	return op->lacks ? op->lacks() : NULL;
}

static const char *by_name(enum demo_by by)
{
	static const char *const names[] = {
		[DEMO_BY_SELF] = "self",
		[DEMO_BY_OTHER] = "other process",
		[DEMO_BY_KERNEL] = "kernel",
	};

	return names[by];
}

static void op_run(const struct demo_op *op, bool pin, const char *lacks,
		   struct subject *subject, const struct demo_options *options,
		   struct demo_result *result)
{
	*result = (struct demo_result){
		.operation = op->name, .by = by_name(op->by), .pin = pin,
		.only_notified = op->watch == MUST_NOTIFY, .told_ns = -1,
		.verdict = DEMO_SKIPPED,
	};
	if (lacks)
		snprintf(result->note, sizeof(result->note), "needs %s", lacks);
	else
		demo_case_run(op, subject, options, result);
}

/* Run both cases of @op: the range only watched, and the range also pinned. */
static void op_run_both(const struct demo_op *op, struct subject *subject,
			const struct demo_options *options, demo_result_fn *fn, void *data,
			struct demo_summary *summary)
{
	const char *lacks = op_lacks(op, options);
	struct demo_result result;
	int pin;

	summary->nr_operations += !lacks;
	for (pin = 0; pin <= 1; pin++) {
		op_run(op, pin, lacks, subject, options, &result);
		summary->nr_results[result.verdict]++;
		summary->nr_observed += !pin && result.verdict == DEMO_OBSERVED;
		fn(&result, data);
	}
}

/* Memory that this process shares with the subjects. NULL and errno on failure. */
static struct subject *subject_alloc(void)
{
	void *map;

	if (geteuid()) {
		errno = EPERM;
		return NULL;
	}
	map = mmap(NULL, sizeof(struct subject), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return map == MAP_FAILED ? NULL : map;
}

int demo_run(const struct demo_options *options, demo_result_fn *fn, void *data,
	     struct demo_summary *summary)
{
	const struct demo_op *op;
	struct subject *subject;
	size_t i;

	*summary = (struct demo_summary){ 0 };
	subject = subject_alloc();
	if (!subject)
		return -errno;
	for (i = 0; (op = op_get(i)); i++)
		if (!options->only || strstr(op->name, options->only))
			op_run_both(op, subject, options, fn, data, summary);
	munmap(subject, sizeof(*subject));
	return 0;
}

int demo_exercise(const struct demo_options *options, size_t index, bool pin,
		  struct demo_result *result)
{
	const struct demo_op *op = op_get(index);
	struct subject *subject;

	if (!op)
		return -ENOENT;
	subject = subject_alloc();
	if (!subject)
		return -errno;
	op_run(op, pin, op_lacks(op, options), subject, options, result);
	munmap(subject, sizeof(*subject));
	return 0;
}
