// SPDX-License-Identifier: MIT
/*
 * engine: the device's calls that wait for an invalidation, and for each other
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#define STATE_POLLS	10000	/* of one millisecond */

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

/* A process that makes one call on watch 0, when it is told to. */
static struct caller caller_make(int fd, int (*call)(int fd, uint32_t id))
{
	struct caller caller;
	int pipes[2];
	char byte;

	if (pipe(pipes))
		die("pipe");
	caller.pid = fork();
	if (caller.pid < 0)
		die("fork");
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
	if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		die("%s", path);
	fclose(file);
	return state;
}

/* Tell it, and wait until it sleeps where only a fatal signal wakes it. */
static void caller_block(const struct caller *caller, const char *what)
{
	int i;

	if (write(caller->gate, "g", 1) != 1)
		die("write");
	for (i = 0; i < STATE_POLLS && process_state(caller->pid) != 'D'; i++)
		usleep(1000);
	check(process_state(caller->pid) == 'D', "%s waits", what);
}

static void caller_kill(const struct caller *caller, const char *what)
{
	int status;

	kill(caller->pid, SIGKILL);
	if (waitpid(caller->pid, &status, 0) != caller->pid)
		die("waitpid");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "%s can be killed while it waits (status %#x)", what, status);
}

static struct pinwatch_watch_query query(int fd)
{
	struct pinwatch_watch_query query = { .size = sizeof(query) };

	if (ioctl(fd, PINWATCH_IOC_WATCH_QUERY, &query))
		die("WATCH_QUERY");
	return query;
}

/*
 * REPIN waits for an invalidation that a callback holds, DEL for REPIN. Both can be
 * killed, and the watch is what it was.
 */
void engine_device_killable(void)
{
	struct pinwatch_watch_add add = { .size = sizeof(add), .length = PAGE };
	char *area = map_pages(1);
	int fd = lab_open(), dev = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);
	struct caller repin, del;
	struct task invalidator;
	unsigned int id;

	if (dev < 0)
		die(PINWATCH_DEVICE);
	tasks_prepare(1);
	repin = caller_make(dev, call_repin);
	del = caller_make(dev, call_del);
	/* First, and so called first. */
	add.addr = (uintptr_t)area;
	if (ioctl(dev, PINWATCH_IOC_WATCH_ADD, &add))
		die("WATCH_ADD");
	id = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE).id;
	task_dontneed(&invalidator, area, PAGE);
	lab_wait(fd, id, 1);
	check(query(dev).generation > add.generation, "the watch is told first");

	caller_block(&repin, "WATCH_REPIN");
	caller_block(&del, "WATCH_DEL");
	caller_kill(&del, "WATCH_DEL");
	check(query(dev).state == PINWATCH_STATE_ACTIVE, "the watch is still there");
	caller_kill(&repin, "WATCH_REPIN");
	check(query(dev).valid_generation == add.generation, "and is not called true");
	lab_release(fd, id);
	task_join(&invalidator);
	check(!call_repin(dev, 0) && query(dev).generation == query(dev).valid_generation,
	      "afterwards it can be made true");
	check(!call_del(dev, 0), "and be deleted");
	close(dev);
	close(fd);
}
