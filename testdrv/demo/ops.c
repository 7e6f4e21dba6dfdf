// SPDX-License-Identifier: MIT
/*
 * The table of all operations, in the order in which they run.
 *
 * To add an operation, add an entry to the ops_*.c file of its subject matter:
 *
 *  1. .name: as `pinwatch-demo demo --list` shows it; .by: the caller of the system call.
 *  2. .map: how the watched range is made; subject.h has the usual kinds of memory.
 *  3. .act: the operation itself, with only the one call that changes the mapping
 *     inside ACT() or between actor_begin() and actor_end().
 *  4. .watch and .pin: the change that pagemap.h must find without and with a pin;
 *     .events and .cause: the report that pinwatch must make.
 *  5. .lacks: the kernel feature that the operation needs, if not every kernel has it;
 *     .global: set if the operation affects other processes of the machine.
 *
 * A new ops_*.c file is declared in ops.h and listed here.
 */
#include <string.h>

#include "demo.h"
#include "ops.h"

static const struct demo_op *const tables[] = {
	ops_map, ops_advise, ops_cow, ops_remote, ops_file, ops_userfault, ops_huge,
	ops_hugetlb, ops_migrate, ops_memory, ops_reclaim, ops_ksm, ops_reap, ops_process,
	ops_poison,
};

const struct demo_op *op_get(size_t index)
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

const char *demo_operation_name(size_t index)
{
	const struct demo_op *op = op_get(index);

	return op ? op->name : NULL;
}
