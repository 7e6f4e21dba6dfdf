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
 * @process: The process that mapped @words; for pw_fork_owns().
 * @listed: The handle is in the list of fork.c. Its lock protects @listed and @next.
 * @next: Next handle in that list.
 * @attached_to_reused_pid: Atomic. pinwatch_attach() may have bound the descriptor to
 *	another process with the same PID.
 *
 * All other members are constant from pinwatch_open() to pinwatch_close(), but
 * pinwatch_bind() in a child maps the words again, and sets all members of the mapping.
 */
struct pinwatch {
	int fd;
	const struct pinwatch_gen *words;
	const struct pinwatch_gen *hits;
	size_t nr_words;
	size_t map_size;
	size_t record_size;
	uint64_t process;
	bool listed;
	struct pinwatch *next;
	bool attached_to_reused_pid;
};

/* Returns 0 or -errno. Defined in ioctl.c, so tests can replace the function. */
int pw_handle_ioctl(const struct pinwatch *dev, unsigned long cmd, void *arg);

/* open.c: map the words, in the process that calls. Returns 0 or -errno. */
int pw_handle_map(struct pinwatch *dev);

/* fork.c: @dev->words is mapped. Returns 0 or -errno. */
int pw_fork_insert(struct pinwatch *dev);
/* Caller owns @dev: pw_fork_owns(). */
void pw_fork_remove(struct pinwatch *dev);
/* False in a child, which did not inherit the mapping of @dev->words. */
bool pw_fork_owns(const struct pinwatch *dev);

#endif /* PINWATCH_HANDLE_H */
