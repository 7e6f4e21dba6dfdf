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

/* A child that waits for a byte, and then does something to its parent's memory. */
struct helper {
	pid_t pid;
	int pipe[2];
};

static void helper_start(struct helper *helper, int (*act)(void *), void *arg)
{
	char byte;

	if (pipe(helper->pipe))
		die("pipe");
	helper->pid = fork();
	if (helper->pid < 0)
		die("fork");
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

	if (write(helper->pipe[1], "g", 1) != 1)
		die("write");
	if (waitpid(helper->pid, &status, 0) != helper->pid || status)
		die("the other process failed (status %#x)", status);
	close(helper->pipe[0]);
	close(helper->pipe[1]);
}

/* Run @act in another process: is page @page of @area invalidated? */
static void expect_invalidation(const char *what, int fd, unsigned int id,
				char *page, int (*act)(void *), void *arg)
{
	struct pinwatch_test_read before, after;
	struct helper helper;
	uint64_t seq;

	helper_start(&helper, act, arg);
	/* fork has invalidated what is private: read after it. */
	before = lab_read(fd, id);
	seq = lab_begin(fd, id).seq;
	helper_go(&helper);
	after = lab_read(fd, id);
	check(after.callbacks > before.callbacks, "%s: called back", what);
	check(after.last_start <= (uintptr_t)page &&
	      after.last_end >= (uintptr_t)page + PAGE, "%s: with its page", what);
	check(lab_retry(fd, id, seq), "%s: the section must retry", what);
	seq = lab_begin(fd, id).seq;
	check(!lab_retry(fd, id, seq), "%s: the next one is good", what);
}

/* Into the parent; the page is shared with us, copy on write. */
static int write_remotely(void *page)
{
	char byte = 2;
	struct iovec local = { &byte, 1 }, remote = { page, 1 };

	return process_vm_writev(getppid(), &local, 1, &remote, 1, 0) != 1;
}

void engine_remote_write(void)
{
	struct neighbour neighbour;
	char *area = map_pages(4);
	int fd = lab_open();
	unsigned int id;

	neighbour_add(&neighbour, fd);
	id = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, 4 * PAGE).id;
	expect_invalidation("process_vm_writev", fd, id, area + PAGE, write_remotely,
			    area + PAGE);
	check(area[PAGE] == 2, "the write arrived");
	neighbour_check(&neighbour);
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

void engine_remote_truncate(void)
{
	int fd = lab_open(), memfd = memfd_create("engine", MFD_CLOEXEC), i;
	struct neighbour neighbour;
	unsigned int id;
	char *area;

	neighbour_add(&neighbour, fd);
	if (memfd < 0 || ftruncate(memfd, 4 * PAGE))
		die("memfd");
	area = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (area == MAP_FAILED)
		die("mmap");
	for (i = 0; i < 4; i++)
		area[i * PAGE] = 1;
	id = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, 4 * PAGE).id;
	expect_invalidation("hole punch", fd, id, area + PAGE, punch_hole, &memfd);
	expect_invalidation("truncate", fd, id, area + 2 * PAGE, cut_off, &memfd);
	neighbour_check(&neighbour);
	close(fd);
}
