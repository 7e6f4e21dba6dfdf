/* SPDX-License-Identifier: MIT */
/*
 * The actor: the process that performs an operation, either the subject or its parent.
 *
 * ACT() (or actor_begin() and actor_end()) encloses only the one system call or store
 * that changes the mapping. The preparation and the clean-up of an operation stay
 * outside, so that the recorded time and generations belong to that call alone.
 */
#ifndef ACTOR_H
#define ACTOR_H

#include <errno.h>
#include <stdint.h>

#include "clock.h"
#include "libpinwatch.h"

struct subject;

struct actor {
	struct subject *subject;
	const struct pinwatch_gen *words;	/* generation words, as mapped by the actor */
};

static inline uint64_t word_load(const struct pinwatch_gen *word)
{
	return __atomic_load_n(&word->generation, __ATOMIC_ACQUIRE);
}

/* Record the time before the call. */
void actor_begin(struct actor *actor);

/* Record the generations after the call. Returns -errno if @ret is -1, otherwise 0. */
int actor_end(struct actor *actor, long ret);

/* Perform @call, whose value is -1 and errno on failure. Evaluates to 0 or -errno. */
#define ACT(by, call) \
	({ \
		struct actor *act_ = (by); \
		actor_begin(act_); \
		actor_end(act_, (long)(call)); \
	})

/* Perform @call, whose value is 0 or -errno. Evaluates to the value of @call. */
#define ACT_ERRNO(by, call) \
	({ \
		struct actor *act_ = (by); \
		int act_ret_; \
		actor_begin(act_); \
		act_ret_ = (call); \
		actor_end(act_, 0); \
		act_ret_; \
	})

/* Open /proc/PID/@file of the subject. Returns a descriptor or -errno. */
int actor_proc_open(const struct actor *actor, const char *file, int flags);

/*
 * Wait until a kernel thread has finished @nr_scans more full scans. @counter: The file
 * with the number of full scans. 0 or -ETIMEDOUT.
 */
int actor_wait_scans(const char *counter, unsigned int nr_scans);

#endif /* ACTOR_H */
