// SPDX-License-Identifier: MIT
/*
 * BIND, and ATTACH by pidfd
 *
 * The ioctl takes a PID. Between reading the PID from the pidfd and the ioctl, the
 * process may end and the kernel may give its PID to another process. A process keeps
 * its PID until its parent has waited for it: if a signal can still be sent through the
 * pidfd after the ioctl, then the ioctl bound the handle to the right process.
 *
 * The ioctl takes a PID of the caller's PID namespace. PIDFD_GET_INFO returns such a PID;
 * /proc/self/fdinfo has a PID of the namespace that /proc belongs to.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "handle.h"

/* struct pidfd_info as of Linux 6.13, which <linux/pidfd.h> of older systems lacks */
struct info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pid;
	uint32_t unused[11];
};

#define INFO_PID	1	/* PIDFD_INFO_PID */
#define GET_INFO	_IOWR(0xFF, 11, struct info)

_Static_assert(sizeof(struct info) == 64, "PIDFD_INFO_SIZE_VER0");

/* Returns the PID, 0 if the kernel does not have PIDFD_GET_INFO, or -ESRCH. */
static int info_pid(int pidfd)
{
	struct info info = { .mask = INFO_PID };

	if (!ioctl(pidfd, GET_INFO, &info))
		return info.mask & INFO_PID ? (int)info.pid : 0;
	/* EREMOTE: the process has no PID in the caller's PID namespace. */
	return errno == ESRCH || errno == EREMOTE ? -ESRCH : 0;
}

/* Open the directory /proc/self. Returns a descriptor or -errno. */
static int proc_self_open(void)
{
	int err, dir = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (dir >= 0)
		return dir;
	err = -errno;
	/* The link has no target if we have no PID in the PID namespace of /proc. */
	return err == -ENOENT && !lstat("/proc/self", &st) ? -EXDEV : err;
}

/*
 * Read the line of file @name in directory @dir that begins with @key. Returns 0, -ENODATA
 * if there is no such line, or -errno.
 */
static int line_read(int dir, const char *name, const char *key, char *line, int size)
{
	int ret = -ENODATA, fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file)
		return -errno;
	while (ret && fgets(line, size, file))
		if (!strncmp(line, key, strlen(key)))
			ret = 0;
	fclose(file);
	return ret;
}

/*
 * NSpid has our PID in the PID namespace of /proc, and in each namespace below it down to
 * our own: a single number means that /proc belongs to our own namespace. (That the link
 * /proc/self has the value of getpid() does not: the numbers in two namespaces may be
 * equal.) Kernels without PID namespaces have no such line. Returns 0, -EXDEV or -errno.
 */
static int proc_check_namespace(int dir)
{
	char line[512];
	int ret, nr[2];

	ret = line_read(dir, "status", "NSpid:", line, sizeof(line));
	if (ret)
		return ret == -ENODATA ? 0 : ret;
	return sscanf(line, "NSpid: %d %d", &nr[0], &nr[1]) == 1 ? 0 : -EXDEV;
}

/* Returns the PID of @pidfd, or -errno. */
static int fdinfo_read(int dir, int pidfd)
{
	char name[32], line[128];
	int ret;

	snprintf(name, sizeof(name), "fdinfo/%d", pidfd);
	ret = line_read(dir, name, "Pid:", line, sizeof(line));
	if (ret)
		return ret == -ENODATA ? -EINVAL : ret;
	ret = atoi(line + 4);
	/* 0: not visible in our PID namespace, -1: the process is gone. */
	return ret > 0 ? ret : -ESRCH;
}

static int fdinfo_pid(int pidfd)
{
	int ret, dir = proc_self_open();

	if (dir < 0)
		return dir;
	ret = proc_check_namespace(dir);
	if (!ret)
		ret = fdinfo_read(dir, pidfd);
	close(dir);
	return ret;
}

/* EPERM: the process exists, but we may not send a signal. Returns 0 or -errno. */
static int pidfd_signal(int pidfd)
{
	if (!syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) || errno == EPERM)
		return 0;
	return -errno;
}

/* Returns the PID of @pidfd in our PID namespace, or -errno. */
static int pidfd_to_pid(int pidfd)
{
	int pid;

	if (fcntl(pidfd, F_GETFD) < 0)
		return -errno;
	/* The number of PIDFD_GET_INFO may mean something else to another file. */
	if (pidfd_signal(pidfd) == -EBADF)
		return -EINVAL;
	pid = info_pid(pidfd);
	return pid ? pid : fdinfo_pid(pidfd);
}

int pinwatch_bind(struct pinwatch *dev)
{
	struct pinwatch_bind arg = { .size = sizeof(arg) };
	int ret = pw_fork_owns(dev) ? 0 : pw_handle_map(dev);

	return ret ? ret : pw_handle_ioctl(dev, PINWATCH_IOC_BIND, &arg);
}

/* Attach to @pid, which was the PID of @pidfd before the call. */
static int pidfd_attach(struct pinwatch *dev, int pidfd, pid_t pid)
{
	struct pinwatch_attach arg = { .size = sizeof(arg), .pid = pid };
	int ret;

	ret = pw_handle_ioctl(dev, PINWATCH_IOC_ATTACH, &arg);
	if (ret || !pidfd_signal(pidfd))
		return ret;
	__atomic_store_n(&dev->attached_to_reused_pid, true, __ATOMIC_RELEASE);
	return -ESRCH;
}

int pinwatch_attach(struct pinwatch *dev, int pidfd)
{
	int pid = pidfd_to_pid(pidfd);

	return pid < 0 ? pid : pidfd_attach(dev, pidfd, pid);
}

/* pidfd_open() and ATTACH take a PID of the same namespace, so /proc is not needed. */
int pinwatch_attach_pid(struct pinwatch *dev, pid_t pid)
{
	int pidfd, ret;

	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	ret = pidfd_attach(dev, pidfd, pid);
	close(pidfd);
	return ret;
}
