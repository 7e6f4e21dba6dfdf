/* SPDX-License-Identifier: MIT */
/* The description for people and for scripts/check/fuzz. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "header.h"
#include "lang.h"

/* @path: NULL: what was built in. Ends the program if it is not right. */
void describe_read(struct lang *lang, const char *path);

/*
 * A line each: "struct NAME SIZE", "member STRUCT.NAME OFFSET SIZE" and
 * "constant NAME VALUE", of names that begin with pinwatch_ or PINWATCH_.
 */
void describe_layout(const struct lang *lang);

/* A line for each ioctl, for read and for mmap: "NAME ERRNO..." */
void describe_errors(const struct header *header);

#endif /* DESCRIBE_H */
