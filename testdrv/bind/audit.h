/* SPDX-License-Identifier: MIT */
/* Which modules call the interval notifier */
#ifndef AUDIT_H
#define AUDIT_H

#include "set.h"

/*
 * Print a table, and the groups: of the chosen modules, or of all users if none is chosen.
 * Both return false if the output could not be written.
 */
bool audit_print(const struct set *set);
bool audit_print_json(const struct set *set);

#endif /* AUDIT_H */
