/* SPDX-License-Identifier: MIT */
/* Files: read into memory, decompressed; write whole or not at all */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "reason.h"

struct blob {
	unsigned char *data;	/* from malloc() */
	size_t size;
};

#define FILE_MAX_SIZE	((size_t)1 << 30)	/* also when decompressed */

/* @path ends in .ko or .ko.xz. */
bool file_is_module(const char *path);

/* Read @path; a file that ends in .xz is decompressed. Returns 0, or -1 and @why. */
int file_read(const char *path, struct blob *blob, struct reason *why);

/* Decompress @in into @out. Returns 0, or -1 and @why. */
int file_decompress(const struct blob *in, struct blob *out, struct reason *why);

/* A file that is being written: its data is in @temporary until file_commit(). */
struct new_file {
	char *path;
	char *temporary;	/* NULL: does not exist (any more) */
};

/* Write the data to a temporary file in the directory of @path. Returns 0, or -1 and @why. */
int file_stage(struct new_file *file, const char *path, const struct blob *blob,
	       struct reason *why);
/* Give the file its name. Returns 0, or -1 and @why. */
int file_commit(struct new_file *file, struct reason *why);
/* Remove the temporary file, if it exists, and free the names. */
void file_discard(struct new_file *file);

#endif /* FILE_H */
