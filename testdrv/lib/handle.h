/* SPDX-License-Identifier: MIT */
/* The handle and the ioctl seam; private to the library. */
#ifndef PINWATCH_HANDLE_H
#define PINWATCH_HANDLE_H

#include "libpinwatch.h"

/*
 * struct pinwatch - a handle
 * @fd: Descriptor of the device; owned.
 * @words: The mapped generations.
 * @hits: The word of the descriptor, in the first page of @words.
 * @nr_words: Length of @words.
 * @map_size: Bytes of the mapping of @words.
 * @record_size: Bytes of a record of read().
 * @pid: The process that mapped @words; a child after fork() has no mapping.
 * @attached_to_reused_pid: Atomic. pinwatch_attach() may have bound the descriptor to
 *	another process with the same PID.
 *
 * All members but the last are constant from pinwatch_open() to pinwatch_close().
 */
struct pinwatch {
	int fd;
	const struct pinwatch_gen *words;
	const struct pinwatch_gen *hits;
	size_t nr_words;
	size_t map_size;
	size_t record_size;
	pid_t pid;
	bool attached_to_reused_pid;
};

/* Returns 0 or -errno. Defined in ioctl.c, so tests can replace the function. */
int pw_handle_ioctl(const struct pinwatch *dev, unsigned long cmd, void *arg);

#endif /* PINWATCH_HANDLE_H */
