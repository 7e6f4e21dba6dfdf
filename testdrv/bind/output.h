/* SPDX-License-Identifier: MIT */
/* Bind the chosen modules, and write all copies or none */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "set.h"

/*
 * Check that with each chosen module, all modules of its group are chosen. Prints the
 * missing ones. Returns 0, or -1.
 */
int output_check_groups(const struct set *set);

/* Write the copies into @directory. Prints why it fails. Returns 0, or -1. */
int output_write(const struct set *set, const struct ko *pinwatch, const char *directory);

#endif /* OUTPUT_H */
