// SPDX-License-Identifier: MIT
/* Whose limit a watch counts for: users, and owners of user namespaces. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"
#include "sysfs.h"

/* Root and nobody have separate limits. The user that opened a descriptor is charged. */
TEST(limit_users_are_apart)
{
	unsigned long old = param_get("max_watches_per_user");
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd = open_device(0);
	pid_t pid;

	param_set("max_watches_per_user", 2);
	add(fd, addr, page_size(), WATCH, 0);
	add(fd, addr, page_size(), WATCH, 0);
	credentials_device_mode(0666);
	pid = fork();
	if (!pid) {
		int own, again = open_device(0);

		credentials_nobody();
		own = open_device(0);
		CHECK_EQ(try_add(again, addr, page_size(), WATCH, 0, &watch), -EDQUOT);
		add(own, addr, page_size(), WATCH, 0);
		add(own, addr, page_size(), WATCH, 0);
		CHECK_EQ(try_add(own, addr, page_size(), WATCH, 0, &watch), -EDQUOT);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &pid, 0) > 0, 1);
	credentials_device_mode(0600);
	param_set("max_watches_per_user", old);
	CHECK_EQ(pid, 0);
	add(open_device(0), addr, page_size(), WATCH, 0);
}

#define OWNER		1000U
#define FIRST_SUBUID	100000U
#define USERNS_CLONE	"/proc/sys/kernel/unprivileged_userns_clone"

/* A process that keeps watches until holder_stop(). */
struct holder {
	pid_t pid;
	int channel;
};

/* Map 16 user IDs into the user namespace of @pid, as newuidmap(1) does. */
static void map_ids(pid_t pid)
{
	char path[64], text[64];

	snprintf(text, sizeof(text), "0 %u 16", FIRST_SUBUID);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	CHECK_EQ(sysfs_write(path, text), 0);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	CHECK_EQ(sysfs_write(path, text), 0);
}

static void become(unsigned int uid)
{
	CHECK_EQ(setresgid(uid, uid, uid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static void holder_run(int channel, unsigned int owner, unsigned int inner, unsigned int *nr)
	__attribute__((noreturn));
static void holder_run(int channel, unsigned int owner, unsigned int inner, unsigned int *nr)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	int fd;

	become(owner);
	if (inner) {
		CHECK_EQ(unshare(CLONE_NEWUSER), 0);
		CHECK_EQ(channel_send(channel, -1), 0);
		CHECK_EQ(channel_receive(channel, NULL), 0);
		become(inner);
	}
	fd = open_device(0);
	while (*nr < 2 && !try_add(fd, addr, page_size(), WATCH, 0, &watch))
		++*nr;
	CHECK_EQ(channel_send(channel, -1), 0);
	CHECK_EQ(channel_receive(channel, NULL), 0);
	_exit(0);
}

/*
 * Add two watches as user @inner of a user namespace that @owner makes; as @owner itself
 * if @inner is 0. Returns the number of watches that could be added.
 */
static unsigned int holder_start(struct holder *holder, unsigned int owner, unsigned int inner)
{
	unsigned int *nr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ends[2];

	CHECK(nr != MAP_FAILED);
	CHECK_EQ(channel_open(ends), 0);
	holder->pid = fork_child();
	if (!holder->pid)
		holder_run(ends[1], owner, inner, nr);
	close(ends[1]);
	holder->channel = ends[0];
	if (inner) {
		CHECK_EQ(channel_receive(ends[0], NULL), 0);
		map_ids(holder->pid);
		CHECK_EQ(channel_send(ends[0], -1), 0);
	}
	CHECK_EQ(channel_receive(ends[0], NULL), 0);
	return *nr;
}

static void holder_stop(const struct holder *holder)
{
	CHECK_EQ(channel_send(holder->channel, -1), 0);
	wait_child(holder->pid);
	close(holder->channel);
}

/* Start and stop a second process, besides the watches that there are. */
static unsigned int holder_try(unsigned int owner, unsigned int inner)
{
	struct holder holder;
	unsigned int nr = holder_start(&holder, owner, inner);

	holder_stop(&holder);
	return nr;
}

static void subordinate_ids(char *addr)
{
	struct holder holder;

	CHECK_EQ(holder_start(&holder, OWNER, 1), 2);
	CHECK_EQ(holder_try(OWNER, 2), 0);
	CHECK_EQ(holder_try(OWNER, 0), 0);
	CHECK_EQ(holder_try(CREDENTIALS_NOBODY, 3), 2);
	/* The same ID in a namespace of another owner */
	CHECK_EQ(holder_try(CREDENTIALS_NOBODY, 1), 0);
	holder_stop(&holder);
	CHECK_EQ(holder_try(OWNER, 2), 2);
	CHECK_EQ(holder_start(&holder, OWNER, 0), 2);
	CHECK_EQ(holder_try(OWNER, 2), 0);
	holder_stop(&holder);

	/* Root does not pay for the containers that it runs. */
	CHECK_EQ(holder_start(&holder, 0, 1), 2);
	CHECK_EQ(holder_try(0, 2), 2);
	add(open_device(0), addr, page_size(), WATCH, 0);
	holder_stop(&holder);
}

TEST(limit_subordinate_ids)
{
	unsigned long old = param_get("max_watches_per_user");
	char *addr = map_pages(1);
	int status;
	pid_t pid;

	sysfs_set(USERNS_CLONE, "1");	/* Debian's own, 0 on 5.10 */
	param_set("max_watches_per_user", 2);
	credentials_device_mode(0666);
	pid = fork_child();
	if (!pid) {
		subordinate_ids(addr);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	credentials_device_mode(0600);
	param_set("max_watches_per_user", old);
	sysfs_restore();
	CHECK_EQ(status, 0);
}
