// SPDX-License-Identifier: MIT
/*
 * engine: ioctls of /dev/pinwatch that wait for an invalidation, or for each other
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#define STATE_POLLS	10000	/* a poll per millisecond */

struct caller {
	pid_t pid;
	int gate;
};

static int call_repin(int fd, uint32_t id)
{
	struct pinwatch_watch_repin repin = { .size = sizeof(repin), .id = id };

	return ioctl(fd, PINWATCH_IOC_WATCH_REPIN, &repin);
}

static int call_del(int fd, uint32_t id)
{
	struct pinwatch_watch_del del = { .size = sizeof(del), .id = id };

	return ioctl(fd, PINWATCH_IOC_WATCH_DEL, &del);
}

/* Fork a process that makes @call on watch 0 when caller_block() wakes the process. */
static struct caller caller_make(int fd, int (*call)(int fd, uint32_t id))
{
	struct caller caller;
	int pipes[2];
	char byte;

	CHECK_EQ(pipe(pipes), 0);
	caller.pid = fork();
	CHECK(caller.pid >= 0);
	if (!caller.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(pipes[0], &byte, 1) != 1)
			_exit(2);
		call(fd, 0);
		_exit(3);
	}
	caller.gate = pipes[1];
	return caller;
}

static char process_state(pid_t pid)
{
	char path[64], state = '?';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
	fclose(file);
	return state;
}

/* Wake the process, and wait until the process sleeps uninterruptibly or killably. */
static void caller_block(const struct caller *caller, const char *what)
{
	int i;

	CHECK_EQ(write(caller->gate, "g", 1), 1);
	for (i = 0; i < STATE_POLLS && process_state(caller->pid) != 'D'; i++)
		usleep(1000);
	test_check(process_state(caller->pid) == 'D', "%s waits", what);
}

static void caller_kill(const struct caller *caller, const char *what)
{
	int status;

	kill(caller->pid, SIGKILL);
	CHECK_EQ(waitpid(caller->pid, &status, 0), caller->pid);
	test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		   "%s can be killed while waiting (status %#x)", what, status);
}

static struct pinwatch_watch_query query(int fd)
{
	struct pinwatch_watch_query query = { .size = sizeof(query) };

	CHECK_EQ(ioctl(fd, PINWATCH_IOC_WATCH_QUERY, &query), 0);
	return query;
}

/*
 * REPIN waits for an invalidation that a callback holds, DEL waits for REPIN. A fatal
 * signal ends both calls, and leaves the watch unchanged.
 */
TEST(engine_device_killable)
{
	struct pinwatch_watch_add add = { .size = sizeof(add), .length = PAGE };
	char *area = map_pages(1);
	int fd = driver_open(), dev = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);
	struct caller repin, del;
	struct task invalidator;
	unsigned int id;

	CHECK(dev >= 0);
	tasks_prepare(1);
	repin = caller_make(dev, call_repin);
	del = caller_make(dev, call_del);
	/* Subscribed first, so pinwatch calls the watch back before the held subscription. */
	add.addr = (uintptr_t)area;
	CHECK_EQ(ioctl(dev, PINWATCH_IOC_WATCH_ADD, &add), 0);
	id = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE).id;
	task_dontneed(&invalidator, area, PAGE);
	sub_wait(fd, id, 1);
	test_check(query(dev).generation > add.generation,
		   "the watch is called back first");

	caller_block(&repin, "WATCH_REPIN");
	caller_block(&del, "WATCH_DEL");
	caller_kill(&del, "WATCH_DEL");
	test_check(query(dev).state == PINWATCH_STATE_ACTIVE, "the watch is still there");
	caller_kill(&repin, "WATCH_REPIN");
	test_check(query(dev).valid_generation == add.generation, "... and stays invalid");
	sub_release(fd, id);
	task_join(&invalidator);
	test_check(!call_repin(dev, 0) && query(dev).generation ==
		   query(dev).valid_generation, "afterwards WATCH_REPIN succeeds");
	test_check(!call_del(dev, 0), "... and WATCH_DEL succeeds");
	close(dev);
	close(fd);
}
