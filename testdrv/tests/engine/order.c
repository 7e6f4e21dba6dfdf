// SPDX-License-Identifier: MIT
/*
 * engine: which calls wait for an invalidation or a callback, and which do not
 */
#include <string.h>
#include <unistd.h>
#include "engine.h"

#define P(n)	(area + (n) * PAGE)

static void set_flag(int *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
}

static unsigned int add_pw(int fd, unsigned int behaviour, char *start, size_t length)
{
	return sub_add(fd, PINWATCH_TEST_PINWATCH, behaviour, start, length).id;
}

/* read_begin of an interval under invalidation waits for the end. */
TEST(engine_overlap_waits, .parallel = true)
{
	struct pinwatch_test_begin early;
	struct task invalidator, reader;
	struct native native;
	int fd = driver_open(), released = 0;
	char *area = map_pages(8);
	uint64_t waits;
	unsigned int id;

	tasks_prepare(2);
	native_add(&native, fd);
	id = add_pw(fd, PINWATCH_TEST_HELD, P(0), 8 * PAGE);
	early = sub_begin(fd, id);
	test_check(!sub_retry(fd, id, early.seq),
		   "a section without an invalidation is valid");

	waits = pw_stats().waits;
	task_dontneed(&invalidator, P(2), PAGE);
	sub_wait(fd, id, 1);
	test_check(sub_retry(fd, id, early.seq), "a section that began before must retry");
	task_begin(&reader, fd, id, &released);
	await_waits(waits);
	set_flag(&released);
	sub_release(fd, id);
	task_join(&reader);
	task_join(&invalidator);

	test_check(reader.flag_after, "read_begin did not return during the invalidation");
	test_check(!sub_retry(fd, id, reader.begin.seq),
		   "a section that began afterwards is valid");
	test_check(sub_read(fd, id).timeouts == 0, "nothing was held too long");
	native_check(&native);
	close(fd);
}

/* insert never waits. The first read_begin waits for the invalidations in flight. */
TEST(engine_insert_during_invalidation, .parallel = true)
{
	struct pinwatch_test_add under, beside;
	struct pinwatch_test_begin begin;
	struct task first, second, reader;
	int fd = driver_open(), released = 0;
	struct native native;
	char *area = map_pages(64);
	unsigned int held, unrelated;
	uint64_t waits;

	tasks_prepare(3);
	native_add(&native, fd);
	held = add_pw(fd, PINWATCH_TEST_HELD, P(0), 16 * PAGE);
	unrelated = add_pw(fd, PINWATCH_TEST_HELD, P(32), 16 * PAGE);
	task_dontneed(&first, P(0), PAGE);
	sub_wait(fd, held, 1);
	task_dontneed(&second, P(32), PAGE);
	sub_wait(fd, unrelated, 1);

	waits = pw_stats().waits;
	beside = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, P(4), PAGE);
	begin = sub_begin(fd, beside.id);
	test_check(!beside.time.sleeps && !begin.time.sleeps,
		   "an interval elsewhere: insert and read_begin do not sleep");
	test_check(pw_stats().waits == waits, "... and nothing counts as a wait");
	test_check(!sub_retry(fd, beside.id, begin.seq), "... and the section is valid");

	under = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, P(0), PAGE);
	test_check(!under.time.sleeps,
		   "an interval under invalidation: insert does not sleep");
	task_begin(&reader, fd, under.id, &released);
	await_waits(waits);
	set_flag(&released);
	sub_release(fd, held);
	task_join(&first);
	task_join(&reader);
	test_check(reader.flag_after, "... read_begin waits for the end");
	test_check(sub_read(fd, unrelated).inside == 1,
		   "... and for no other invalidation");
	test_check(sub_read(fd, under.id).callbacks == 0,
		   "... and was not called back late");
	test_check(!sub_retry(fd, under.id, reader.begin.seq),
		   "... and the section is valid");

	sub_release(fd, unrelated);
	task_join(&second);
	native_check(&native);
	close(fd);
}

