/* SPDX-License-Identifier: MIT */
/* `pinwatch stat -p`: watches of a process */
#ifndef STAT_PROCESS_H
#define STAT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Print the watches on each descriptor of the device that process @pid has. Copies the
 * descriptors by pidfd_getfd(2), which needs CAP_SYS_PTRACE. @path: a node of the device,
 * or NULL. Returns an exit status.
 */
int stat_process(pid_t pid, const char *path, bool json);

#endif /* STAT_PROCESS_H */
