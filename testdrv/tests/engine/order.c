// SPDX-License-Identifier: MIT
/*
 * engine: who waits for whom
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
	return lab_add(fd, PINWATCH_TEST_PINWATCH, behaviour, start, length).id;
}

/* read_begin on an interval under invalidation lasts until its end. */
void engine_overlap_waits(void)
{
	struct pinwatch_test_begin early;
	struct task invalidator, reader;
	struct neighbour neighbour;
	int fd = lab_open(), released = 0;
	char *area = map_pages(8);
	uint64_t waits;
	unsigned int id;

	tasks_prepare(2);
	neighbour_add(&neighbour, fd);
	id = add_pw(fd, PINWATCH_TEST_HELD, P(0), 8 * PAGE);
	early = lab_begin(fd, id);
	check(!lab_retry(fd, id, early.seq), "a section that nothing disturbed is good");

	waits = pw_stats().waits;
	task_dontneed(&invalidator, P(2), PAGE);
	lab_wait(fd, id, 1);
	check(lab_retry(fd, id, early.seq), "a section that began before must retry");
	task_begin(&reader, fd, id, &released);
	await_waits(waits);
	set_flag(&released);
	lab_release(fd, id);
	task_join(&reader);
	task_join(&invalidator);

	check(reader.flag_after, "read_begin did not return during the invalidation");
	check(!lab_retry(fd, id, reader.begin.seq), "what began after it is good");
	check(lab_read(fd, id).timeouts == 0, "nothing was held too long");
	neighbour_check(&neighbour);
	close(fd);
}

/* insert never waits; the first read_begin waits for exactly what was in flight. */
void engine_insert_during_invalidation(void)
{
	struct pinwatch_test_add under, beside;
	struct pinwatch_test_begin begin;
	struct task first, second, reader;
	int fd = lab_open(), released = 0;
	struct neighbour neighbour;
	char *area = map_pages(64);
	unsigned int held, stranger;
	uint64_t waits;

	tasks_prepare(3);
	neighbour_add(&neighbour, fd);
	held = add_pw(fd, PINWATCH_TEST_HELD, P(0), 16 * PAGE);
	stranger = add_pw(fd, PINWATCH_TEST_HELD, P(32), 16 * PAGE);
	task_dontneed(&first, P(0), PAGE);
	lab_wait(fd, held, 1);
	task_dontneed(&second, P(32), PAGE);
	lab_wait(fd, stranger, 1);

	waits = pw_stats().waits;
	beside = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, P(4), PAGE);
	begin = lab_begin(fd, beside.id);
	check(!beside.time.sleeps && !begin.time.sleeps,
	      "an interval beside it: insert and read_begin do not sleep");
	check(pw_stats().waits == waits, "... and nothing counts as a wait");
	check(!lab_retry(fd, beside.id, begin.seq), "... and the section is good");

	under = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, P(0), PAGE);
	check(!under.time.sleeps, "an interval under it: insert does not sleep");
	task_begin(&reader, fd, under.id, &released);
	await_waits(waits);
	set_flag(&released);
	lab_release(fd, held);
	task_join(&first);
	task_join(&reader);
	check(reader.flag_after, "... its read_begin waits for the end");
	check(lab_read(fd, stranger).inside == 1, "... and for no other invalidation");
	check(lab_read(fd, under.id).callbacks == 0, "... and was not called back late");
	check(!lab_retry(fd, under.id, reader.begin.seq), "... and its section is good");

	lab_release(fd, stranger);
	task_join(&second);
	neighbour_check(&neighbour);
	close(fd);
}

/* remove waits for a callback of its own that runs, and for no other. */
void engine_remove_waits_for_own_callback(void)
{
	struct task invalidator, remover;
	int fd = lab_open(), released = 0;
	struct pinwatch_stats before;
	struct neighbour neighbour;
	unsigned int held, other;
	char *area = map_pages(16);

	tasks_prepare(2);
	neighbour_add(&neighbour, fd);
	other = add_pw(fd, PINWATCH_TEST_COUNTING, P(0), 2 * PAGE);
	held = add_pw(fd, PINWATCH_TEST_HELD, P(0), 16 * PAGE);
	before = pw_stats();
	task_dontneed(&invalidator, P(0), 2 * PAGE);
	lab_wait(fd, held, 1);

	check(!lab_del(fd, other).sleeps && pw_stats().remove_waits == before.remove_waits,
	      "remove during another subscription's callback does not sleep");
	task_del(&remover, fd, held, &released);
	await_remove_waits(before.remove_waits);
	set_flag(&released);
	lab_release(fd, held);
	task_join(&remover);
	task_join(&invalidator);
	check(remover.flag_after, "remove during its own callback waits for its return");
	neighbour_check(&neighbour);
	close(fd);
}

/* Two in flight over one interval: the end of one must not hide the other. */
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
	lab_wait(fd, held[0], 1);
	task_dontneed(&invalidator[1], P(1), PAGE);
	lab_wait(fd, held[1], 1);
	check(lab_read(fd, both).callbacks == 2, "%s: both were called back", order);

	lab_release(fd, held[first]);
	task_join(&invalidator[first]);
	waits = pw_stats().waits;
	task_begin(&reader, fd, both, &released);
	await_waits(waits);
	set_flag(&released);
	lab_release(fd, held[!first]);
	task_join(&invalidator[!first]);
	task_join(&reader);
	check(reader.flag_after, "%s: read_begin waits for the other", order);
	check(!lab_retry(fd, both, reader.begin.seq), "%s: its section is good", order);
	waits = pw_stats().waits;
	lab_begin(fd, both);
	check(pw_stats().waits == waits, "%s: afterwards nothing waits", order);
}

void engine_two_invalidations(void)
{
	struct neighbour neighbour;
	int fd = lab_open();

	tasks_prepare(6);
	neighbour_add(&neighbour, fd);
	two_invalidations(fd, true);
	two_invalidations(fd, false);
	neighbour_check(&neighbour);
	close(fd);
}

/* What a callback did not accept does not count against its interval. */
void engine_rejected_invalidation(void)
{
	struct pinwatch_test_begin before, during;
	struct neighbour neighbour;
	unsigned int held, rejecting;
	char *area = map_pages(4);
	struct task invalidator;
	int fd = lab_open();

	tasks_prepare(1);
	neighbour_add(&neighbour, fd);
	rejecting = add_pw(fd, PINWATCH_TEST_REJECTING, P(0), PAGE);
	held = add_pw(fd, PINWATCH_TEST_HELD, P(0), 2 * PAGE);
	before = lab_begin(fd, rejecting);
	task_dontneed(&invalidator, P(0), PAGE);
	lab_wait(fd, held, 1);
	during = lab_begin(fd, rejecting);
	check(lab_read(fd, rejecting).callbacks == 1, "it was called back");
	check(!during.time.sleeps, "read_begin does not sleep");
	check(!lab_retry(fd, rejecting, before.seq) &&
	      !lab_retry(fd, rejecting, during.seq), "the sections are good");
	lab_release(fd, held);
	task_join(&invalidator);
	neighbour_check(&neighbour);
	close(fd);
}
