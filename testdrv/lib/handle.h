/* SPDX-License-Identifier: MIT */
/* What a handle is made of; private to the library. */
#ifndef PINWATCH_HANDLE_H
#define PINWATCH_HANDLE_H

#include "libpinwatch.h"

/*
 * All members but the last are constant from pinwatch_open() to pinwatch_close().
 * @stranger: Atomic. The descriptor is bound to a process that nobody asked for.
 */
struct pinwatch {
	int fd;
	const struct pinwatch_gen *words;
	size_t nr_words;
	size_t map_size;	/* bytes */
	pid_t pid;		/* which has them mapped; a child has not */
	bool stranger;
};

/* ioctl() that returns 0 or -errno. */
int pw_handle_ioctl(const struct pinwatch *dev, unsigned long cmd, void *arg);

#endif /* PINWATCH_HANDLE_H */
