// SPDX-License-Identifier: MIT
/*
 * engine: more invalidations in flight at once than there are slots
 */
#include <unistd.h>
#include "engine.h"

#define NR	100

void engine_many_invalidations(void)
{
	struct pinwatch_stats before = pw_stats(), during;
	static struct task tasks[NR], readers[2];
	int fd = lab_open(), released = 0, i;
	unsigned int held, all, late, stranger;
	struct neighbour neighbour;
	char *area = map_pages(NR), *elsewhere = map_pages(1);
	uint64_t early, waits;

	tasks_prepare(NR + 2);
	neighbour_add(&neighbour, fd);
	all = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, NR * PAGE).id;
	held = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, NR * PAGE).id;
	early = lab_begin(fd, all).seq;
	for (i = 0; i < NR; i++)
		task_dontneed(&tasks[i], area + i * PAGE, PAGE);
	lab_wait(fd, held, NR);
	during = pw_stats();
	check(lab_read(fd, all).callbacks == NR, "all %d were called back", NR);
	check(lab_retry(fd, all, early), "a section that began before must retry");
	remark("%llu of them without a slot or record of their own",
	       (unsigned long long)(during.overflows - before.overflows));

	waits = pw_stats().waits;
	late = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING,
		       area + (NR - 1) * PAGE, PAGE).id;
	task_begin(&readers[0], fd, late, &released);
	await_waits(waits);
	task_begin(&readers[1], fd, all, &released);
	await_waits(waits + 1);
	stranger = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, elsewhere,
			   PAGE).id;
	check(!lab_begin(fd, stranger).time.sleeps,
	      "an interval elsewhere is read without sleeping");

	__atomic_store_n(&released, 1, __ATOMIC_SEQ_CST);
	lab_release(fd, held);
	for (i = 0; i < NR; i++)
		task_join(&tasks[i]);
	task_join(&readers[0]);
	task_join(&readers[1]);
	check(readers[0].flag_after, "read_begin of one inserted meanwhile waited");
	check(readers[1].flag_after, "read_begin of an old one waited");
	check(!lab_retry(fd, all, readers[1].begin.seq), "... and its section is good");
	waits = pw_stats().waits;
	lab_begin(fd, all);
	check(pw_stats().waits == waits, "afterwards nothing is left in flight");
	neighbour_check(&neighbour);
	close(fd);
}
