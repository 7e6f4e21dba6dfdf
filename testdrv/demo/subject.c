// SPDX-License-Identifier: MIT
/* The process whose memory is watched: set-up and main loop; see subject.h. */
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "ops.h"
#include "subject.h"

#define ARENA_SIZE	(16UL << 20)
#define ARENA_ALIGN	(2UL << 20)

/* read() returns when the subject's end of the pipe is closed. */
static void helper_main(int pipe_fd)
{
	char byte;

	while (read(pipe_fd, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

int subject_fork_helper(struct subject *subject)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		close(fds[1]);
		channel_close_all_but(fds[0]);
		helper_main(fds[0]);
	}
	close(fds[0]);
	subject->helper_pipe = fds[1];
	subject->helper = pid;
	return 0;
}

static int arena_map(struct subject *subject)
{
	char *arena;

	arena = mmap(NULL, ARENA_SIZE + ARENA_ALIGN, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		return -errno;
	arena = (char *)(((uintptr_t)arena + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1));
	subject->addr = arena + ARENA_ALIGN;
	subject->control = subject->addr + SUBJECT_DISTANCE;
	subject->spare = subject->control + SUBJECT_DISTANCE;
	return 0;
}

/* MADV_DONTFORK: fork() must not write-protect the control range. */
static int control_map(struct subject *subject)
{
	int ret;

	ret = range_map_anonymous(subject->control, subject->length);
	if (ret)
		return ret;
	if (madvise(subject->control, subject->length, MADV_DONTFORK))
		return -errno;
	range_write(subject->control, subject->length);
	return 0;
}

static int watches_add(struct subject *subject, struct pinwatch *dev)
{
	uint32_t flags = subject->pin ? subject->op->pin_flags : 0;
	uint32_t control_flags = subject->op->pin_control ? PIN_WRITE : 0;
	struct pinwatch_watch watch;
	int ret;

	ret = pinwatch_watch_add(dev, subject->control, subject->length,
				 control_flags, 2, &watch);
	if (ret)
		return ret;
	subject->control_id = watch.id;
	ret = pinwatch_watch_add(dev, subject->addr, subject->length, flags, 1, &watch);
	if (ret)
		return ret;
	subject->watch_id = watch.id;
	ret = pinwatch_watch_add(dev, subject->addr, subject->length,
				 flags | PINWATCH_WATCH_F_PAGES, 3, &watch);
	subject->pages_id = watch.id;
	return ret;
}

static int subject_prepare(struct subject *subject, struct pinwatch **dev)
{
	int ret;

	/* NUMA balancing skips a process with a policy. Without NUMA: ENOSYS. */
	syscall(SYS_set_mempolicy, MPOL_LOCAL, NULL, 0);

	ret = arena_map(subject);
	if (ret)
		return ret;
	ret = control_map(subject);
	if (ret)
		return ret;
	ret = subject->op->map(subject);
	if (ret)
		return ret;
	ret = pinwatch_open(dev, subject->device, PINWATCH_OPEN_NONBLOCK);
	if (ret)
		return ret;
	return watches_add(subject, *dev);
}

static void helper_end(struct subject *subject)
{
	if (!subject->helper)
		return;
	close(subject->helper_pipe);
	waitpid(subject->helper, NULL, 0);
}

void subject_main(struct subject *subject, int channel)
{
	struct pinwatch *dev = NULL;
	struct actor actor = { .subject = subject };

	subject->error = subject_prepare(subject, &dev);
	if (subject->error) {
		channel_send(channel, -1);
		_exit(1);
	}
	actor.words = pinwatch_map_generations(dev, NULL);
	channel_send(channel, pinwatch_fd(dev));

	/* The parent sends the turn to act, and closes the channel at the end. */
	while (!channel_receive(channel, NULL)) {
		if (op_in_subject(subject->op))
			subject->error = subject->op->act(&actor);
		channel_send(channel, -1);
	}
	helper_end(subject);
	_exit(0);
}
