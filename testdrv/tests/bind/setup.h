/* SPDX-License-Identifier: MIT */
/*
 * What the tests of pinwatch-bind work on, named by the environment:
 *
 *	BIND_PROGRAM	pinwatch-bind
 *	BIND_MODULES	a directory with stock modules of one kernel: xen-gntdev, which is a
 *			user of the interval notifier and in no group; dummy, which is none;
 *			hfi1 and the modules that it depends on
 *	BIND_PINWATCH	pinwatch.ko for that kernel, beside its Module.symvers
 *	BIND_OTHER	pinwatch.ko for another kernel
 *
 * Each test runs in an empty directory, which is removed after the test.
 */
#ifndef SETUP_H
#define SETUP_H

#include <stdbool.h>

#include "ko.h"
#include "test.h"

const char *setup_env(const char *name);

/* Read and parse; the test fails if that fails. */
struct ko setup_read(const char *path);
struct ko setup_pinwatch(void);

/* Path of the module with this file name, .ko or .ko.xz, in BIND_MODULES. */
const char *setup_stock(const char *name);

/* A copy of the stock module's file, decompressed, with its signature. */
struct blob setup_stock_file(const char *name);

void setup_write(const char *path, const void *data, size_t size);

/* Enter a new empty directory with an empty directory "out". */
void setup_enter(void);

/* A run of pinwatch-bind with the arguments, up to NULL */
struct run {
	int status;	/* exit status */
	char text[8192];	/* standard output and standard error */
};

struct run setup_run(const char *first, ...) __attribute__((sentinel));

/* Bind to "out" with BIND_PINWATCH, the modules of BIND_MODULES, and these arguments. */
#define setup_bind(...)	\
	setup_run("--modules", setup_env("BIND_MODULES"), "--pinwatch", \
		  setup_env("BIND_PINWATCH"), "--output", "out", __VA_ARGS__, NULL)

/* Number of files in a directory */
int setup_nr_files(const char *directory);

/* The run was refused for this reason, and has left no file in "out". */
void setup_check_refused(const struct run *run, const char *reason);

#endif /* SETUP_H */
