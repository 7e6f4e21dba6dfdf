/* SPDX-License-Identifier: MIT */
/* A verb of pinwatch or of pinwatch-demo: its help stands beside its handler. */
#ifndef VERB_H
#define VERB_H

#include <stdbool.h>

/* Exit statuses; the manual page lists them. */
enum status {
	STATUS_OK = 0,
	STATUS_BAD = 1,		/* the question was asked and the answer is bad */
	STATUS_USAGE = 2,	/* the command line is wrong */
	STATUS_DEVICE = 3,	/* the device cannot be used */
};

struct verb {
	const char *name;
	const char *summary;	/* one line, no full stop */
	const char *usage;	/* arguments */
	const char *help;	/* option lines, each ending in a newline */
	int (*run)(int argc, char **argv);
};

/* What main.c makes a program of; each program defines its own, in verbs.c. */
struct program {
	const char *name;
	const char *summary;	/* one sentence, no full stop */
	const struct verb *const *verbs;	/* NULL after the last */
};

extern const struct program program;

/* Of both programs */
extern const struct verb verb_version;
extern const struct verb verb_help;

/* Of pinwatch; those of pinwatch-demo are in demo/verbs.h. */
extern const struct verb verb_watch;
extern const struct verb verb_monitor;
extern const struct verb verb_watches;
extern const struct verb verb_mms;
extern const struct verb verb_stat;

const struct verb *verb_find(const char *name);
void verb_print_help(const struct verb *verb);

/* A wrong command line: says where help is. STATUS_USAGE. */
int verb_usage_error(const struct verb *verb);

/* @error: negative errno of opening or using the device. STATUS_DEVICE. */
int verb_device_error(const char *what, int error);

/*
 * Can it be opened? Better said once than in each row. @path: NULL for the default
 * node. STATUS_OK, or STATUS_DEVICE with its reason printed.
 */
int verb_check_device(const char *path);

/* Standard output could not be written: STATUS_BAD, else @status. */
int verb_finish_output(int status);

#endif /* VERB_H */
