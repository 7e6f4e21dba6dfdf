/* SPDX-License-Identifier: MIT */
/* One control group (v2) of our own, below the root, mounted for the purpose. */
#ifndef GROUP_H
#define GROUP_H

#include <stdbool.h>

/* In the harness: make it, with @controller. 0 or -errno. */
int group_make(const char *controller);

/* Remove it; nobody is in it any more. */
void group_remove(void);

/* Has it this file? */
bool group_has(const char *file);

/* Write to one of its files. 0 or -errno. */
int group_write(const char *file, const char *value);

/* The calling process joins it. 0 or -errno. */
int group_join(void);

#endif /* GROUP_H */
