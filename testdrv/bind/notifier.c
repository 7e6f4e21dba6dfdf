// SPDX-License-Identifier: MIT
/* See notifier.h. */
#include <string.h>

#include "notifier.h"

const struct notifier_function notifier_functions[NR_NOTIFIER_FUNCTIONS] = {
	{ "mmu_interval_notifier_insert", "pinwatch_dropin_insert", "insert" },
	{ "mmu_interval_notifier_insert_locked", "pinwatch_dropin_insert_locked",
	  "insert_locked" },
	{ "mmu_interval_notifier_remove", "pinwatch_dropin_remove", "remove" },
	{ "mmu_interval_read_begin", "pinwatch_dropin_read_begin", "read_begin" },
	{ "hmm_range_fault_unlocked_timeout", "pinwatch_hmm_range_fault_unlocked_timeout",
	  "fault_unlocked" },
};

unsigned int notifier_kernel_bit(const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_NOTIFIER_FUNCTIONS; i++)
		if (!strcmp(name, notifier_functions[i].kernel))
			return 1U << i;
	return 0;
}

unsigned int notifier_pinwatch_bit(const char *name)
{
	unsigned int i;

	for (i = 0; i < NR_NOTIFIER_FUNCTIONS; i++)
		if (!strcmp(name, notifier_functions[i].pinwatch))
			return 1U << i;
	return 0;
}
