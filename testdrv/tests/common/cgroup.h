/* SPDX-License-Identifier: MIT */
/* One control group (v2), directly below the root of a hierarchy that cgroup_make() mounts. */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>

/* Mount the hierarchy and make the group, with @controller. 0 or -errno. */
int cgroup_make(const char *controller);
/* Undo cgroup_make(). No process is in the group any more. */
void cgroup_remove(void);
/* Does the group have @file? */
bool cgroup_has(const char *file);
/* The number in @file of the group, or -1. */
long cgroup_read(const char *file);
/* Open @file of the group for writing: a descriptor, or -errno. Close before cgroup_remove(). */
int cgroup_open(const char *file);
/* Write to @file of the group. 0 or -errno. */
int cgroup_write(const char *file, const char *value);
int cgroup_write_number(const char *file, unsigned long value);
/* Move the calling process into the group. 0 or -errno. */
int cgroup_join(void);

#endif /* CGROUP_H */
