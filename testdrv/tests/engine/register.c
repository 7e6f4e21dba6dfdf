// SPDX-License-Identifier: MIT
/*
 * engine: the first subscription of an mm, which registers the mm
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

/* A signal that is pending at the first insert does not stop the registration. */
TEST(engine_register_signal)
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
	int fd = driver_open(), ret;

	sigaction(SIGUSR1, &action, NULL);
	ret = sub_try_add(fd, &add);
	test_check(ret == 0, "insert succeeds (%d)", ret);
	test_check(nr_signals == 1, "the signal arrived");
	test_check(pw_stats().nr_mms == before.nr_mms + 1, "now the mm is registered");
	add.flags = PINWATCH_TEST_F_SIGNAL;
	test_check(sub_try_add(fd, &add) == 0, "a later insert ignores a pending signal");
	test_check(pw_stats().nr_mms == before.nr_mms + 1, "the mm is registered once");

	add.flags = 0;
	add.length = 0;
	test_check(sub_try_add(fd, &add) == -EOVERFLOW, "length 0 is refused");
	add.length = -PAGE;
	test_check(sub_try_add(fd, &add) == -EOVERFLOW,
		   "a length beyond the address space is refused");
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
	if (sub_try_add(fd, &add) != -EXDEV)
		return 3;
	if (madvise(area, PAGE, MADV_DONTNEED))
		return 4;
	own = driver_open();
	if (sub_try_add(own, &add) || pw_stats().nr_mms != parent->nr_mms + 1)
		return 5;
	if (madvise(area, PAGE, MADV_DONTNEED) || sub_read(own, add.id).callbacks != 1)
		return 6;
	return 0;
}

/* A forked child has no subscription, and a memory of its own. */
TEST(engine_register_fork)
{
	struct pinwatch_test_read before, after;
	char *area = map_pages(1);
	struct pinwatch_stats stats;
	int fd = driver_open(), status, gate[2];
	unsigned int id;
	pid_t pid;
	char byte;

	id = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, PAGE).id;
	stats = pw_stats();
	CHECK_EQ(pipe(gate), 0);
	pid = fork();
	if (!pid) {
		if (read(gate[0], &byte, 1) != 1)
			_exit(7);
		_exit(child_of(fd, area, &stats));
	}
	before = sub_read(fd, id);
	CHECK(pid >= 0);
	CHECK_EQ(write(gate[1], "g", 1), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	after = sub_read(fd, id);
	test_check(before.callbacks > 0, "fork is called back to the parent");
	test_check(status == 0,
		   "the child is not registered, and can subscribe (status %#x)", status);
	test_check(after.callbacks == before.callbacks,
		   "changes of the child's memory are not called back to the parent");
	close(fd);
}

/* A first subscription under the mmap lock. */
TEST(engine_register_locked)
{
	char *area = map_pages(1);
	struct pinwatch_test_add add = {
		.engine = PINWATCH_TEST_PINWATCH,
		.start = (uintptr_t)area,
		.length = PAGE,
		.flags = PINWATCH_TEST_F_LOCKED,
	};
	int fd = driver_open();

	test_check(sub_try_add(fd, &add) == 0, "insert_locked as the first insert");
	CHECK_EQ(madvise(area, PAGE, MADV_DONTNEED), 0);
	test_check(sub_read(fd, add.id).callbacks == 1, "the subscription is called back");
	test_check(sub_try_add(fd, &add) == 0, "insert_locked as a later insert");
	sub_del(fd, add.id);
	close(fd);
}
