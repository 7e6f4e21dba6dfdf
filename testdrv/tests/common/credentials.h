/* SPDX-License-Identifier: MIT */
/* Give up privileges of the calling process, for tests of permissions and limits. */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <stddef.h>

#define CREDENTIALS_NOBODY	65534

/* Become the user and the group nobody, without supplementary groups. */
void credentials_nobody(void);
/* Stay root, without @capability of linux/capability.h. */
void credentials_without(unsigned int capability);
/* Become root of a new user namespace, and nobody outside of that namespace. */
void credentials_namespace(void);
/* Set both limits of RLIMIT_MEMLOCK. */
void credentials_memlock(size_t bytes);
/* Set the mode of the node of the device. */
void credentials_device_mode(unsigned int mode);

#endif /* CREDENTIALS_H */
