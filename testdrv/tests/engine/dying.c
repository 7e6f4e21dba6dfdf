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

	CHECK(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, PAGE);
		ioctl(fd, PINWATCH_TEST_IOC_STALL);
		_exit(1);
	}
	sub_wait(fd, PINWATCH_TEST_STALL, 1);
	return pid;
}

static int insert(int fd, char *area, unsigned int flags, unsigned int *id)
{
	struct pinwatch_test_add add = {
		.flags = PINWATCH_TEST_F_FILE_MM | flags,
		.start = (uintptr_t)area,
		.length = PAGE,
	};
	int ret = sub_try_add(fd, &add);

	*id = add.id;
	return ret;
}

/* A callback of the child's first subscription holds the release of the child's mm. */
TEST(engine_dying_release)
{
	struct pinwatch_test_begin begin;
	char *area = map_pages(1);
	int fd = driver_open(), ret, status;
	unsigned int early, late;
	pid_t pid;

	pid = subject_start(fd, area);
	ret = insert(fd, area, 0, &early);
	test_check(!ret, "insert into another process's mm (%d)", ret);
	kill(pid, SIGKILL);
	sub_release(fd, PINWATCH_TEST_STALL);
	sub_wait(fd, 0, 1);
	test_check(sub_read(fd, 0).events & EVENT_RELEASE, "release is in progress");
	ret = insert(fd, area, 0, &late);
	test_check(ret == -ESRCH, "insert fails with ESRCH (%d)", ret);
	ret = insert(fd, area, PINWATCH_TEST_F_SLEEPS, &late);
	test_check(ret == -ESRCH, "insert of a sleeper fails with ESRCH (%d)", ret);
	begin = sub_begin(fd, early);
	test_check(!begin.time.sleeps && sub_retry(fd, early, begin.seq),
		   "read_begin of an old subscription returns, and the section must retry");
	sub_release(fd, 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	ret = insert(fd, area, 0, &late);
	test_check(ret == -ESRCH, "after release, insert fails with ESRCH (%d)", ret);
	test_check(!sub_del(fd, early).sleeps, "remove does not sleep");
	close(fd);
}

/*
 * Wait until @id has been called back for the end of the mm. If an insert held the last
 * reference to the mm, a worker ends the mm later.
 */
static bool saw_end(int fd, unsigned int id)
{
	unsigned int ms;

	for (ms = 0; ms < 10000; ms++) {
		if ((sub_read(fd, id).events & (EVENT_RELEASE | EVENT_UNMAP)) ==
		    (EVENT_RELEASE | EVENT_UNMAP))
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* Insert until insert fails, while the child dies. insert may only fail with ESRCH. */
TEST(engine_dying_race, .parallel = true)
{
	unsigned int round, nr, i, ids[MAX_INSERTS], inserted = 0, told = 0, failed = 0;
	char *area = map_pages(1);
	int ret = 0, status;
	pid_t pid;

	for (round = 0; round < 30; round++) {
		int fd = driver_open();

		pid = subject_start(fd, area);
		sub_release(fd, 0);
		sub_release(fd, PINWATCH_TEST_STALL);
		for (nr = 0; nr < MAX_INSERTS; nr++) {
			ret = insert(fd, area, round % 2 ? PINWATCH_TEST_F_SLEEPS : 0,
				     &ids[nr]);
			if (ret)
				break;
		}
		failed += ret == -ESRCH;
		CHECK(!ret || ret == -ESRCH);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		for (i = 0; i < nr; i++)
			told += saw_end(fd, ids[i]);
		inserted += nr;
		close(fd);
	}
	test_note("%u inserted, %u rounds ended in ESRCH", inserted, failed);
	test_check(told == inserted,
		   "each inserted subscription was called back for the end (%u of %u)",
		   told, inserted);
	test_check(failed > 0, "at least one insert met the end of the mm");
}
