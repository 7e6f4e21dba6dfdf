// SPDX-License-Identifier: MIT
/*
 * engine: put instead of remove
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "engine.h"

static struct pinwatch_test_time del_by_put(int fd, unsigned int id)
{
	struct pinwatch_test_del del = { .id = id, .flags = PINWATCH_TEST_DEL_PUT };

	if (ioctl(fd, PINWATCH_TEST_IOC_DEL, &del))
		die("DEL");
	return del.time;
}

static bool is_freed(int fd, unsigned int id)
{
	struct pinwatch_test_read read = { .id = id };

	return ioctl(fd, PINWATCH_TEST_IOC_READ, &read) && errno == ENOENT;
}

/* Put, while its callback (or its second pass) is held. */
static void put_held(int fd, char *area, unsigned int flags, const char *what)
{
	struct task invalidator;
	unsigned int held;

	held = lab_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_HELD,
		.flags = flags,
		.start = (uintptr_t)area,
		.length = PAGE,
	});
	task_dontneed(&invalidator, area, PAGE);
	lab_wait(fd, held, 1);
	check(!del_by_put(fd, held).sleeps, "%s: put does not sleep", what);
	check(!is_freed(fd, held), "%s: what runs is not freed", what);
	lab_release(fd, held);
	task_join(&invalidator);
	check(is_freed(fd, held), "%s: it is freed when that has returned", what);
}

void engine_put(void)
{
	struct pinwatch_stats before = pw_stats();
	struct neighbour neighbour;
	char *area = map_pages(2);
	int fd = lab_open();
	unsigned int id;

	tasks_prepare(2);
	neighbour_add(&neighbour, fd);
	id = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, PAGE).id;
	check(!del_by_put(fd, id).sleeps && is_freed(fd, id), "an idle one is freed at once");
	put_held(fd, area, 0, "in its callback");
	put_held(fd, area, PINWATCH_TEST_F_TWO_PASS, "in its second pass");
	neighbour_check(&neighbour);
	check(pw_stats().nr_subscriptions == before.nr_subscriptions,
	      "no subscription is left");
	close(fd);
}

/* A callback puts its own subscription. */
void engine_put_itself(void)
{
	struct pinwatch_stats before = pw_stats();
	struct neighbour neighbour;
	unsigned int ids[20], i;
	char *area = map_pages(2);
	int fd = lab_open();
	bool freed = true;

	neighbour_add(&neighbour, fd);
	for (i = 0; i < 20; i++)
		ids[i] = lab_add(fd, PINWATCH_TEST_PINWATCH,
				 i % 2 ? PINWATCH_TEST_PUTTING : PINWATCH_TEST_COUNTING,
				 area, PAGE).id;
	if (madvise(area, PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED");
	for (i = 0; i < 20; i++)
		freed &= is_freed(fd, ids[i]) == i % 2;
	check(freed, "those that put themselves are gone, and the others not");
	if (madvise(area, PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED");
	for (i = 0; i < 20; i += 2)
		freed &= lab_read(fd, ids[i]).callbacks == 2;
	check(freed, "the others are called back as ever");
	check(pw_stats().nr_subscriptions == before.nr_subscriptions + 10,
	      "half of them are left");
	neighbour_check(&neighbour);
	close(fd);
}
