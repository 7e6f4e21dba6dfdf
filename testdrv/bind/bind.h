/* SPDX-License-Identifier: MIT */
/* Bind a module to pinwatch's functions */
#ifndef BIND_H
#define BIND_H

#include "ko.h"

/*
 * Check that @ko may be bound: it calls the kernel's interval notifier, is not bound yet,
 * has a licence that may use EXPORT_SYMBOL_GPL, and is built for the kernel of @pinwatch,
 * which must export what @ko needs. Returns 0, or -1 and @why.
 */
int bind_check(const struct ko *ko, const struct ko *pinwatch, struct reason *why);

/*
 * Make a copy of @ko, which bind_check() accepted, that calls pinwatch: the undefined
 * symbols and their versions name pinwatch's functions. The table of strings moves to
 * the end of the file; all other sections stay where they are. Returns 0 and @out, to be
 * freed, or -1 and @why.
 */
int bind_copy(const struct ko *ko, const struct ko *pinwatch, struct blob *out,
	      struct reason *why);

#endif /* BIND_H */
