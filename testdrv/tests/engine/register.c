// SPDX-License-Identifier: MIT
/*
 * engine: the first subscription of an mm, and who has none
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

static volatile sig_atomic_t nr_signals;

static void count_signal(int signal)
{
	(void)signal;
	nr_signals++;
}

/* A signal that is pending at the first registration: -EINTR, and again. */
void engine_register_signal(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	char *area = map_pages(1);
	struct pinwatch_test_add add = {
		.engine = PINWATCH_TEST_PINWATCH,
		.start = (uintptr_t)area,
		.length = PAGE,
		.flags = PINWATCH_TEST_F_SIGNAL,
	};
	struct pinwatch_stats before = pw_stats();
	int fd = lab_open(), ret;

	sigaction(SIGUSR1, &action, NULL);
	ret = lab_try_add(fd, &add);
	check(ret == -EINTR, "insert fails with EINTR (%d)", ret);
	check(nr_signals == 1, "the signal arrived");
	check(pw_stats().nr_mms == before.nr_mms, "nothing is registered");
	add.flags = 0;
	check(lab_try_add(fd, &add) == 0, "without a signal it works");
	check(pw_stats().nr_mms == before.nr_mms + 1, "now it is registered");
	add.flags = PINWATCH_TEST_F_SIGNAL;
	check(lab_try_add(fd, &add) == 0, "a later insert does not mind a signal");
	check(pw_stats().nr_mms == before.nr_mms + 1, "one mm is registered once");

	add.flags = 0;
	add.length = 0;
	check(lab_try_add(fd, &add) == -EOVERFLOW, "length 0 is refused");
	add.length = -PAGE;
	check(lab_try_add(fd, &add) == -EOVERFLOW, "a length that wraps is refused");
	close(fd);
}

static int child_of(int fd, char *area, const struct pinwatch_stats *parent)
{
	struct pinwatch_test_add add = {
		.engine = PINWATCH_TEST_PINWATCH,
		.start = (uintptr_t)area,
		.length = PAGE,
	};
	int own;

	if (pw_stats().nr_mms != parent->nr_mms)
		return 2;
	if (lab_try_add(fd, &add) != -EXDEV)
		return 3;
	if (madvise(area, PAGE, MADV_DONTNEED))
		return 4;
	own = lab_open();
	if (lab_try_add(own, &add) || pw_stats().nr_mms != parent->nr_mms + 1)
		return 5;
	if (madvise(area, PAGE, MADV_DONTNEED) || lab_read(own, add.id).callbacks != 1)
		return 6;
	return 0;
}

/* A forked child has no subscription, and its own memory. */
void engine_register_fork(void)
{
	struct pinwatch_test_read before, after;
	char *area = map_pages(1);
	struct pinwatch_stats stats;
	int fd = lab_open(), status, gate[2];
	unsigned int id;
	pid_t pid;
	char byte;

	id = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, PAGE).id;
	stats = pw_stats();
	if (pipe(gate))
		die("pipe");
	pid = fork();
	if (!pid) {
		if (read(gate[0], &byte, 1) != 1)
			_exit(7);
		_exit(child_of(fd, area, &stats));
	}
	before = lab_read(fd, id);
	if (pid < 0 || write(gate[1], "g", 1) != 1 || waitpid(pid, &status, 0) != pid)
		die("fork");
	after = lab_read(fd, id);
	check(before.callbacks > 0, "fork itself is seen by the parent");
	check(status == 0, "the child is not registered, and can be (status %#x)", status);
	check(after.callbacks == before.callbacks,
	      "what the child does to its own memory is not seen by the parent");
	close(fd);
}

/* A first subscription under the mmap lock. */
void engine_register_locked(void)
{
	char *area = map_pages(1);
	struct pinwatch_test_add add = {
		.engine = PINWATCH_TEST_PINWATCH,
		.start = (uintptr_t)area,
		.length = PAGE,
		.flags = PINWATCH_TEST_F_LOCKED,
	};
	int fd = lab_open();

	check(lab_try_add(fd, &add) == 0, "insert_locked as the first one");
	if (madvise(area, PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED");
	check(lab_read(fd, add.id).callbacks == 1, "it is called back");
	check(lab_try_add(fd, &add) == 0, "insert_locked as a later one");
	lab_del(fd, add.id);
	close(fd);
}
