/* SPDX-License-Identifier: MIT */
/* A memory cgroup (v2) for a test. */
#ifndef CGROUP_H
#define CGROUP_H

#include <stddef.h>

/* Make it, with a limit; skips the test if there is no such group to be had. */
void cgroup_make(size_t memory_max);
void cgroup_limit(size_t memory_max);
/* What is charged to it. */
size_t cgroup_used(void);
/* Move the caller into it. */
void cgroup_enter(void);
/* With nobody in it. */
void cgroup_remove(void);

#endif /* CGROUP_H */
