/* SPDX-License-Identifier: MIT */
/*
 * The subject: the process whose memory is watched in one case of the demonstration.
 * The subject is a child of the process that runs the demonstration.
 *
 *	arena (16 MiB, reserved)
 *	+2 MiB	the watched range (SUBJECT_PAGES pages); the mapping may be longer
 *	+6 MiB	the control range, which no operation should touch
 *	+10 MiB	the spare range: the target of mremap()
 *
 * struct subject lies in memory that the subject shares with its parent. The two
 * processes take turns, so that only one of them writes to the structure at a time.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "actor.h"

#define SUBJECT_PAGES		8
#define SUBJECT_DISTANCE	(4UL << 20)
#define SUBJECT_HUGE		(2UL << 20)	/* a huge page; alignment of the three ranges */

struct demo_op;

struct subject {
	const struct demo_op *op;
	bool pin;
	const char *device;

	size_t page_size;
	size_t length;		/* bytes of the watched and of the control range */
	char *addr;		/* the watched range */
	char *control;
	char *spare;
	int fd;			/* the mapped file, the userfaultfd, or -1 */
	int helper_pipe;	/* closing the pipe ends the helper; or -1 */
	pid_t pid;
	pid_t helper;		/* a child of the subject; 0: no helper */
	unsigned long block;	/* the memory block of the first page, before the pin */

	uint32_t watch_id;
	uint32_t pages_id;	/* the same range with PINWATCH_WATCH_F_PAGES */
	uint32_t control_id;

	/* Written by the actor. */
	uint64_t begin_ns;	/* CLOCK_MONOTONIC immediately before the call */
	uint64_t generation;	/* of the watch, immediately after the call */
	uint64_t pages_generation;
	uint64_t control_generation;
	int error;		/* 0 or -errno */
};

/* The kinds of memory: map the watched range and populate each page. 0 or -errno. */
int subject_map_written(struct subject *subject);	/* anonymous, private, written */
int subject_map_zero(struct subject *subject);		/* anonymous, private, only read */
int subject_map_shared(struct subject *subject);	/* a memfd, MAP_SHARED */
int subject_map_private(struct subject *subject);	/* a memfd, MAP_PRIVATE, only read */
int subject_map_read_only(struct subject *subject);	/* zero pages, mapped PROT_READ */
int subject_map_brk(struct subject *subject);		/* the heap; sets subject->addr */
int subject_map_forked(struct subject *subject);	/* written, shared with a child */
int subject_map_huge(struct subject *subject);		/* a huge page, written */

/* Map @fd, an empty file, with MAP_SHARED. subject->fd owns @fd. 0 or -errno. */
int subject_map_fd(struct subject *subject, int fd);

/*
 * A processor collects the pages that it populated last in a batch, and the kernel
 * skips these pages when it isolates pages to move or reclaim them. Before the pages are
 * populated, subject_stay() binds the process to its processor; afterwards,
 * subject_settle() drains the batch of that processor. 0 or -errno.
 */
int subject_stay(void);
int subject_settle(const struct subject *subject);

/* Map any range at a fixed address, without huge pages. 0 or -errno. */
int range_map(char *addr, size_t length, int prot, int flags, int fd);
/* The same: anonymous, private, readable and writable. */
int range_map_anonymous(char *addr, size_t length);
/* Map SUBJECT_HUGE bytes with MADV_HUGEPAGE. 0 or -errno. */
int range_map_huge(char *addr);
/* Write, or read, each page of a range. */
void range_write(char *addr, size_t length);
void range_read(const volatile char *addr, size_t length);

/* Called by the subject: fork a helper, which exits with the subject. 0 or -errno. */
int subject_fork_helper(struct subject *subject);

/* The main function of the subject; @channel is a socket to the parent. */
void subject_main(struct subject *subject, int channel) __attribute__((noreturn));

#endif /* SUBJECT_H */
