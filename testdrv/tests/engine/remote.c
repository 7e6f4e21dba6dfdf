// SPDX-License-Identifier: MIT
/*
 * engine: invalidations that another process causes
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#ifndef FALLOC_FL_KEEP_SIZE
#include <linux/falloc.h>
#endif

/* A child that waits for a byte, and then changes the parent's memory */
struct helper {
	pid_t pid;
	int pipe[2];
};

static void helper_start(struct helper *helper, int (*act)(void *), void *arg)
{
	char byte;

	CHECK_EQ(pipe(helper->pipe), 0);
	helper->pid = fork();
	CHECK(helper->pid >= 0);
	if (helper->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(helper->pipe[0], &byte, 1) != 1)
		_exit(2);
	_exit(act(arg));
}

static void helper_go(struct helper *helper)
{
	int status;

	CHECK_EQ(write(helper->pipe[1], "g", 1), 1);
	CHECK_EQ(waitpid(helper->pid, &status, 0), helper->pid);
	CHECK_EQ(status, 0);
	close(helper->pipe[0]);
	close(helper->pipe[1]);
}

/* @act in another process must invalidate @page. */
static void expect_invalidation(const char *what, int fd, unsigned int id,
				char *page, int (*act)(void *), void *arg)
{
	struct pinwatch_test_read before, after;
	struct helper helper;
	uint64_t seq;

	helper_start(&helper, act, arg);
	/* fork invalidates private memory: read the counters after fork. */
	before = sub_read(fd, id);
	seq = sub_begin(fd, id).seq;
	helper_go(&helper);
	after = sub_read(fd, id);
	test_check(after.callbacks > before.callbacks, "%s: called back", what);
	test_check(after.last_start <= (uintptr_t)page && after.last_end >=
		   (uintptr_t)page + PAGE, "%s: with the page", what);
	test_check(sub_retry(fd, id, seq), "%s: the section must retry", what);
	seq = sub_begin(fd, id).seq;
	test_check(!sub_retry(fd, id, seq), "%s: the next section is valid", what);
}

/* Write to the parent. Parent and child share the page, copy on write. */
static int write_remotely(void *page)
{
	char byte = 2;
	struct iovec local = { &byte, 1 }, remote = { page, 1 };

	return process_vm_writev(getppid(), &local, 1, &remote, 1, 0) != 1;
}

TEST(engine_remote_write)
{
	struct native native;
	char *area = map_pages(4);
	int fd = driver_open();
	unsigned int id;

	native_add(&native, fd);
	id = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, 4 * PAGE).id;
	expect_invalidation("process_vm_writev", fd, id, area + PAGE, write_remotely,
			    area + PAGE);
	test_check(area[PAGE] == 2, "the write arrived");
	native_check(&native);
	close(fd);
}

static int punch_hole(void *memfd)
{
	return fallocate(*(int *)memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 PAGE, PAGE) != 0;
}

static int cut_off(void *memfd)
{
	return ftruncate(*(int *)memfd, PAGE) != 0;
}

TEST(engine_remote_truncate)
{
	int fd = driver_open(), memfd = memfd_create("engine", MFD_CLOEXEC), i;
	struct native native;
	unsigned int id;
	char *area;

	native_add(&native, fd);
	CHECK(memfd >= 0);
	CHECK_EQ(ftruncate(memfd, 4 * PAGE), 0);
	area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	CHECK(area != MAP_FAILED);
	for (i = 0; i < 4; i++)
		area[i * PAGE] = 1;
	id = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, 4 * PAGE).id;
	expect_invalidation("hole punch", fd, id, area + PAGE, punch_hole, &memfd);
	expect_invalidation("truncate", fd, id, area + 2 * PAGE, cut_off, &memfd);
	native_check(&native);
	close(fd);
}
