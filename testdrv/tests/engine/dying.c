// SPDX-License-Identifier: MIT
/*
 * engine: insert into an mm that is being torn down
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#define MAX_INSERTS	200

static pid_t subject_start(int fd, char *area)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE);
		ioctl(fd, PINWATCH_TEST_IOC_STALL);
		_exit(1);
	}
	lab_wait(fd, PINWATCH_TEST_STALL, 1);
	return pid;
}

static int insert(int fd, char *area, unsigned int flags, unsigned int *id)
{
	struct pinwatch_test_add add = {
		.flags = PINWATCH_TEST_F_FILE_MM | flags,
		.start = (uintptr_t)area,
		.length = PAGE,
	};
	int ret = lab_try_add(fd, &add);

	*id = add.id;
	return ret;
}

/* The child's release is held in a callback of its first subscription. */
void engine_dying_release(void)
{
	struct pinwatch_test_begin begin;
	char *area = map_pages(1);
	int fd = lab_open(), ret, status;
	unsigned int early, late;
	pid_t pid;

	pid = subject_start(fd, area);
	ret = insert(fd, area, 0, &early);
	check(!ret, "insert into another process's mm (%d)", ret);
	kill(pid, SIGKILL);
	lab_release(fd, PINWATCH_TEST_STALL);
	lab_wait(fd, 0, 1);
	check(lab_read(fd, 0).events & EVENT_RELEASE, "release is going on");
	ret = insert(fd, area, 0, &late);
	check(ret == -ESRCH, "insert fails with ESRCH (%d)", ret);
	ret = insert(fd, area, PINWATCH_TEST_F_SLEEPS, &late);
	check(ret == -ESRCH, "that of a sleeper too (%d)", ret);
	begin = lab_begin(fd, early);
	check(!begin.time.sleeps && lab_retry(fd, early, begin.seq),
	      "read_begin of an old one returns, and its section is not good");
	lab_release(fd, 0);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	ret = insert(fd, area, 0, &late);
	check(ret == -ESRCH, "after it, ESRCH (%d)", ret);
	check(!lab_del(fd, early).sleeps, "remove does not sleep");
	close(fd);
}

/*
 * Of the mm's end; in a while, since the last to hold the mm may have been an insert,
 * which leaves its end to a worker.
 */
static bool was_told(int fd, unsigned int id)
{
	unsigned int ms;

	for (ms = 0; ms < 10000; ms++) {
		if ((lab_read(fd, id).events & (EVENT_RELEASE | EVENT_UNMAP)) ==
		    (EVENT_RELEASE | EVENT_UNMAP))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* Inserts until it fails, while the child dies: each succeeds or fails with ESRCH. */
void engine_dying_race(void)
{
	unsigned int round, nr, i, ids[MAX_INSERTS], inserted = 0, told = 0, failed = 0;
	char *area = map_pages(1);
	int ret = 0, status;
	pid_t pid;

	for (round = 0; round < 30; round++) {
		int fd = lab_open();

		pid = subject_start(fd, area);
		lab_release(fd, 0);
		lab_release(fd, PINWATCH_TEST_STALL);
		for (nr = 0; nr < MAX_INSERTS; nr++) {
			ret = insert(fd, area, round % 2 ? PINWATCH_TEST_F_SLEEPS : 0,
				     &ids[nr]);
			if (ret)
				break;
		}
		failed += ret == -ESRCH;
		if (ret && ret != -ESRCH)
			die("ADD: %d", ret);
		if (waitpid(pid, &status, 0) != pid)
			die("waitpid");
		for (i = 0; i < nr; i++)
			told += was_told(fd, ids[i]);
		inserted += nr;
		close(fd);
	}
	remark("%u inserted, %u rounds ended in ESRCH", inserted, failed);
	check(told == inserted, "whoever was inserted was told of the end (%u of %u)", told,
	      inserted);
	check(failed > 0, "the end was met");
}
