// SPDX-License-Identifier: MIT
/* The address space and the user that a descriptor is bound to: open, BIND, ATTACH. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"

extern char **environ;

/* Add a watch of a new page. Returns 0 or -errno. */
static int try_add_page(int fd, uint32_t flags)
{
	struct pinwatch_watch_add watch;

	return try_add(fd, map_pages(1), page_size(), flags, 0, &watch);
}

/* @fd is bound to another address space, and no watch was added. */
static void check_bind(int fd)
{
	CHECK_EQ(try_add_page(fd, WATCH), -EXDEV);
	CHECK_EQ(try_add_page(fd, PIN_RW), -EXDEV);
	CHECK_EQ(get_info(fd).nr_watches, 0);
	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(try_add_page(fd, PIN_RW), 0);
	CHECK_EQ(try_bind(fd), -EBUSY);
}

/* Run @run(@fd) in a child, and wait for the child. */
static void in_child(void (*run)(int fd), int fd)
{
	pid_t pid = fork_child();

	if (!pid) {
		run(fd);
		_exit(0);
	}
	wait_child(pid);
}

static void check_exdev(int fd)
{
	CHECK_EQ(try_add_page(fd, WATCH), -EXDEV);
	CHECK_EQ(try_add_page(fd, PIN), -EXDEV);
}

TEST(bind_fork)
{
	int fd = open_device(0);

	in_child(check_bind, fd);
	/* Bound to the address space of the child, which is gone. */
	check_exdev(fd);
	CHECK_EQ(try_bind(fd), -EBUSY);
}

/* A server opens, forks, and adds the first watch after its child has tried to. */
TEST(bind_fork_opener_keeps)
{
	int fd = open_device(0);

	in_child(check_exdev, fd);
	CHECK_EQ(try_add_page(fd, PIN_RW), 0);
	in_child(check_exdev, fd);
}

static void check_bind_only(int fd)
{
	CHECK_EQ(try_bind(fd), 0);
}

TEST(bind_repeated)
{
	int fd = open_device(0);

	CHECK_EQ(try_bind(fd), 0);
	in_child(check_bind_only, fd);
	check_exdev(fd);
	in_child(check_exdev, fd);
	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(try_add_page(fd, PIN), 0);
}

TEST(bind_posix_spawn)
{
	int fd = open_device(0);
	char number[16], *argv[] = { "device_bind", "check-bind", number, NULL };
	pid_t pid;

	CHECK_EQ(fcntl(fd, F_SETFD, 0), 0);
	snprintf(number, sizeof(number), "%d", fd);
	CHECK_EQ(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
	wait_child(pid);
	check_exdev(fd);
}

/* exec() replaces the address space of the process that opened the device. */
TEST(bind_exec)
{
	pid_t pid = fork_child();
	char number[16];
	int fd;

	if (!pid) {
		fd = open_device(0);
		CHECK_EQ(fcntl(fd, F_SETFD, 0), 0);
		snprintf(number, sizeof(number), "%d", fd);
		execl("/proc/self/exe", "device_bind", "check-bind", number, NULL);
		FAIL("exec: %s", strerror(errno));
	}
	wait_child(pid);
}

/* Receive a descriptor from a process that opened the device for the caller. */
static int receive_device(pid_t *opener, int *channel)
{
	int fd;

	*opener = fork_peer(channel);
	if (!*opener) {
		CHECK_EQ(channel_send(*channel, open_device(O_NONBLOCK)), 0);
		channel_receive(*channel, NULL);
		_exit(0);
	}
	CHECK_EQ(channel_receive(*channel, &fd), 0);
	return fd;
}

TEST(bind_received)
{
	int channel, fd;
	pid_t opener;

	fd = receive_device(&opener, &channel);
	check_bind(fd);
	close(channel);
	wait_child(opener);
	/* The end of the opener changes nothing. */
	CHECK_EQ(try_add_page(fd, PIN_RW), 0);
}

static short poll_now(int fd)
{
	struct pollfd request = { .fd = fd, .events = POLLIN };

	CHECK(poll(&request, 1, 0) >= 0);
	return request.revents;
}

TEST(bind_opener_dead)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int channel, fd;
	pid_t opener;

	fd = receive_device(&opener, &channel);
	close(channel);
	wait_child(opener);
	/* No POLLHUP: events may still come, after BIND. */
	CHECK_EQ(poll_now(fd), 0);
	CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &watch), -EXDEV);
	CHECK_EQ(try_bind(fd), 0);
	watch = add(fd, addr, page_size(), PIN_RW, 7);
	dontneed(addr, page_size());
	CHECK_EQ(poll_now(fd), POLLIN);
	CHECK_EQ(read_event(fd).cookie, 7);
	CHECK_EQ(try_del(fd, watch.id), 0);
	CHECK_EQ(poll_now(fd), 0);
}

static void check_add_fails(int fd)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);

	CHECK_EQ(munmap(addr, page_size()), 0);
	CHECK_EQ(try_add(fd, addr, page_size(), PIN, 0, &watch), -EFAULT);
	CHECK_EQ(try_add(fd, addr, 0, WATCH, 0, &watch), -EINVAL);
}

/* A WATCH_ADD that fails does not decide to which address space the descriptor belongs. */
TEST(bind_after_failed_add)
{
	int fd = open_device(0);

	check_add_fails(fd);
	in_child(check_bind, fd);
}

TEST(bind_ebusy)
{
	int fd = open_device(0);
	struct pinwatch_watch_add watch = add(fd, map_pages(1), page_size(), WATCH, 0);

	CHECK_EQ(try_bind(fd), -EBUSY);
	CHECK_EQ(try_del(fd, watch.id), 0);
	CHECK_EQ(try_bind(fd), -EBUSY);
	CHECK_EQ(try_attach(fd, getpid()), -EBUSY);
}

