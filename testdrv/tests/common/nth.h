/* SPDX-License-Identifier: MIT */
/*
 * Let the allocations of a system call fail, one at a time. Only on a kernel that can inject
 * faults: CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC, as the debug
 * kernels of scripts/vm/debug have them.
 */
#ifndef NTH_H
#define NTH_H

/**
 * struct nth_case - a system call whose allocations fail
 * @name: Printed with the result.
 * @prepare: Called in a new process each time, before the call; or NULL. Whatever @call
 *	writes to must have been written to before: a page fault allocates, too.
 * @call: Makes the call. Returns 0 or -errno. Called again if it failed.
 * @least: So many allocations at least, so that a sweep cannot pass that fails none.
 */
struct nth_case {
	const char *name;
	void (*prepare)(void);
	int (*call)(void);
	unsigned int least;
};

/*
 * For n = 1, 2, 3 and so on, until the call makes fewer than n allocations: in a new process,
 * let the n-th allocation fail. The call must succeed all the same, or fail with ENOMEM and
 * succeed when it is made again. Prints a nested TAP line.
 */
void nth_sweep(const struct nth_case *nth);

#endif /* NTH_H */
