/* SPDX-License-Identifier: MIT */
/* Names of kernel addresses, from /proc/kallsyms. The first call reads the file. */
#ifndef KSYMS_H
#define KSYMS_H

#include <stdint.h>

/* Returns the name of the function at @addr, or "?". Valid until the program ends. */
const char *ksyms_name(uint64_t addr);

#endif /* KSYMS_H */