/* A watch that no process could use, because WATCH_ADD could not return its id. */
TEST(bind_ebusy_result_not_copied)
{
	struct pinwatch_watch_add *watch = (struct pinwatch_watch_add *)map_pages(1);
	int fd = open_device(0);

	*watch = (struct pinwatch_watch_add){
		.size = sizeof(*watch), .addr = (uintptr_t)watch, .length = page_size(),
	};
	CHECK_EQ(mprotect(watch, page_size(), PROT_READ), 0);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, watch), -EFAULT);
	CHECK_EQ(get_info(fd).nr_watches, 0);
	CHECK_EQ(try_bind(fd), -EBUSY);
}

static pid_t sleeper_start(int *channel)
{
	pid_t pid = fork_peer(channel);

	if (!pid) {
		channel_receive(*channel, NULL);
		_exit(0);
	}
	return pid;
}

/* ATTACH is final, also before the first watch. */
TEST(bind_attach)
{
	int channel, fd = open_device(0);
	pid_t pid = sleeper_start(&channel);

	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(try_attach(fd, pid), 0);
	CHECK_EQ(try_bind(fd), -EBUSY);
	CHECK_EQ(try_attach(fd, pid), -EBUSY);
	CHECK_EQ(poll_now(fd), 0);
	CHECK_EQ(try_add_page(fd, PIN), -EOPNOTSUPP);
	close(channel);
	wait_child(pid);
	CHECK_EQ(poll_now(fd), POLLHUP);
	CHECK_EQ(try_bind(fd), -EBUSY);
	CHECK_EQ(try_add_page(fd, WATCH), -ESRCH);
}

#define LIMIT	2

/* Returns the number of watches, up to LIMIT, that can be added. */
static unsigned int add_until_edquot(int fd)
{
	unsigned int nr = 0;

	while (nr < LIMIT && !try_add_page(fd, WATCH))
		nr++;
	if (nr < LIMIT)
		CHECK_EQ(try_add_page(fd, WATCH), -EDQUOT);
	return nr;
}

static void nobody_binds_full_share(int fd)
{
	credentials_nobody();
	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(add_until_edquot(fd), 0);
}

static void nobody_binds_free_share(int fd)
{
	credentials_nobody();
	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(add_until_edquot(fd), LIMIT);
}

static void root_binds(int fd)
{
	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(try_add_page(fd, WATCH), 0);
}

/* A child of the user nobody adds LIMIT watches to a descriptor, and keeps the descriptor. */
static pid_t nobody_start(int *channel, int *fd)
{
	pid_t pid = fork_peer(channel);

	if (!pid) {
		credentials_nobody();
		*fd = open_device(0);
		CHECK_EQ(add_until_edquot(*fd), LIMIT);
		CHECK_EQ(channel_send(*channel, open_device(0)), 0);
		channel_receive(*channel, NULL);
		_exit(0);
	}
	/* Not the descriptor with the watches: another of the same user. */
	CHECK_EQ(channel_receive(*channel, fd), 0);
	return pid;
}

static void charge_moves(void)
{
	int channel, fd, of_root = open_device(0), of_nobody;
	pid_t pid;

	pid = nobody_start(&channel, &of_nobody);
	/* From root, whose share is free, to the user nobody, whose share is full */
	in_child(nobody_binds_full_share, of_root);
	/* BIND moves the charge from the user nobody to root. */
	in_child(root_binds, of_nobody);
	close(channel);
	wait_child(pid);
	fd = open_device(0);
	in_child(nobody_binds_free_share, fd);
	/* The watches of @fd are charged to the user nobody, although root has opened @fd. */
	in_child(nobody_binds_full_share, open_device(0));
	close(fd);
	in_child(nobody_binds_free_share, open_device(0));
}

TEST(bind_moves_charge)
{
	unsigned long old = param_get("max_watches_per_user");
	pid_t pid;
	int status;

	param_set("max_watches_per_user", LIMIT);
	credentials_device_mode(0666);
	pid = fork_child();
	if (!pid) {
		charge_moves();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	credentials_device_mode(0600);
	param_set("max_watches_per_user", old);
	CHECK_EQ(status, 0);
}

static void pin_as_nobody(int fd)
{
	credentials_nobody();
	CHECK_EQ(try_bind(fd), 0);
	CHECK_EQ(try_add_page(fd, PIN), -EDQUOT);
	CHECK_EQ(try_add_page(fd, WATCH), 0);
}

/* The limit of pinned pages is that of the user that has called BIND, too. */
TEST(bind_moves_charge_of_pins)
{
	unsigned long old = param_get("max_pin_pages_per_user");
	int status, fd = open_device(0);
	pid_t pid;

	param_set("max_pin_pages_per_user", 0);
	pid = fork_child();
	if (!pid) {
		pin_as_nobody(fd);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	param_set("max_pin_pages_per_user", old);
	CHECK_EQ(status, 0);
}

TEST(bind_einval)
{
	struct pinwatch_bind bind = { .size = sizeof(bind), .reserved = 1 };
	int fd = open_device(0);

	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_BIND, &bind), -EINVAL);
	bind = (struct pinwatch_bind){ .size = sizeof(bind), .flags = 1 };
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_BIND, &bind), -EINVAL);
	CHECK_EQ(try_bind(fd), 0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "check-bind")) {
		check_bind(atoi(argv[2]));
		return 0;
	}
	return test_main(argc, argv);
}
