/* SPDX-License-Identifier: MIT */
/* The oracle: what a bound copy may differ in */
#ifndef COMPARE_H
#define COMPARE_H

#include "ko.h"

/*
 * Return NULL if @copy is @ko with the functions of the interval notifier renamed, and is
 * equal in each other byte of each section; otherwise a difference. CRCs are not compared.
 */
const char *compare_copy(const struct ko *ko, const struct ko *copy);

#endif /* COMPARE_H */
