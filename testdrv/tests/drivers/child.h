/* SPDX-License-Identifier: MIT */
/* Child processes of the tests. */
#ifndef CHILD_H
#define CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* A child process that has a copy of the memory, and checks that nothing changes its copy. */
struct child {
	pid_t pid;
	int channel;
};

/* Fork. @expected: All words of the child's copy, or NULL. */
struct child child_start(const uint64_t *memory, const uint64_t *expected);
/* The copy of the child is as it was. A difference fails the test. */
void child_end(const struct child *child);

/* Kill the child process @pid by SIGKILL, and wait for its end. */
void child_kill(pid_t pid);

#endif /* CHILD_H */
