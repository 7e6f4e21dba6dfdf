/* SPDX-License-Identifier: MIT */
/* Verbs of pinwatch and pinwatch-demo. Each cmd_*.c has the handler and the help of a verb. */
#ifndef VERB_H
#define VERB_H

#include <stdbool.h>

/* Exit statuses, as in the manual pages */
enum status {
	STATUS_OK = 0,
	STATUS_BAD = 1,		/* the answer is bad, or could not be printed */
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

/* A program that main.c runs; pinwatch and pinwatch-demo define theirs in verbs.c. */
struct program {
	const char *name;
	const char *summary;	/* one sentence, no full stop */
	const struct verb *const *verbs;	/* NULL after the last */
};

extern const struct program program;

/* Verbs of both programs */
extern const struct verb verb_version;
extern const struct verb verb_help;

/* Verbs of pinwatch only; demo/verbs.h has the verbs of pinwatch-demo. */
extern const struct verb verb_watch;
extern const struct verb verb_monitor;
extern const struct verb verb_watches;
extern const struct verb verb_mms;
extern const struct verb verb_stat;
extern const struct verb verb_mr;

const struct verb *verb_find(const char *name);
void verb_print_help(const struct verb *verb);

/* Print how to get help. Returns STATUS_USAGE. */
int verb_usage_error(const struct verb *verb);

/* Print @what and @error, a negative errno, with a hint. Returns STATUS_DEVICE. */
int verb_device_error(const char *what, int error);

/*
 * Open and close the device, to report an error once instead of for each operation.
 * @path: NULL for PINWATCH_DEVICE. Returns STATUS_OK, or STATUS_DEVICE after an error.
 */
int verb_check_device(const char *path);

/* Flush standard output. Returns @status, or STATUS_BAD after a write error. */
int verb_finish_output(int status);

#endif /* VERB_H */
