// SPDX-License-Identifier: MIT
/*
 * ATTACH by pidfd
 *
 * The kernel takes a PID, which may have been given to another process since it
 * was read from the pidfd. A process keeps its PID until it has been waited for:
 * if the pidfd still leads to one after ATTACH, then ATTACH got that one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "handle.h"

/* Positive; 0 or -1 if the process is not visible in this PID namespace or is gone. */
static int pid_parse(FILE *file)
{
	char line[128];

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "Pid:", 4))
			return atoi(line + 4);
	return -EINVAL;
}

/* The PID behind @pidfd, or -errno. */
static int pidfd_to_pid(int pidfd)
{
	char path[64];
	FILE *file;
	int pid;

	if (fcntl(pidfd, F_GETFD) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	pid = pid_parse(file);
	fclose(file);
	return pid == 0 || pid == -1 ? -ESRCH : pid;
}

/* A signal that may not be sent has somebody to be sent to. */
static bool pidfd_alive(int pidfd)
{
	return !syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) || errno == EPERM;
}

int pinwatch_attach(struct pinwatch *dev, int pidfd)
{
	struct pinwatch_attach arg = { .size = sizeof(arg) };
	int ret;

	ret = pidfd_to_pid(pidfd);
	if (ret < 0)
		return ret;
	arg.pid = ret;
	ret = pw_handle_ioctl(dev, PINWATCH_IOC_ATTACH, &arg);
	if (ret || pidfd_alive(pidfd))
		return ret;
	__atomic_store_n(&dev->stranger, true, __ATOMIC_RELEASE);
	return -ESRCH;
}

int pinwatch_attach_pid(struct pinwatch *dev, pid_t pid)
{
	int pidfd, ret;

	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	ret = pinwatch_attach(dev, pidfd);
	close(pidfd);
	return ret;
}
