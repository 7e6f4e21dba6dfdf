// SPDX-License-Identifier: GPL-2.0-only
/* basic: sleep: how often readers and removes sleep, for which invalidation, and lockdep */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "driver.h"

static unsigned int nr_sleeps;

static void count_sleep(struct shim_wq *wq)
{
	nr_sleeps++;
}

/* R5: a remove that waits for its callback is not woken by the callbacks of others. */
FIBER_TEST(waiting_remove_sleeps_once)
{
	struct reader ra = { .d = NULL };
	struct mmu_notifier_range r, s;
	struct driver a, other;
	unsigned int i;

	CHECK(!insert(&a, 1, 1) && !insert(&other, 30, 1));
	a.hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	nr_sleeps = 0;
	shim_on_sleep = count_sleep;
	task_start(&ra, &a, remover_main);
	for (i = 0; i < 100; i++) {
		start(&s, 30, 1);
		shim_settle();
		end(&s);
	}
	shim_on_sleep = NULL;
	test_note("100 callbacks of another subscription: remove slept %u times", nr_sleeps);
	CHECK(nr_sleeps == 1 && !ra.done && other.calls == 100);
	let(&a);
	CHECK(ra.done);
	end_other(&r);
	remove_sub(&other);
}

/* R4: a reader is not woken by ends of invalidations that it does not wait for. */
FIBER_TEST(waiting_reader_sleeps_once)
{
	struct mmu_notifier_range r, s;
	struct driver d, other;
	struct reader rd;
	unsigned int i;

	CHECK(!insert(&d, 5, 1) && !insert(&other, 30, 1));
	start(&r, 5, 1);
	nr_sleeps = 0;
	shim_on_sleep = count_sleep;
	CHECK(blocks(&d, &rd));
	for (i = 0; i < 100; i++) {
		start(&s, 30, 1);
		end(&s);
		shim_settle();
	}
	shim_on_sleep = NULL;
	test_note("100 ends of invalidations of another range: read_begin slept %u times",
		  nr_sleeps);
	CHECK(nr_sleeps == 1 && !rd.done);
	end(&r);
	shim_settle();
	CHECK(rd.done && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	remove_sub(&d);
	remove_sub(&other);
}

/* Invalidate page 30, each start before the end before, until @rd is done. Return: how often. */
static unsigned int chain(struct reader *rd, struct mmu_notifier_range *r, unsigned int first)
{
	unsigned int i = first;

	for (; i < first + 100 && !rd->done; i++) {
		start(&r[(i + 1) % 3], 30, 1);
		end(&r[i % 3]);
		shim_settle();
	}
	return i;
}

/*
 * With @nr_fill invalidations of page 30 in flight, invalidations of page 30 that overlap each
 * other in time do not starve the reader of page 5: this reader waits for invalidation x.
 */
static void starve_no_reader(unsigned int nr_fill)
{
	static struct mmu_notifier_range fill[PW_NR_OWN_SLOTS], r[3], x;
	struct driver d, other, far;
	struct reader rd;
	unsigned int i;

	CHECK(!insert(&d, 5, 1) && !insert(&other, 30, 1) && !insert(&far, 2, 1));
	for (i = 0; i < nr_fill; i++)
		start(&fill[i], 30, 1);
	start(&r[0], 30, 1);
	start(&r[1], 30, 1);
	start(&x, 5, 1);
	end(&r[0]);
	reader_start(&rd, &d);
	end(&x);
	shim_settle();
	i = chain(&rd, r, 1);
	test_note("the reader returned after %u invalidations of another range", i - 1);
	CHECK(rd.done && i < 10);
	end(&r[i % 3]);
	for (i = 0; i < nr_fill; i++)
		end(&fill[i]);
	shim_settle();
	remove_sub(&d);
	remove_sub(&other);
	remove_sub(&far);
}

/* R2: with all slots in use, x joins a shared slot in which an invalidation of page 30 is. */
FIBER_TEST(shared_slots_starve_no_reader)
{
	starve_no_reader(PW_NR_OWN_SLOTS);
}

#define FAR_APART	BIT(18)		/* pages: each subscription needs a veto of its own */

/* The same with deferred vetoes, while an invalidation that has a slot keeps them deferred. */
static void starve_no_reader_beside_vetoes(unsigned int nr_vetoes, unsigned int nr_fill)
{
	static struct driver first, deferred[PW_NR_SLOTS];
	struct mmu_notifier_range r;
	struct reader rd;
	unsigned int i;

	CHECK(!insert_ops(&first, 40, 1, &sleeper));
	shim_settle();
	start(&r, 40, 1);
	for (i = 0; i < nr_vetoes; i++) {
		CHECK(!insert_ops(&deferred[i], (i + 1) * FAR_APART, 1, &sleeper));
		CHECK(check()->nr_vetoes == i + 2);
	}
	starve_no_reader(nr_fill);
	CHECK(blocks(&deferred[nr_vetoes - 1], &rd));
	end(&r);
	shim_settle();
	CHECK(rd.done);
	for (i = 0; i < nr_vetoes; i++)
		remove_sub(&deferred[i]);
	remove_sub(&first);
}

FIBER_TEST(many_deferred_vetoes_starve_no_reader)
{
	starve_no_reader_beside_vetoes(PW_NR_SLOTS, 0);
}

FIBER_TEST(two_deferred_vetoes_beside_all_slots_starve_no_reader)
{
	starve_no_reader_beside_vetoes(2, PW_NR_OWN_SLOTS - 1);
}

static struct driver victim;
static struct pinwatch_interval_notifier_finish read_finish;

static bool reads(struct pinwatch_interval_notifier *sub,
		  const struct mmu_notifier_range *range, unsigned long seq)
{
	pinwatch_interval_read_begin(&victim.sub);
	return true;
}

static bool removes(struct pinwatch_interval_notifier *sub,
		    const struct mmu_notifier_range *range, unsigned long seq)
{
	pinwatch_interval_notifier_remove(&victim.sub);
	return true;
}

static bool has_second_pass(struct pinwatch_interval_notifier *sub,
			    const struct mmu_notifier_range *range, unsigned long seq,
			    struct pinwatch_interval_notifier_finish **finish)
{
	*finish = &read_finish;
	return true;
}

static void second_pass_reads(struct pinwatch_interval_notifier_finish *finish)
{
	pinwatch_interval_read_begin(&victim.sub);
}

static const struct pinwatch_interval_notifier_ops reading = {
	.invalidate = reads, .flags = PINWATCH_OPS_NEVER_SLEEPS,
}, removing = {
	.invalidate = removes, .flags = PINWATCH_OPS_NEVER_SLEEPS,
}, reading_second = {
	.invalidate_start = has_second_pass, .invalidate_finish = second_pass_reads,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

/* lockdep learns of a call in a callback, of one overlap or of two, that need not wait now. */
static void is_reported(const struct pinwatch_interval_notifier_ops *o, unsigned int pages)
{
	struct driver d, other;
	int status;
	pid_t pid;

	CHECK(!insert_ops(&d, 5, 1, o) && !insert(&other, 6, 1) && !insert(&victim, 30, 1));
	pid = fork();
	if (!pid) {
		fclose(stderr);
		event(5, pages, MMU_NOTIFY_CLEAR, NULL);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	remove_sub(&d);
	remove_sub(&other);
	remove_sub(&victim);
}

FIBER_TEST(read_begin_in_a_callback_is_reported)
{
	is_reported(&reading, 1);
	is_reported(&reading, 2);
}

FIBER_TEST(remove_in_a_callback_is_reported)
{
	is_reported(&removing, 1);
	is_reported(&removing, 2);
}

FIBER_TEST(read_begin_in_a_second_pass_is_reported)
{
	is_reported(&reading_second, 1);
}
