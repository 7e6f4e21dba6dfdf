/* SPDX-License-Identifier: MIT */
/* Who calls: giving up privileges, for the tests of who may do what. */
#ifndef CALLER_H
#define CALLER_H

#include <stddef.h>

#define CALLER_NOBODY	65534

/* For good, in this process. */
void caller_nobody(void);
/* Stay root, without this one (of linux/capability.h). */
void caller_without(unsigned int capability);
/* Root of a user namespace of its own, and nobody outside. */
void caller_namespace(void);
/* RLIMIT_MEMLOCK */
void caller_memlock(size_t bytes);

/* The node's mode. */
void caller_node(unsigned int mode);

#endif /* CALLER_H */
