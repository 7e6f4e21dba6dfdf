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

/*
 * Fork a process that reads the subscription whose ID comes through @gate. Fork before the
 * subscription exists: fork() invalidates, too, and would be held.
 */
static pid_t reader_start(int fd, int *gate)
{
	unsigned int id;
	int pipes[2];
	pid_t pid;

	CHECK_EQ(pipe(pipes), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(pipes[0], &id, sizeof(id)) != sizeof(id))
			_exit(2);
		sub_try_begin(fd, &(struct pinwatch_test_begin) {
			.id = id,
			.how = PINWATCH_TEST_BEGIN_KILLABLE,
		});
		_exit(3);
	}
	*gate = pipes[1];
	return pid;
}

TEST(engine_begin_killable)
{
	struct pinwatch_test_begin begin = { .how = PINWATCH_TEST_BEGIN_KILLABLE };
	char *area = map_pages(1);
	struct task invalidator;
	int fd = driver_open(), gate, status;
	uint64_t waits;
	pid_t reader;

	tasks_prepare(1);
	reader = reader_start(fd, &gate);
	begin.id = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE).id;
	test_check(!sub_try_begin(fd, &begin) && !sub_retry(fd, begin.id, begin.seq),
		   "with nothing in flight a section is valid");
	waits = pw_stats().waits;
	task_dontneed(&invalidator, area, PAGE);
	sub_wait(fd, begin.id, 1);
	CHECK_EQ(write(gate, &begin.id, sizeof(begin.id)), sizeof(begin.id));
	await_waits(waits);
	kill(reader, SIGKILL);
	CHECK_EQ(waitpid(reader, &status, 0), reader);
	test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		   "a waiting reader can be killed (status %#x)", status);
	test_check(sub_read(fd, begin.id).inside == 1,
		   "... while the invalidation goes on");
	sub_release(fd, begin.id);
	task_join(&invalidator);
	test_check(!sub_try_begin(fd, &begin) && !sub_retry(fd, begin.id, begin.seq),
		   "afterwards a section is valid");
	close(fd);
}

TEST(engine_begin_timeout)
{
	struct pinwatch_test_begin begin = {
		.how = PINWATCH_TEST_BEGIN_TIMEOUT,
		.timeout_ms = TIMEOUT_MS,
	};
	char *area = map_pages(1);
	struct task invalidator;
	int fd = driver_open(), ret;
	uint64_t start, took;

	tasks_prepare(1);
	begin.id = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE).id;
	test_check(!sub_try_begin(fd, &begin) && !sub_retry(fd, begin.id, begin.seq),
		   "with nothing in flight a section is valid");
	task_dontneed(&invalidator, area, PAGE);
	sub_wait(fd, begin.id, 1);
	start = now_ns();
	ret = sub_try_begin(fd, &begin);
	took = (now_ns() - start) / 1000;
	test_check(ret == -EBUSY, "read_begin fails with EBUSY (%d)", ret);
	test_check(took >= (TIMEOUT_MS - 10) * 1000 && took < 50 * TIMEOUT_MS * 1000,
		   "... when the time is over (%llu us)", (unsigned long long)took);
	begin.timeout_ms = 0;
	test_check(sub_try_begin(fd, &begin) == -EBUSY && sub_read(fd, begin.id).inside ==
		   1, "with a timeout of 0 read_begin does not wait");
	sub_release(fd, begin.id);
	task_join(&invalidator);
	test_check(!sub_try_begin(fd, &begin) && !sub_retry(fd, begin.id, begin.seq),
		   "afterwards a section is valid");
	close(fd);
}
