// SPDX-License-Identifier: MIT
/* The demonstration's table, gone through; see demo.h. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"
#include "ops.h"
#include "row.h"

static const struct demo_op *const tables[] = {
	ops_map, ops_advise, ops_cow, ops_remote, ops_file, ops_userfault, ops_huge,
	ops_hugetlb, ops_migrate, ops_memory, ops_reclaim, ops_ksm, ops_reap, ops_process,
	ops_poison,
};

static const char *op_lacks(const struct demo_op *op, const struct demo_options *options)
{
	if (op->global && !options->global)
		return "a machine of its own (others would feel it)";
	return op->lacks ? op->lacks() : NULL;
}

static const char *who_name(enum demo_who who)
{
	static const char *const names[] = {
		[DEMO_SELF] = "self",
		[DEMO_OTHER] = "other process",
		[DEMO_KERNEL] = "kernel",
	};

	return names[who];
}

static void op_run(const struct demo_op *op, bool pin, const char *lacks,
		   struct subject *subject, const struct demo_options *options,
		   struct demo_row *row)
{
	*row = (struct demo_row){
		.operation = op->name, .who = who_name(op->who), .pin = pin,
		.only_told = op->watch == MUST_TELL, .told_ns = -1,
		.verdict = DEMO_SKIPPED,
	};
	if (lacks)
		snprintf(row->note, sizeof(row->note), "needs %s", lacks);
	else
		row_run(op, subject, options, row);
}

static void op_show(const struct demo_op *op, struct subject *subject,
		    const struct demo_options *options, demo_row_fn *fn, void *data,
		    struct demo_summary *summary)
{
	const char *lacks = op_lacks(op, options);
	struct demo_row row;
	int pin;

	summary->nr_operations += !lacks;
	for (pin = 0; pin <= 1; pin++) {
		op_run(op, pin, lacks, subject, options, &row);
		summary->nr_rows[row.verdict]++;
		summary->nr_observed += !pin && row.verdict == DEMO_OBSERVED;
		fn(&row, data);
	}
}

static const struct demo_op *op_get(size_t index)
{
	size_t i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct demo_op *op;

		for (op = tables[i]; op->name; op++)
			if (!index--)
				return op;
	}
	return NULL;
}

/* Memory that is shared with the processes that things are done to; NULL and errno. */
static struct subject *subject_make(void)
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

int demo_run(const struct demo_options *options, demo_row_fn *fn, void *data,
	     struct demo_summary *summary)
{
	const struct demo_op *op;
	struct subject *subject;
	size_t i;

	*summary = (struct demo_summary){ 0 };
	subject = subject_make();
	if (!subject)
		return -errno;
	for (i = 0; (op = op_get(i)); i++)
		if (!options->only || strstr(op->name, options->only))
			op_show(op, subject, options, fn, data, summary);
	munmap(subject, sizeof(*subject));
	return 0;
}

int demo_find(const char *name, size_t *index)
{
	const struct demo_op *op;
	size_t i, nr_found = 0;

	for (i = 0; (op = op_get(i)); i++) {
		bool exact = !strcmp(op->name, name);

		if (!exact && !strstr(op->name, name))
			continue;
		*index = i;
		if (exact)
			return 0;
		nr_found++;
	}
	if (!nr_found)
		return -ENOENT;
	return nr_found == 1 ? 0 : -ENOTUNIQ;
}

int demo_exercise(const struct demo_options *options, size_t index, bool pin,
		  struct demo_row *row)
{
	const struct demo_op *op = op_get(index);
	struct subject *subject;

	if (!op)
		return -ENOENT;
	subject = subject_make();
	if (!subject)
		return -errno;
	op_run(op, pin, op_lacks(op, options), subject, options, row);
	munmap(subject, sizeof(*subject));
	return 0;
}

bool demo_passed(const struct demo_summary *summary)
{
	return summary->nr_operations &&
	       summary->nr_observed == summary->nr_operations &&
	       !summary->nr_rows[DEMO_MISSED] && !summary->nr_rows[DEMO_FALSE] &&
	       !summary->nr_rows[DEMO_FAILED];
}

const char *demo_verdict_name(enum demo_verdict verdict)
{
	static const char *const names[DEMO_NR_VERDICTS] = {
		[DEMO_OBSERVED] = "observed",
		[DEMO_KEPT] = "kept",
		[DEMO_MISSED] = "MISSED",
		[DEMO_FALSE] = "FALSE",
		[DEMO_FAILED] = "FAILED",
		[DEMO_SKIPPED] = "skipped",
	};

	return names[verdict];
}

const char *demo_operation_name(size_t index)
{
	const struct demo_op *op = op_get(index);

	return op ? op->name : NULL;
}
