// SPDX-License-Identifier: MIT
/*
 * engine: invalidations in two passes
 */
#include <sys/mman.h>
#include <unistd.h>
#include "engine.h"

#define NR		8
#define SLEEP_US	100000UL

static unsigned int add_slow(int fd, char *page, unsigned int flags)
{
	return sub_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_SLOW,
		.flags = flags,
		.sleep_us = SLEEP_US,
		.start = (uintptr_t)page,
		.length = PAGE,
	});
}

static uint64_t time_dontneed(char *area, size_t length)
{
	uint64_t begin = now_ns();

	CHECK_EQ(madvise(area, length, MADV_DONTNEED), 0);
	return (now_ns() - begin) / 1000;
}

/* NR callbacks in two passes take as long as a single callback. */
TEST(engine_two_pass_overlaps)
{
	char *one = map_pages(NR), *two = map_pages(NR);
	struct pinwatch_test_read read;
	unsigned int i, ids[NR];
	uint64_t sum, most, first = 0, second = 0, last_first = 0;
	struct native native;
	int fd = driver_open();
	bool ordered = true, later = true;

	native_add(&native, fd);
	for (i = 0; i < NR; i++)
		add_slow(fd, one + i * PAGE, 0);
	for (i = 0; i < NR; i++)
		ids[i] = add_slow(fd, two + i * PAGE, PINWATCH_TEST_F_TWO_PASS);
	sum = time_dontneed(one, NR * PAGE);
	most = time_dontneed(two, NR * PAGE);
	test_note("%d callbacks of %lu us: in one pass %llu us, in two %llu us", NR,
		  SLEEP_US, (unsigned long long)sum, (unsigned long long)most);
	test_check(sum >= NR * SLEEP_US, "one pass: the sleeps add up");
	test_check(most >= SLEEP_US && most < NR * SLEEP_US / 2,
		   "two passes: the sleeps overlap");

	for (i = 0; i < NR; i++) {
		read = sub_read(fd, ids[i]);
		if (read.callbacks != 1 || read.finishes != 1)
			ordered = false;
		ordered &= read.first_order > first && read.second_order > second;
		first = read.first_order;
		second = read.second_order;
		last_first = first;
	}
	test_check(ordered, "each subscription has both passes, both in the same order");
	for (i = 0; i < NR; i++)
		later &= sub_read(fd, ids[i]).second_order > last_first;
	test_check(later, "each second pass comes after all first passes");
	native_check(&native);
	close(fd);
}

/* remove waits for the second pass, like for a callback. */
TEST(engine_two_pass_remove_waits)
{
	struct pinwatch_stats before;
	struct task invalidator, remover;
	int fd = driver_open(), released = 0;
	struct native native;
	char *area = map_pages(4);
	unsigned int held, other;

	tasks_prepare(2);
	native_add(&native, fd);
	held = sub_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_HELD,
		.flags = PINWATCH_TEST_F_TWO_PASS,
		.start = (uintptr_t)area,
		.length = 4 * PAGE,
	});
	other = add_slow(fd, area, PINWATCH_TEST_F_TWO_PASS);
	before = pw_stats();
	task_dontneed(&invalidator, area, 2 * PAGE);
	sub_wait(fd, held, 1);
	task_del(&remover, fd, held, &released);
	await_remove_waits(before.remove_waits);
	__atomic_store_n(&released, 1, __ATOMIC_SEQ_CST);
	sub_release(fd, held);
	task_join(&remover);
	task_join(&invalidator);
	test_check(remover.flag_after, "remove waits for a second pass that has not begun");
	test_check(sub_read(fd, other).finishes == 1,
		   "the other subscription had a second pass");
	native_check(&native);
	close(fd);
}

#define NR_AT_ONCE	6

/* More passes at once than finish objects: the rest uses a single pass. */
TEST(engine_two_pass_no_object)
{
	static struct task tasks[NR_AT_ONCE];
	struct pinwatch_test_read read;
	char *area = map_pages(NR_AT_ONCE);
	int fd = driver_open(), i;
	unsigned int held;

	tasks_prepare(NR_AT_ONCE);
	held = sub_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_HELD,
		.flags = PINWATCH_TEST_F_TWO_PASS,
		.start = (uintptr_t)area,
		.length = NR_AT_ONCE * PAGE,
	});
	for (i = 0; i < NR_AT_ONCE; i++)
		task_dontneed(&tasks[i], area + i * PAGE, PAGE);
	sub_wait(fd, held, NR_AT_ONCE);
	sub_release(fd, held);
	for (i = 0; i < NR_AT_ONCE; i++)
		task_join(&tasks[i]);
	read = sub_read(fd, held);
	test_check(read.callbacks == NR_AT_ONCE, "all invalidations were called back");
	test_check(read.finishes > 0 && read.finishes < NR_AT_ONCE,
		   "some had one pass (%llu had two)", (unsigned long long)read.finishes);
	close(fd);
}
