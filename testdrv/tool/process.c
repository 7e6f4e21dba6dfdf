// SPDX-License-Identifier: MIT
/* The process of option -p. See process.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"
#include "verb.h"

/* Returns the PID of @pidfd in the PID namespace of /proc, or -errno. */
static pid_t proc_pid_read(int pidfd)
{
	char path[64], line[128];
	pid_t pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -EXDEV : -errno;
	while (!pid && fgets(line, sizeof(line), file))
		sscanf(line, "Pid: %d", &pid);
	fclose(file);
	/* 0: no PID in that namespace, -1: the process has ended. */
	if (pid > 0)
		return pid;
	return pid ? -ESRCH : -EXDEV;
}

int process_open(struct process *process, pid_t pid)
{
	process->pid = pid;
	process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process->pidfd < 0)
		/* ENOENT: a thread, since 6.14 */
		return errno == ENOENT ? -EINVAL : -errno;
	process->proc_pid = proc_pid_read(process->pidfd);
	if (process->proc_pid > 0)
		return 0;
	close(process->pidfd);
	return process->proc_pid;
}

void process_close(struct process *process)
{
	close(process->pidfd);
}

bool process_exists(const struct process *process)
{
	return !syscall(SYS_pidfd_send_signal, process->pidfd, 0, NULL, 0) || errno == EPERM;
}

static const char *error_text(int error)
{
	switch (-error) {
	case ESRCH:
		return "does not exist, or has no address space";
	case EINVAL:
		return "is a thread: its process is the Tgid in /proc/PID/status";
	case EOPNOTSUPP:
		return "has lost its first thread: copying its descriptors needs Linux 6.9";
	case EXDEV:
		return "is not in /proc, which belongs to another PID namespace";
	}
	return NULL;
}

int process_error(pid_t pid, int error)
{
	bool refused = error == -EPERM || error == -EACCES;

	if (error_text(error))
		fprintf(stderr, "pinwatch: process %d %s\n", pid, error_text(error));
	else
		fprintf(stderr, "pinwatch: process %d: %s%s\n", pid, strerror(-error),
			refused ? " (it needs CAP_SYS_PTRACE)" : "");
	return refused ? STATUS_DEVICE : STATUS_BAD;
}
