/* SPDX-License-Identifier: MIT */
/* Names of kernel addresses: /proc/kallsyms, read once. */
#ifndef KSYMS_H
#define KSYMS_H

#include <stdint.h>

/* The function that @addr is in, or "?"; valid until the program ends. */
const char *ksyms_name(uint64_t addr);

#endif /* KSYMS_H */
