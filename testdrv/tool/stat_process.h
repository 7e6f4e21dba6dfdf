/* SPDX-License-Identifier: MIT */
#ifndef STAT_PROCESS_H
#define STAT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Print the watches on the descriptors of the device that @pid has. A copy of each is
 * taken with pidfd_getfd(2), which needs CAP_SYS_PTRACE. A status.
 */
int stat_process(pid_t pid, bool json);

#endif /* STAT_PROCESS_H */
