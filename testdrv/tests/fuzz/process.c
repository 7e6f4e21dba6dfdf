// SPDX-License-Identifier: MIT
/* The calls that make processes, or pass descriptors to processes. See execute.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "execute.h"

#define MAX_DEPTH	2
#define INHERITED_FD	(FIRST_FD - 1)

/* Fork a child that ends with the parent's thread at the latest. */
static pid_t child_make(struct execution *execution)
{
	unsigned int i = __atomic_fetch_add(&execution->nr_children, 1, __ATOMIC_RELAXED);
	pid_t pid;

	if (i >= EXECUTION_CHILDREN || execution->depth >= MAX_DEPTH)
		return -1;
	pid = fork();
	if (pid > 0) {
		execution->children[i] = pid;
	} else if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execution->depth++;
		execution->nr_children = 0;
		for (i = 0; i < EXECUTION_CHILDREN; i++)
			execution->children[i] = 0;
		generations_remap(execution);
	}
	return pid;
}

static bool child_wait(pid_t pid, int *status)
{
	pid_t ended;

	do {
		ended = waitpid(pid, status, 0);
	} while (ended < 0 && errno == EINTR);
	return ended == pid;
}

void execution_children_end(struct execution *execution)
{
	unsigned int i;
	int status;

	for (i = 0; i < EXECUTION_CHILDREN; i++) {
		if (execution->children[i] <= 0)
			continue;
		kill(execution->children[i], SIGKILL);
		if (child_wait(execution->children[i], &status) && WIFSIGNALED(status) &&
		    WTERMSIG(status) != SIGKILL)
			tally_defect(execution->tally, DEFECT_DIED, execution->prog,
				     "a child died of signal %d", WTERMSIG(status));
	}
}

/* Use the descriptor in a process without the watched address space. */
void execution_after_exec(int fd)
{
	struct pinwatch_watch_add add = {
		.size = sizeof(add), .addr = PROG_ARENA, .length = PROG_PAGE,
	};
	struct pinwatch_watch_query query = {
		.size = sizeof(query), .flags = PINWATCH_QUERY_F_NEXT,
	};
	struct pinwatch_watch_del del = { .size = sizeof(del) };
	struct pinwatch_event events[2];

	ioctl(fd, PINWATCH_IOC_WATCH_ADD, &add);
	ioctl(fd, PINWATCH_IOC_WATCH_QUERY, &query);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) || read(fd, events, sizeof(events)) < 0)
		query.id = 0;
	del.id = query.id;
	ioctl(fd, PINWATCH_IOC_WATCH_DEL, &del);
}

/* Parent and child make the remaining calls of the program. */
long call_fork(struct attempt *attempt)
{
	pid_t pid = child_make(attempt->execution);

	if (!pid) {
		execution_rest(attempt->execution, attempt->index + 1);
		execution_children_end(attempt->execution);
		_exit(0);
	}
	return pid < 0 ? -EAGAIN : 0;
}

static void self_exec(int fd)
{
	struct itimerval off = { { 0, 0 }, { 0, 0 } };
	char number[16];

	setitimer(ITIMER_REAL, &off, NULL);
	/* The new program has no handler: a pending signal would kill the process. */
	signal(SIGALRM, SIG_IGN);
	if (dup2(fd, INHERITED_FD) < 0)
		_exit(0);
	snprintf(number, sizeof(number), "%d", INHERITED_FD);
	execl("/proc/self/exe", "fuzz", "--after-exec", number, NULL);
	_exit(0);
}

/* In a child, or with a probability of 1/4 in the calling process, with threads. */
long call_exec(struct attempt *attempt)
{
	pid_t pid = attempt->index % 4 ? child_make(attempt->execution) : 0;

	if (!pid)
		self_exec((int)attempt->args[0]);
	return pid < 0 ? -EAGAIN : 0;
}

long call_pass(struct attempt *attempt)
{
	int ends[2], fd;
	pid_t pid;

	if (channel_open(ends))
		return -EMFILE;
	pid = child_make(attempt->execution);
	if (!pid) {
		close(ends[0]);
		if (!channel_receive(ends[1], &fd) && fd >= 0)
			execution_after_exec(fd);
		_exit(0);
	}
	if (pid > 0)
		channel_send(ends[0], (int)attempt->args[0]);
	close(ends[0]);
	close(ends[1]);
	return pid < 0 ? -EAGAIN : 0;
}

/* No process receives the descriptor: the kernel collects both sockets later. */
long call_flight(struct attempt *attempt)
{
	int ends[2];
	long ret = channel_open(ends);

	if (ret)
		return ret;
	ret = channel_send(ends[0], (int)attempt->args[0]);
	if (!ret)
		ret = channel_send(ends[0], ends[1]);
	close(ends[0]);
	close(ends[1]);
	return ret;
}
