/* SPDX-License-Identifier: MIT */
/*
 * The subject: the process whose memory is watched in one row of the demo.
 *
 *	arena (16 MiB, reserved)
 *	+2 MiB	the watched range (SUBJECT_PAGES pages); the mapping may be longer
 *	+6 MiB	the control range, which no operation should touch
 *	+10 MiB	where mremap moves to
 *
 * struct subject lies in memory that the harness shares with it. Neither of the
 * two writes while the other runs, but for the operation's times and results.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "clock.h"
#include "libpinwatch.h"

#define SUBJECT_PAGES		8
#define SUBJECT_DISTANCE	(4UL << 20)
#define SUBJECT_HUGE		(2UL << 20)	/* a huge page; all three are aligned to it */

struct demo_op;

struct subject {
	const struct demo_op *op;
	bool pin;
	const char *device;

	size_t page_size;
	size_t length;		/* bytes of the watched and of the control range */
	char *addr;		/* the watched range */
	char *control;
	char *spare;		/* where mremap may move to */
	int fd;			/* of the mapped file, or what the operation needs; -1 */
	int helper_pipe;	/* closing it ends the helper; -1 */
	pid_t pid;
	pid_t helper;		/* a child of the subject; 0: none */
	unsigned long block;	/* the memory block that the range was made in */

	uint32_t watch_id;
	uint32_t control_id;

	/* Written by the process that performs the operation. */
	uint64_t begin_ns;	/* CLOCK_MONOTONIC just before it */
	uint64_t generation;	/* of the watch, just after it */
	uint64_t control_generation;
	int error;		/* 0 or -errno */
};

/* Who performs an operation; the generations are mapped in each process. */
struct actor {
	struct subject *subject;
	const struct pinwatch_gen *words;
};

static inline uint64_t word_load(const struct pinwatch_gen *word)
{
	return __atomic_load_n(&word->generation, __ATOMIC_ACQUIRE);
}

/* Bracket the one system call (or store) that is the operation. */
void actor_begin(struct actor *actor);
int actor_end(struct actor *actor, long ret);

/* Perform @call, whose value is -1 on failure; evaluates to 0 or -errno. */
#define ACT(who, call) \
	({ \
		struct actor *act_ = (who); \
		actor_begin(act_); \
		actor_end(act_, (long)(call)); \
	})

/* Map the watched range and bring its pages in. 0 or -errno. */
int subject_map_written(struct subject *subject);	/* anonymous, private */
int subject_map_zero(struct subject *subject);		/* the same, only read: zero page */
int subject_map_file(struct subject *subject, int map_flags);	/* a memfd */
int subject_map_read_only(struct subject *subject);	/* written, then mprotected */
int subject_map_brk(struct subject *subject);
int subject_map_forked(struct subject *subject);	/* written, shared with a child */
int subject_map_huge(struct subject *subject);		/* SUBJECT_HUGE bytes, one page */

/*
 * A processor holds the last pages that were brought in on it, in a batch, and the
 * kernel passes by pages that are held: stay on this one (before they are brought
 * in), and empty its batch (after it). 0 or -errno.
 */
int subject_stay(void);
int subject_settle(const struct subject *subject);

/* Any range: map anew, without huge pages (0 or -errno); touch each of its pages. */
int range_map(char *addr, size_t length, int prot, int flags, int fd);
void range_write(char *addr, size_t length);
void range_read(const volatile char *addr, size_t length);

/*
 * Fork a helper that lives as long as the subject and touches nothing. In the
 * subject only. 0 or -errno.
 */
int subject_fork_helper(struct subject *subject);

/* The subject's life; @channel is a socket to the harness. Never returns. */
void subject_main(struct subject *subject, int channel) __attribute__((noreturn));

#endif /* SUBJECT_H */
