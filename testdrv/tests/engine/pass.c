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
	return lab_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_SLOW,
		.flags = flags,
		.sleep_us = SLEEP_US,
		.start = (uintptr_t)page,
		.length = PAGE,
	});
}

static uint64_t time_dontneed(char *area, size_t length)
{
	uint64_t begin = now_us();

	if (madvise(area, length, MADV_DONTNEED))
		die("MADV_DONTNEED");
	return now_us() - begin;
}

/* What NR devices do at the same time takes as long as one of them. */
void engine_two_pass_overlaps(void)
{
	char *one = map_pages(NR), *two = map_pages(NR);
	struct pinwatch_test_read read;
	unsigned int i, ids[NR];
	uint64_t sum, most, first = 0, second = 0, last_first = 0;
	struct neighbour neighbour;
	int fd = lab_open();
	bool ordered = true, later = true;

	neighbour_add(&neighbour, fd);
	for (i = 0; i < NR; i++)
		add_slow(fd, one + i * PAGE, 0);
	for (i = 0; i < NR; i++)
		ids[i] = add_slow(fd, two + i * PAGE, PINWATCH_TEST_F_TWO_PASS);
	sum = time_dontneed(one, NR * PAGE);
	most = time_dontneed(two, NR * PAGE);
	remark("%d callbacks of %lu us: in one pass %llu us, in two %llu us", NR, SLEEP_US,
	       (unsigned long long)sum, (unsigned long long)most);
	check(sum >= NR * SLEEP_US, "one pass takes the sum");
	check(most >= SLEEP_US && most < NR * SLEEP_US / 2, "two take the longest");

	for (i = 0; i < NR; i++) {
		read = lab_read(fd, ids[i]);
		if (read.callbacks != 1 || read.finishes != 1)
			ordered = false;
		ordered &= read.first_order > first && read.second_order > second;
		first = read.first_order;
		second = read.second_order;
		last_first = first;
	}
	check(ordered, "each has one of both passes, and the second in the order of the first");
	for (i = 0; i < NR; i++)
		later &= lab_read(fd, ids[i]).second_order > last_first;
	check(later, "no second pass comes before the last first one");
	neighbour_check(&neighbour);
	close(fd);
}

/* A second pass is as good as a callback. */
void engine_two_pass_remove_waits(void)
{
	struct pinwatch_stats before;
	struct task invalidator, remover;
	int fd = lab_open(), released = 0;
	struct neighbour neighbour;
	char *area = map_pages(4);
	unsigned int held, other;

	tasks_prepare(2);
	neighbour_add(&neighbour, fd);
	held = lab_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_HELD,
		.flags = PINWATCH_TEST_F_TWO_PASS,
		.start = (uintptr_t)area,
		.length = 4 * PAGE,
	});
	other = add_slow(fd, area, PINWATCH_TEST_F_TWO_PASS);
	before = pw_stats();
	task_dontneed(&invalidator, area, 2 * PAGE);
	lab_wait(fd, held, 1);
	task_del(&remover, fd, held, &released);
	await_remove_waits(before.remove_waits);
	__atomic_store_n(&released, 1, __ATOMIC_SEQ_CST);
	lab_release(fd, held);
	task_join(&remover);
	task_join(&invalidator);
	check(remover.flag_after, "remove waits for a second pass that is to come");
	check(lab_read(fd, other).finishes == 1, "another one was finished");
	neighbour_check(&neighbour);
	close(fd);
}

#define NR_AT_ONCE	6

/* More at once than it has objects for: those do all in the first pass. */
void engine_two_pass_no_object(void)
{
	static struct task tasks[NR_AT_ONCE];
	struct pinwatch_test_read read;
	char *area = map_pages(NR_AT_ONCE);
	int fd = lab_open(), i;
	unsigned int held;

	tasks_prepare(NR_AT_ONCE);
	held = lab_add_with(fd, (struct pinwatch_test_add) {
		.behaviour = PINWATCH_TEST_HELD,
		.flags = PINWATCH_TEST_F_TWO_PASS,
		.start = (uintptr_t)area,
		.length = NR_AT_ONCE * PAGE,
	});
	for (i = 0; i < NR_AT_ONCE; i++)
		task_dontneed(&tasks[i], area + i * PAGE, PAGE);
	lab_wait(fd, held, NR_AT_ONCE);
	lab_release(fd, held);
	for (i = 0; i < NR_AT_ONCE; i++)
		task_join(&tasks[i]);
	read = lab_read(fd, held);
	check(read.callbacks == NR_AT_ONCE, "all were called");
	check(read.finishes > 0 && read.finishes < NR_AT_ONCE,
	      "some of them in one pass (%llu in two)", (unsigned long long)read.finishes);
	close(fd);
}
