// SPDX-License-Identifier: MIT
/*
 * engine: more invalidations in flight at once than there are slots
 */
#include <unistd.h>
#include "engine.h"

#define NR	100

TEST(engine_many_invalidations, .parallel = true)
{
	struct pinwatch_stats before = pw_stats(), during;
	static struct task tasks[NR], readers[2];
	int fd = driver_open(), released = 0, i;
	unsigned int held, all, late, unrelated;
	struct native native;
	char *area = map_pages(NR), *elsewhere = map_pages(1);
	uint64_t early, waits;

	tasks_prepare(NR + 2);
	native_add(&native, fd);
	all = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, area, NR * PAGE).id;
	held = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_HELD, area, NR * PAGE).id;
	early = sub_begin(fd, all).seq;
	for (i = 0; i < NR; i++)
		task_dontneed(&tasks[i], area + i * PAGE, PAGE);
	sub_wait(fd, held, NR);
	during = pw_stats();
	test_check(sub_read(fd, all).callbacks == NR,
		   "all %d invalidations were called back", NR);
	test_check(sub_retry(fd, all, early), "a section that began before must retry");
	test_note("%llu invalidations shared a slot or record",
		  (unsigned long long)(during.overflows - before.overflows));

	waits = pw_stats().waits;
	late = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING,
		       area + (NR - 1) * PAGE, PAGE).id;
	task_begin(&readers[0], fd, late, &released);
	await_waits(waits);
	task_begin(&readers[1], fd, all, &released);
	await_waits(waits + 1);
	unrelated = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, elsewhere,
			    PAGE).id;
	test_check(!sub_begin(fd, unrelated).time.sleeps,
		   "an interval elsewhere is read without sleeping");

	__atomic_store_n(&released, 1, __ATOMIC_SEQ_CST);
	sub_release(fd, held);
	for (i = 0; i < NR; i++)
		task_join(&tasks[i]);
	task_join(&readers[0]);
	task_join(&readers[1]);
	test_check(readers[0].flag_after, "read_begin of a new subscription waited");
	test_check(readers[1].flag_after, "read_begin of an old subscription waited");
	test_check(!sub_retry(fd, all, readers[1].begin.seq),
		   "... and the section is valid");
	waits = pw_stats().waits;
	sub_begin(fd, all);
	test_check(pw_stats().waits == waits, "afterwards nothing is left in flight");
	native_check(&native);
	close(fd);
}
