/* SPDX-License-Identifier: MIT */
/* The process of option -p: its pidfd, and its directory in /proc */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * struct process - an open process
 * @pid: PID in our PID namespace.
 * @proc_pid: PID in the PID namespace of /proc, which may be another one.
 * @pidfd: Keeps the kernel from confusing the process with a later one of the same PID.
 */
struct process {
	pid_t pid;
	pid_t proc_pid;
	int pidfd;
};

/*
 * Returns 0 or -errno: -ESRCH if no process has PID @pid, -EINVAL if @pid is a thread,
 * -EXDEV if /proc does not show the process.
 */
int process_open(struct process *process, pid_t pid);
void process_close(struct process *process);

/* False if the process has ended and its parent has waited for the process. */
bool process_exists(const struct process *process);

/* Print @error, a negative errno of a call on process @pid. Returns an exit status. */
int process_error(pid_t pid, int error);

#endif /* PROCESS_H */
