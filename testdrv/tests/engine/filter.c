// SPDX-License-Identifier: MIT
/*
 * engine: event filters (ignore_events and owner)
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#define NR_FILTERS	6	/* more than there are classes */

static unsigned int add(int fd, unsigned int behaviour, unsigned int ignore, char *start)
{
	return sub_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = behaviour,
		.ignore_events = ignore,
		.start = (uintptr_t)start,
		.length = 4 * PAGE,
	});
}

static void fork_and_wait(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(0);
	CHECK(pid >= 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
}

static void expect(int fd, unsigned int id, unsigned int ignored, const char *what)
{
	struct pinwatch_test_read read = sub_read(fd, id);

	test_check(!(read.events & ignored), "%s: no ignored event (%#x of %#x)", what,
		   read.events, ignored);
	test_check(read.events & EVENT_CLEAR & ~ignored || ignored & EVENT_CLEAR,
		   "%s: the other events", what);
}

TEST(engine_filter_events)
{
	static const unsigned int ignored[NR_FILTERS] = {
		EVENT_PROTECT_PAGE, EVENT_CLEAR, EVENT_PROTECT, EVENT_UNMAP,
		EVENT_PROTECT_PAGE | EVENT_CLEAR, EVENT_PROTECT_PAGE | EVENT_UNMAP,
	};
	unsigned int plain, ids[NR_FILTERS], own, i;
	struct native native;
	char *area = map_pages(4);
	struct pinwatch_test_read read;
	int fd = driver_open();

	native_add(&native, fd);
	plain = add(fd, PINWATCH_TEST_COUNTING, 0, area);
	for (i = 0; i < NR_FILTERS; i++)
		ids[i] = add(fd, PINWATCH_TEST_COUNTING, ignored[i], area);
	own = sub_add_with(fd, (struct pinwatch_test_add) {
		.flags = PINWATCH_TEST_F_OWNER,
		.start = (uintptr_t)area,
		.length = 4 * PAGE,
	});
	fork_and_wait();
	test_check(sub_read(fd, plain).events == EVENT_PROTECT_PAGE, "fork is called back");
	test_check(!sub_read(fd, ids[0]).callbacks, "... but not with a filter");
	CHECK_EQ(madvise(area, 4 * PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(mprotect(area, 4 * PAGE, PROT_READ), 0);
	CHECK_EQ(munmap(area, 4 * PAGE), 0);
	read = sub_read(fd, plain);
	test_note("without a filter: %#x", read.events);
	test_check(read.events & EVENT_CLEAR && read.events & EVENT_UNMAP,
		   "all events are called back without a filter");
	for (i = 0; i < NR_FILTERS; i++)
		expect(fd, ids[i], ignored[i], "filtered");
	test_check(sub_read(fd, own).digest == read.digest,
		   "an owner makes no difference for events without an owner");
	native_check(&native);
	close(fd);
}

TEST(engine_filter_refused)
{
	char *area = map_pages(1);
	struct pinwatch_test_add add = {
		.ignore_events = EVENT_RELEASE,
		.start = (uintptr_t)area,
		.length = PAGE,
	};
	int fd = driver_open(), ret = sub_try_add(fd, &add);

	test_check(ret == -EINVAL, "RELEASE cannot be ignored (%d)", ret);
	close(fd);
}

/* read_begin does not wait for ignored events, also not after a later insert. */
TEST(engine_filter_in_flight)
{
	struct pinwatch_test_begin begin;
	unsigned int held, filtered, late;
	struct native native;
	char *area = map_pages(4);
	struct task invalidator;
	int fd = driver_open();
	uint64_t waits;

	tasks_prepare(1);
	native_add(&native, fd);
	held = add(fd, PINWATCH_TEST_HELD, 0, area);
	filtered = add(fd, PINWATCH_TEST_COUNTING, EVENT_CLEAR, area);
	begin = sub_begin(fd, filtered);
	waits = pw_stats().waits;
	task_dontneed(&invalidator, area, PAGE);
	sub_wait(fd, held, 1);
	test_check(!sub_retry(fd, filtered, begin.seq),
		   "the section of a filtered subscription is valid");
	sub_begin(fd, filtered);
	late = add(fd, PINWATCH_TEST_COUNTING, EVENT_CLEAR, area);
	begin = sub_begin(fd, late);
	test_check(!sub_retry(fd, late, begin.seq),
		   "the section of a subscription inserted now is valid");
	test_check(pw_stats().waits == waits, "no read_begin waits");
	sub_release(fd, held);
	task_join(&invalidator);
	test_check(!sub_read(fd, filtered).callbacks && !sub_read(fd, late).callbacks,
		   "neither subscription was called back");
	native_check(&native);
	close(fd);
}
