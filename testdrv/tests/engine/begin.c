// SPDX-License-Identifier: MIT
/*
 * engine: read_begin that can be killed, and that waits for a bounded time
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#define TIMEOUT_MS	100UL

/* A reader in a process of its own, made before anything holds the mmap lock. */
static pid_t reader_start(int fd, unsigned int id, int *gate)
{
	int pipes[2];
	pid_t pid;
	char byte;

	if (pipe(pipes))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(pipes[0], &byte, 1) != 1)
			_exit(2);
		lab_begin_how(fd, &(struct pinwatch_test_begin) {
			.id = id,
			.how = PINWATCH_TEST_BEGIN_KILLABLE,
		});
		_exit(3);
	}
	*gate = pipes[1];
	return pid;
}

void engine_begin_killable(void)
{
	struct pinwatch_test_begin begin = { .how = PINWATCH_TEST_BEGIN_KILLABLE };
	char *area = map_pages(1);
	struct task invalidator;
	int fd = lab_open(), gate, status;
	uint64_t waits;
	pid_t reader;

	tasks_prepare(1);
	begin.id = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE).id;
	reader = reader_start(fd, begin.id, &gate);
	check(!lab_begin_how(fd, &begin) && !lab_retry(fd, begin.id, begin.seq),
	      "with nothing in flight it is like read_begin");
	waits = pw_stats().waits;
	task_dontneed(&invalidator, area, PAGE);
	lab_wait(fd, begin.id, 1);
	if (write(gate, "g", 1) != 1)
		die("write");
	await_waits(waits);
	kill(reader, SIGKILL);
	if (waitpid(reader, &status, 0) != reader)
		die("waitpid");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	      "a waiting reader can be killed (status %#x)", status);
	check(lab_read(fd, begin.id).inside == 1, "... while the invalidation goes on");
	lab_release(fd, begin.id);
	task_join(&invalidator);
	check(!lab_begin_how(fd, &begin) && !lab_retry(fd, begin.id, begin.seq),
	      "afterwards a section is good");
	close(fd);
}

void engine_begin_timeout(void)
{
	struct pinwatch_test_begin begin = {
		.how = PINWATCH_TEST_BEGIN_TIMEOUT,
		.timeout_ms = TIMEOUT_MS,
	};
	char *area = map_pages(1);
	struct task invalidator;
	int fd = lab_open(), ret;
	uint64_t start, took;

	tasks_prepare(1);
	begin.id = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE).id;
	check(!lab_begin_how(fd, &begin) && !lab_retry(fd, begin.id, begin.seq),
	      "with nothing in flight it is like read_begin");
	task_dontneed(&invalidator, area, PAGE);
	lab_wait(fd, begin.id, 1);
	start = now_us();
	ret = lab_begin_how(fd, &begin);
	took = now_us() - start;
	check(ret == -EBUSY, "it gives up (%d)", ret);
	check(took >= (TIMEOUT_MS - 10) * 1000 && took < 50 * TIMEOUT_MS * 1000,
	      "... when the time is over (%llu us)", (unsigned long long)took);
	begin.timeout_ms = 0;
	check(lab_begin_how(fd, &begin) == -EBUSY && lab_read(fd, begin.id).inside == 1,
	      "with 0 it only looks");
	lab_release(fd, begin.id);
	task_join(&invalidator);
	check(!lab_begin_how(fd, &begin) && !lab_retry(fd, begin.id, begin.seq),
	      "afterwards a section is good");
	close(fd);
}
