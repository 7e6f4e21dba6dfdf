/* SPDX-License-Identifier: MIT */
/*
 * The values of names: of the description's own define's, of what the ABI's header
 * defines, and of some that libc's headers define
 */
#ifndef CONSTANT_H
#define CONSTANT_H

#include <stdbool.h>
#include <stdint.h>

struct lang;

/* A name of the description's. */
void constant_define(const char *name, const char *expression);

/*
 * @lang: Knows the sizes of structures that ioctl numbers hold. False if there is no
 * such name, or what it stands for is no number.
 */
bool constant_find(const struct lang *lang, const char *name, uint64_t *value);

#endif /* CONSTANT_H */