/* remove waits only for a running callback of the removed subscription. */
TEST(engine_remove_waits_for_own_callback, .parallel = true)
{
	struct task invalidator, remover;
	int fd = driver_open(), released = 0;
	struct pinwatch_stats before;
	struct native native;
	unsigned int held, other;
	char *area = map_pages(16);

	tasks_prepare(2);
	native_add(&native, fd);
	other = add_pw(fd, PINWATCH_TEST_COUNTING, P(0), 2 * PAGE);
	held = add_pw(fd, PINWATCH_TEST_HELD, P(0), 16 * PAGE);
	before = pw_stats();
	task_dontneed(&invalidator, P(0), 2 * PAGE);
	sub_wait(fd, held, 1);

	test_check(!sub_del(fd, other).sleeps && pw_stats().remove_waits ==
		   before.remove_waits,
		   "remove during another subscription's callback does not sleep");
	task_del(&remover, fd, held, &released);
	await_remove_waits(before.remove_waits);
	set_flag(&released);
	sub_release(fd, held);
	task_join(&remover);
	task_join(&invalidator);
	test_check(remover.flag_after,
		   "remove during a callback of the subscription waits for the callback");
	native_check(&native);
	close(fd);
}

/* Two invalidations of an interval: the end of the first must not hide the second. */
static void two_invalidations(int fd, bool later_first)
{
	const char *order = later_first ? "the later ends first" : "the earlier ends first";
	struct task invalidator[2], reader;
	char *area = map_pages(4);
	unsigned int both, held[2];
	int released = 0, first = later_first;
	uint64_t waits;

	both = add_pw(fd, PINWATCH_TEST_COUNTING, P(0), 2 * PAGE);
	held[0] = add_pw(fd, PINWATCH_TEST_HELD, P(0), PAGE);
	held[1] = add_pw(fd, PINWATCH_TEST_HELD, P(1), PAGE);
	task_dontneed(&invalidator[0], P(0), PAGE);
	sub_wait(fd, held[0], 1);
	task_dontneed(&invalidator[1], P(1), PAGE);
	sub_wait(fd, held[1], 1);
	test_check(sub_read(fd, both).callbacks == 2,
		   "%s: both invalidations were called back", order);

	sub_release(fd, held[first]);
	task_join(&invalidator[first]);
	waits = pw_stats().waits;
	task_begin(&reader, fd, both, &released);
	await_waits(waits);
	set_flag(&released);
	sub_release(fd, held[!first]);
	task_join(&invalidator[!first]);
	task_join(&reader);
	test_check(reader.flag_after, "%s: read_begin waits for the second end", order);
	test_check(!sub_retry(fd, both, reader.begin.seq), "%s: the section is valid",
		   order);
	waits = pw_stats().waits;
	sub_begin(fd, both);
	test_check(pw_stats().waits == waits, "%s: afterwards nothing waits", order);
}

TEST(engine_two_invalidations, .parallel = true)
{
	struct native native;
	int fd = driver_open();

	tasks_prepare(6);
	native_add(&native, fd);
	two_invalidations(fd, true);
	two_invalidations(fd, false);
	native_check(&native);
	close(fd);
}

/* An invalidation that the callback rejects does not affect the interval. */
TEST(engine_rejected_invalidation, .parallel = true)
{
	struct pinwatch_test_begin before, during;
	struct native native;
	unsigned int held, rejecting;
	char *area = map_pages(4);
	struct task invalidator;
	int fd = driver_open();

	tasks_prepare(1);
	native_add(&native, fd);
	rejecting = add_pw(fd, PINWATCH_TEST_REJECTING, P(0), PAGE);
	held = add_pw(fd, PINWATCH_TEST_HELD, P(0), 2 * PAGE);
	before = sub_begin(fd, rejecting);
	task_dontneed(&invalidator, P(0), PAGE);
	sub_wait(fd, held, 1);
	during = sub_begin(fd, rejecting);
	test_check(sub_read(fd, rejecting).callbacks == 1,
		   "the rejecting subscription was called back");
	test_check(!during.time.sleeps, "read_begin does not sleep");
	test_check(!sub_retry(fd, rejecting, before.seq) &&
		   !sub_retry(fd, rejecting, during.seq), "both sections are valid");
	sub_release(fd, held);
	task_join(&invalidator);
	native_check(&native);
	close(fd);
}
