// SPDX-License-Identifier: MIT
/*
 * engine: events that are not wanted
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"

#define NR_FILTERS	6	/* more than have a tree of their own */

static unsigned int add(int fd, unsigned int behaviour, unsigned int ignore, char *start)
{
	return lab_add_with(fd, (struct pinwatch_test_add) {
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
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork");
}

static void expect(int fd, unsigned int id, unsigned int ignored, const char *what)
{
	struct pinwatch_test_read read = lab_read(fd, id);

	check(!(read.events & ignored), "%s: nothing that it ignores (%#x of %#x)", what,
	      read.events, ignored);
	check(read.events & EVENT_CLEAR & ~ignored || ignored & EVENT_CLEAR,
	      "%s: but the rest", what);
}

void engine_filter_events(void)
{
	static const unsigned int ignored[NR_FILTERS] = {
		EVENT_PROTECT_PAGE, EVENT_CLEAR, EVENT_PROTECT, EVENT_UNMAP,
		EVENT_PROTECT_PAGE | EVENT_CLEAR, EVENT_PROTECT_PAGE | EVENT_UNMAP,
	};
	unsigned int plain, ids[NR_FILTERS], own, i;
	struct neighbour neighbour;
	char *area = map_pages(4);
	struct pinwatch_test_read read;
	int fd = lab_open();

	neighbour_add(&neighbour, fd);
	plain = add(fd, PINWATCH_TEST_COUNTING, 0, area);
	for (i = 0; i < NR_FILTERS; i++)
		ids[i] = add(fd, PINWATCH_TEST_COUNTING, ignored[i], area);
	own = lab_add_with(fd, (struct pinwatch_test_add) {
		.flags = PINWATCH_TEST_F_OWNER,
		.start = (uintptr_t)area,
		.length = 4 * PAGE,
	});
	fork_and_wait();
	check(lab_read(fd, plain).events == EVENT_PROTECT_PAGE, "fork is called back");
	check(!lab_read(fd, ids[0]).callbacks, "... but not to who ignores it");
	if (madvise(area, 4 * PAGE, MADV_DONTNEED) ||
	    mprotect(area, 4 * PAGE, PROT_READ) || munmap(area, 4 * PAGE))
		die("madvise, mprotect, munmap");
	read = lab_read(fd, plain);
	remark("without a filter: %#x", read.events);
	check(read.events & EVENT_CLEAR && read.events & EVENT_UNMAP,
	      "all is called back without a filter");
	for (i = 0; i < NR_FILTERS; i++)
		expect(fd, ids[i], ignored[i], "filtered");
	check(lab_read(fd, own).digest == read.digest,
	      "with an owner: as without, when nobody owns the event");
	neighbour_check(&neighbour);
	close(fd);
}

void engine_filter_refused(void)
{
	char *area = map_pages(1);
	struct pinwatch_test_add add = {
		.ignore_events = EVENT_RELEASE,
		.start = (uintptr_t)area,
		.length = PAGE,
	};
	int fd = lab_open(), ret = lab_try_add(fd, &add);

	check(ret == -EINVAL, "RELEASE cannot be ignored (%d)", ret);
	close(fd);
}

/* What is ignored is not waited for either, by one inserted under it as well. */
void engine_filter_in_flight(void)
{
	struct pinwatch_test_begin begin;
	unsigned int held, filtered, late;
	struct neighbour neighbour;
	char *area = map_pages(4);
	struct task invalidator;
	int fd = lab_open();
	uint64_t waits;

	tasks_prepare(1);
	neighbour_add(&neighbour, fd);
	held = add(fd, PINWATCH_TEST_HELD, 0, area);
	filtered = add(fd, PINWATCH_TEST_COUNTING, EVENT_CLEAR, area);
	begin = lab_begin(fd, filtered);
	waits = pw_stats().waits;
	task_dontneed(&invalidator, area, PAGE);
	lab_wait(fd, held, 1);
	check(!lab_retry(fd, filtered, begin.seq), "a section that ignores it is good");
	lab_begin(fd, filtered);
	late = add(fd, PINWATCH_TEST_COUNTING, EVENT_CLEAR, area);
	begin = lab_begin(fd, late);
	check(!lab_retry(fd, late, begin.seq), "that of one inserted now too");
	check(pw_stats().waits == waits, "nobody waits");
	lab_release(fd, held);
	task_join(&invalidator);
	check(!lab_read(fd, filtered).callbacks && !lab_read(fd, late).callbacks,
	      "neither was called back");
	neighbour_check(&neighbour);
	close(fd);
}
