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

	CHECK_EQ(ioctl(fd, PINWATCH_TEST_IOC_DEL, &del), 0);
	return del.time;
}

static bool is_freed(int fd, unsigned int id)
{
	struct pinwatch_test_read read = { .id = id };

	return ioctl(fd, PINWATCH_TEST_IOC_READ, &read) && errno == ENOENT;
}

/* Put a subscription while the callback or the second pass is held. */
static void put_held(int fd, char *area, unsigned int flags, const char *what)
{
	struct task invalidator;
	unsigned int held;

	held = sub_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_HELD,
		.flags = flags,
		.start = (uintptr_t)area,
		.length = PAGE,
	});
	task_dontneed(&invalidator, area, PAGE);
	sub_wait(fd, held, 1);
	test_check(!del_by_put(fd, held).sleeps, "%s: put does not sleep", what);
	test_check(!is_freed(fd, held), "%s: the subscription is not freed yet", what);
	sub_release(fd, held);
	task_join(&invalidator);
	test_check(is_freed(fd, held), "%s: the subscription is freed after the callback",
		   what);
}

TEST(engine_put)
{
	struct pinwatch_stats before = pw_stats();
	struct native native;
	char *area = map_pages(2);
	int fd = driver_open();
	unsigned int id;

	tasks_prepare(2);
	native_add(&native, fd);
	id = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, PAGE).id;
	test_check(!del_by_put(fd, id).sleeps && is_freed(fd, id),
		   "an idle subscription is freed at once");
	put_held(fd, area, 0, "in the callback");
	put_held(fd, area, PINWATCH_TEST_F_TWO_PASS, "in the second pass");
	native_check(&native);
	test_check(pw_stats().nr_subscriptions == before.nr_subscriptions,
		   "no subscription is left");
	close(fd);
}

/* Callbacks put the called subscription. */
TEST(engine_put_itself)
{
	struct pinwatch_stats before = pw_stats();
	struct native native;
	unsigned int ids[20], i;
	char *area = map_pages(2);
	int fd = driver_open();
	bool freed = true;

	native_add(&native, fd);
	for (i = 0; i < 20; i++)
		ids[i] = sub_add(fd, PINWATCH_TEST_PINWATCH,
				 i % 2 ? PINWATCH_TEST_PUTTING : PINWATCH_TEST_COUNTING,
				 area, PAGE).id;
	CHECK_EQ(madvise(area, PAGE, MADV_DONTNEED), 0);
	for (i = 0; i < 20; i++)
		freed &= is_freed(fd, ids[i]) == i % 2;
	test_check(freed, "exactly the putting subscriptions are freed");
	CHECK_EQ(madvise(area, PAGE, MADV_DONTNEED), 0);
	for (i = 0; i < 20; i += 2)
		freed &= sub_read(fd, ids[i]).callbacks == 2;
	test_check(freed, "the other subscriptions are still called back");
	test_check(pw_stats().nr_subscriptions == before.nr_subscriptions + 10,
		   "half of the subscriptions are left");
	native_check(&native);
	close(fd);
}
