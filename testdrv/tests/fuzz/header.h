/* SPDX-License-Identifier: MIT */
/* The errors that the ABI's header documents. */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>

#define HEADER_ERRNOS	134
#define HEADER_CALLS	16

/* The errors of an ioctl (its name with PINWATCH_IOC_), of "read" or of "mmap". */
struct header_errors {
	char name[48];
	bool documented[HEADER_ERRNOS];
};

struct header {
	struct header_errors calls[HEADER_CALLS];
	unsigned int nr;
};

/* From the paragraphs that begin with "Errors:". Ends the program if there are none. */
void header_parse(struct header *header, const char *text);

/* NULL: nothing is said of it. */
struct header_errors *header_find(struct header *header, const char *name);

/* "EINVAL", or NULL. */
const char *header_errno_name(int number);
/* 0: there is none of this name. */
int header_errno(const char *name);

#endif /* HEADER_H */
