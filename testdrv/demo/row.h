/* SPDX-License-Identifier: MIT */
#ifndef ROW_H
#define ROW_H

#include "demo.h"
#include "subject.h"

/*
 * Do @op to a fresh process and judge it. @subject: memory shared with children.
 * @row: Its members operation, who and pin are given, the rest is filled in.
 */
void row_run(const struct demo_op *op, struct subject *subject,
	     const struct demo_options *options, struct demo_row *row);

#endif /* ROW_H */
