// SPDX-License-Identifier: MIT
/* The device and the table of a process. See mr.h and mr_table.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mr.h"

#define FD_LOWEST	512	/* programs that count on low descriptors get them */

static int socket_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv(MR_ENVIRONMENT);
	int ret, fd;

	if (!path || strlen(path) >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* Send the device and the table. The files stay open while they are on their way. */
static int hello_send(int socket, int device, int memory)
{
	const struct mr_hello hello = { .version = MR_VERSION, .size = sizeof(struct mr_table) };
	const int fds[] = { device, memory };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)&hello, .iov_len = sizeof(hello) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Returns a descriptor, which the caller closes, or -errno. */
static int table_create(struct mr_table **table)
{
	int ret, fd = memfd_create("pinwatch-mr", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(**table)) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		goto err_close;
	*table = mmap(NULL, sizeof(**table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*table == MAP_FAILED)
		goto err_close;
	return fd;

err_close:
	ret = -errno;
	close(fd);
	return ret;
}

static int device_open(struct pinwatch **dev)
{
	int ret, high, fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD_CLOEXEC, FD_LOWEST);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	ret = pinwatch_from_fd(dev, fd);
	if (ret)
		close(fd);
	return ret;
}

static int identity_read(struct mr_session *session)
{
	struct stat stat;

	if (fstat(pinwatch_fd(session->dev), &stat))
		return -errno;
	session->device = stat.st_dev;
	session->inode = stat.st_ino;
	return 0;
}

static int session_send(const struct mr_session *session, int memory)
{
	int ret, socket = socket_connect();

	if (socket < 0)
		return socket;
	ret = hello_send(socket, pinwatch_fd(session->dev), memory);
	close(socket);
	return ret;
}

int mr_session_open(struct mr_session *session)
{
	int ret, memory = table_create(&session->table);

	if (memory < 0)
		return memory;
	ret = device_open(&session->dev);
	if (ret)
		goto err_table;
	ret = identity_read(session);
	if (!ret)
		ret = session_send(session, memory);
	if (ret)
		goto err_device;
	close(memory);
	return 0;

err_device:
	pinwatch_close(session->dev);
err_table:
	munmap(session->table, sizeof(*session->table));
	close(memory);
	return ret;
}

bool mr_session_usable(const struct mr_session *session)
{
	struct stat stat;

	return !fstat(pinwatch_fd(session->dev), &stat) && stat.st_dev == session->device &&
	       stat.st_ino == session->inode;
}
