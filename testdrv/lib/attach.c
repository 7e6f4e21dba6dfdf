// SPDX-License-Identifier: MIT
/*
 * ATTACH by pidfd
 *
 * The ioctl takes a PID. Between reading the PID from the pidfd and the ioctl, the
 * process may end and the kernel may give its PID to another process. A process keeps
 * its PID until its parent has waited for it: if a signal can still be sent through the
 * pidfd after the ioctl, then the ioctl bound the handle to the right process.
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

/* Returns a PID, 0: not visible in our PID namespace, -1: process is gone, or -EINVAL. */
static int pid_parse(FILE *file)
{
	char line[128];

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "Pid:", 4))
			return atoi(line + 4);
	return -EINVAL;
}

/* Returns the PID of @pidfd, or -errno. */
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

/* EPERM: the process exists, but we may not send a signal. */
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
	__atomic_store_n(&dev->attached_to_reused_pid, true, __ATOMIC_RELEASE);
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
