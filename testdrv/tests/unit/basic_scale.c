// SPDX-License-Identifier: GPL-2.0-only
/*
 * basic: scale: bounds on time, and on the lock of an mm
 *
 * The tests of time compare two times of the same build in the same process, and take the
 * shortest of many runs: another task of the machine can only lengthen a run.
 */
#include "driver.h"
#include "walk.h"

#define NR_RUNS		200

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static struct mmu_notifier_range range_of(unsigned int page, unsigned int pages)
{
	return (struct mmu_notifier_range){
		.mm = mm, .start = PG(page), .end = PG(page + pages),
		.event = MMU_NOTIFY_CLEAR, .flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
}

/* Register an mm with records for @nr_cpus CPUs. */
static struct pw_mm *insert_on(unsigned int nr_cpus, struct driver *d)
{
	nr_cpu_ids = nr_cpus;
	CHECK(!insert(d, 5, 1));
	return check();
}

/* Start and end an invalidation that overlaps no subscription on each CPU. */
static double miss_on_each_cpu(unsigned int page)
{
	struct mmu_notifier_range r;
	double begin = now_us();
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		shim_self()->cpu = cpu;
		r = range_of(page, 1);
		mmu_notifier_invalidate_range_start(&r);
		mmu_notifier_invalidate_range_end(&r);
	}
	return now_us() - begin;
}

/* Return: the time of an end on CPU @cpu of an invalidation that hit. */
static double end_of_a_hit(struct pw_mm *pm, unsigned int cpu)
{
	double best = 1e9, begin, time;
	struct mmu_notifier_range r;
	unsigned int i;

	shim_self()->cpu = cpu;
	for (i = 0; i < NR_RUNS; i++) {
		r = range_of(5, 1);
		mmu_notifier_invalidate_range_start(&r);
		begin = now_us();
		pw_mn_ops.invalidate_range_end(&pm->mn, &r);
		time = now_us() - begin;
		best = min(best, time);
		mmu_notifier_invalidate_range_end(&r);	/* for the shim */
	}
	return best;
}

/* R11: the end of an invalidation that hit does not look at the records of other CPUs. */
FIBER_TEST(end_of_a_hit_on_the_last_cpu)
{
	double first, last;
	struct driver d;
	struct pw_mm *pm;

	pm = insert_on(SHIM_MAX_CPUS, &d);
	miss_on_each_cpu(50);
	first = end_of_a_hit(pm, 0);
	last = end_of_a_hit(pm, SHIM_MAX_CPUS - 1);
	test_note("end of a hit: CPU 0 %.2f us, CPU 255 %.2f us", first, last);
	CHECK(last < 3 * first + 0.2);
	remove_sub(&d);
}

static void migrated_end(unsigned int from, unsigned int to, unsigned int page)
{
	struct mmu_notifier_range r;

	shim_self()->cpu = from;
	start(&r, page, 1);
	shim_self()->cpu = to;
	end(&r);
}

/* The task moves to another CPU between start and end, with a hit and without. */
FIBER_TEST(end_on_another_cpu)
{
	struct driver d, late;
	struct reader rd;
	unsigned int i;

	insert_on(SHIM_MAX_CPUS, &d);
	for (i = 0; i < 20; i++) {
		migrated_end(i, 200 + i, 5);
		migrated_end(i, 200 + i, 50);
		CHECK(!insert(&late, 50, 1));
		CHECK(!blocks(&late, &rd) && !blocks(&d, &rd));
		remove_sub(&late);
	}
	remove_sub(&d);
}

/* Return: the time of a start and end of a miss, after an insert; *insert: that of the insert. */
static double miss_after_insert(unsigned int nr_cpus, double *insert)
{
	double best = 1e9, begin, time;
	struct driver d, other;
	unsigned int i;

	insert_on(nr_cpus, &d);
	*insert = 1e9;
	for (i = 0; i < NR_RUNS; i++) {
		memset(&other, 0, sizeof(other));
		begin = now_us();
		CHECK(!pinwatch_interval_notifier_insert(&other.sub, mm, PG(900), 1, &ops));
		time = now_us() - begin;
		if (i)		/* each CPU has started an invalidation since the last */
			*insert = min(*insert, time);
		best = min(best, miss_on_each_cpu(50) / nr_cpus);
		pinwatch_interval_notifier_remove(&other.sub);
	}
	remove_sub(&d);
	return best;
}

/*
 * R12: after an insert, the first start of a CPU does not visit the records of all CPUs, and
 * the next insert does little for each record that is free again.
 */
FIBER_TEST(first_start_after_an_insert)
{
	double few, many, insert_few, insert_many;

	few = miss_after_insert(2, &insert_few);
	release();
	mmdrop(mm);
	mm = shim_mm_alloc();
	many = miss_after_insert(SHIM_MAX_CPUS, &insert_many);
	test_note("start and end: 2 CPUs %.3f us, 256 CPUs %.3f us", few, many);
	test_note("insert after a start on each: %.2f us, %.2f us", insert_few, insert_many);
	CHECK(many < 1.7 * few);
	CHECK(insert_many < 15 * insert_few);	/* a word of each record: see record.c */
}

/* Return: the shortest time of a start on CPU 0 that hits. */
static double start_of_a_hit(struct pw_mm *pm)
{
	double best = 1e9, begin, time;
	struct mmu_notifier_range r;
	unsigned int i;

	shim_self()->cpu = 0;
	for (i = 0; i < NR_RUNS; i++) {
		r = range_of(5, 1);
		begin = now_us();
		pw_mn_ops.invalidate_range_start(&pm->mn, &r);
		time = now_us() - begin;
		best = min(best, time);
		pw_mn_ops.invalidate_range_end(&pm->mn, &r);
	}
	return best;
}

/* R13: a start that hits compares the bounds of all slots in use, each once. */
FIBER_TEST(start_beside_all_slots)
{
	static struct mmu_notifier_range fill[PW_NR_OWN_SLOTS - 1];
	struct driver d, other;
	double alone, beside;
	struct pw_mm *pm;
	unsigned int i;

	pm = insert_on(SHIM_MAX_CPUS, &d);
	CHECK(!insert(&other, 30, 1));
	alone = start_of_a_hit(pm);
	for (i = 0; i < ARRAY_SIZE(fill); i++) {
		shim_self()->cpu = 10 + i;
		start(&fill[i], 30, 1);
	}
	beside = start_of_a_hit(pm);
	test_note("start of a hit: %.2f us, beside %zu slots in use %.2f us", alone,
		  ARRAY_SIZE(fill), beside);
	CHECK(beside < 3 * alone + 1);
	for (i = 0; i < ARRAY_SIZE(fill); i++)
		end(&fill[i]);
	remove_sub(&d);
	remove_sub(&other);
}

static struct shim_wq finish_wq = SHIM_WQ_INIT;
static unsigned int finish_tickets;	/* number of second passes that may return */
static unsigned int nr_finishes;
static struct driver *finish_of;	/* whose second passes are counted; NULL: all */

static bool first_pass(struct pinwatch_interval_notifier *sub,
		       const struct mmu_notifier_range *range, unsigned long seq,
		       struct pinwatch_interval_notifier_finish **finish)
{
	pinwatch_interval_set_seq(sub, seq);
	*finish = calloc(1, sizeof(**finish));
	return true;
}

static bool take_ticket(void)
{
	if (!finish_tickets)
		return false;
	finish_tickets--;
	return true;
}

static void second_pass(struct pinwatch_interval_notifier_finish *finish)
{
	shim_wait_event(&finish_wq, take_ticket(), false);
	nr_finishes += !finish_of || finish->notifier == &finish_of->sub;
	free(finish);
}

static const struct pinwatch_interval_notifier_ops ticket_ops = {
	.invalidate_start = first_pass, .invalidate_finish = second_pass,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

static void let_finish(unsigned int nr)
{
	finish_tickets += nr;
	shim_wq_wake(&finish_wq);
	shim_settle();
}

static void invalidate_main(void *arg)
{
	struct mmu_notifier_range *r = arg;

	mmu_notifier_invalidate_range_start(r);
	mmu_notifier_invalidate_range_end(r);
}

#define NR_PASSES	20	/* more than PW_SUB_FINISHES counts */

FIBER_TEST(remove_waits_for_many_second_passes)
{
	static struct mmu_notifier_range r[NR_PASSES];
	struct reader rd = { .d = NULL };
	struct driver d;
	unsigned int i;

	finish_tickets = 0;
	nr_finishes = 0;
	CHECK(!insert_ops(&d, 5, 1, &ticket_ops));
	for (i = 0; i < NR_PASSES; i++) {
		r[i] = range_of(5, 1);
		shim_spawn("invalidator", invalidate_main, &r[i]);
	}
	shim_settle();
	task_start(&rd, &d, remover_main);
	for (i = 0; i < NR_PASSES; i++) {
		CHECK(!rd.done && nr_finishes == i);
		let_finish(1);
	}
	CHECK(rd.done && nr_finishes == NR_PASSES);
}

static unsigned int nr_freed;

static void count_free(struct pinwatch_interval_notifier *sub)
{
	(void)sub;
	nr_freed++;
}

FIBER_TEST(put_is_freed_after_all_second_passes)
{
	struct pinwatch_interval_notifier_ops o = ticket_ops;
	static struct mmu_notifier_range r[2];
	struct driver d;
	unsigned int i;

	o.free = count_free;
	finish_tickets = 0;
	nr_freed = 0;
	CHECK(!insert_ops(&d, 5, 1, &o));
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		r[i] = range_of(5, 1);
		shim_spawn("invalidator", invalidate_main, &r[i]);
	}
	shim_settle();
	pinwatch_interval_notifier_put(&d.sub);
	let_finish(1);
	CHECK(!nr_freed);
	let_finish(1);
	CHECK(nr_freed == 1);
}

/* The second passes of d[2] come after those of two others. The last walk does not call d[2]. */
FIBER_TEST(remove_waits_for_second_passes_of_others)
{
	static struct mmu_notifier_range r[NR_PASSES + 1];
	struct reader rd = { .d = NULL };
	struct driver d[3];
	unsigned int i;

	finish_tickets = 0;
	nr_finishes = 0;
	finish_of = &d[2];
	for (i = 0; i < ARRAY_SIZE(d); i++)
		CHECK(!insert_ops(&d[i], 5 + i, 1, &ticket_ops));
	for (i = 0; i <= NR_PASSES; i++) {
		r[i] = range_of(5, i < NR_PASSES ? ARRAY_SIZE(d) : 1);
		shim_spawn("invalidator", invalidate_main, &r[i]);
	}
	shim_settle();
	task_start(&rd, &d[2], remover_main);
	for (i = 0; i <= NR_PASSES * ARRAY_SIZE(d); i++) {
		CHECK(rd.done == (nr_finishes == NR_PASSES));
		let_finish(1);
	}
	CHECK(rd.done && nr_finishes == NR_PASSES);
	finish_of = NULL;
	remove_sub(&d[0]);
	remove_sub(&d[1]);
}

#define NR_SUBS		100000

static struct pinwatch_interval_notifier *
insert_many(unsigned int nr, const struct pinwatch_interval_notifier_ops *o)
{
	struct pinwatch_interval_notifier *subs = calloc(nr, sizeof(*subs));
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (pinwatch_interval_notifier_insert(&subs[i], mm, PG(i), 1, o))
			FAIL("insert of %u", i);
	return subs;
}

static void remove_many(struct pinwatch_interval_notifier *subs, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		pinwatch_interval_notifier_remove(&subs[i]);
	free(subs);
}

static double remove_time(unsigned int page)
{
	double best = 1e9, begin, time;
	struct pinwatch_interval_notifier sub;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		CHECK(!pinwatch_interval_notifier_insert(&sub, mm, PG(page), 1, &ops));
		begin = now_us();
		pinwatch_interval_notifier_remove(&sub);
		time = now_us() - begin;
		best = min(best, time);
	}
	return best;
}

/* R7: a remove does not visit the pending second passes of other subscriptions. */
FIBER_TEST(remove_beside_many_second_passes)
{
	struct mmu_notifier_range r = range_of(0, NR_SUBS);
	struct pinwatch_interval_notifier *subs = insert_many(NR_SUBS, &ticket_ops);
	double alone = remove_time(NR_SUBS + 9), beside;

	finish_tickets = 0;
	shim_spawn("invalidator", invalidate_main, &r);
	shim_settle();
	beside = remove_time(NR_SUBS + 9);
	test_note("remove: %.2f us, beside %u second passes %.2f us", alone, NR_SUBS, beside);
	CHECK(beside < 3 * alone + 1);
	let_finish(NR_SUBS);
	remove_many(subs, NR_SUBS);
}

static bool accept(struct pinwatch_interval_notifier *sub,
		   const struct mmu_notifier_range *range, unsigned long seq)
{
	pinwatch_interval_set_seq(sub, seq);
	return true;
}

/* R8: the veto's search does not visit subscriptions that never sleep. */
FIBER_TEST(veto_searches_sleepers_only)
{
	static const struct pinwatch_interval_notifier_ops never = {
		.invalidate = accept, .flags = PINWATCH_OPS_NEVER_SLEEPS,
	};
	struct pinwatch_interval_notifier *subs = insert_many(NR_SUBS, &never);
	struct mmu_notifier_range r = range_of(0, NR_SUBS);
	double begin, time;
	struct driver s;
	bool found;

	CHECK(!insert_ops(&s, NR_SUBS + 5, 1, &sleeper));
	r.flags = 0;
	spin_lock(&s.sub.pm->lock);
	begin = now_us();
	found = pw_walk_has_sleeper(s.sub.pm, &r);
	time = now_us() - begin;
	spin_unlock(&s.sub.pm->lock);
	test_note("the search for a sleeper among %u others: %.1f us", NR_SUBS, time);
	CHECK(!found && time < 50);
	remove_sub(&s);
	remove_many(subs, NR_SUBS);
}

/* R9: subscriptions for whose filter no class is left, and an event that they ignore. */
FIBER_TEST(walk_drops_the_lock_over_what_declines)
{
	struct pinwatch_interval_notifier_ops o[PINWATCH_NR_FILTERS + 1];
	struct driver d[PINWATCH_NR_FILTERS];
	struct pinwatch_interval_notifier *subs;
	unsigned long nr_locked, nr_resched;
	unsigned int i;

	for (i = 0; i <= PINWATCH_NR_FILTERS; i++) {
		o[i] = ops;
		o[i].ignore_events = BIT(MMU_NOTIFY_SOFT_DIRTY) | (i ? BIT(i) : 0);
	}
	for (i = 0; i < PINWATCH_NR_FILTERS; i++)
		CHECK(!insert_ops(&d[i], NR_SUBS + 5, 1, &o[i]));
	subs = insert_many(NR_SUBS, &o[PINWATCH_NR_FILTERS]);
	nr_locked = shim_nr_locked;
	nr_resched = shim_nr_resched;
	event(0, NR_SUBS, MMU_NOTIFY_SOFT_DIRTY, NULL);
	test_note("the walk took the lock %lu times for %u subscriptions",
		  shim_nr_locked - nr_locked, NR_SUBS);
	CHECK(shim_nr_locked - nr_locked >= NR_SUBS / PW_WALK_SKIPS);
	CHECK(shim_nr_resched - nr_resched >= NR_SUBS / PW_WALK_SKIPS);
	remove_many(subs, NR_SUBS);
	for (i = 0; i < PINWATCH_NR_FILTERS; i++)
		remove_sub(&d[i]);
}

#define NR_IN_FLIGHT	20000

/* End the oldest of the invalidations in flight. Return: the shortest time of an end. */
static double end_oldest(struct mmu_notifier_range *r, unsigned int nr)
{
	double best = 1e9, begin, time;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		begin = now_us();
		mmu_notifier_invalidate_range_end(&r[i]);
		time = now_us() - begin;
		best = min(best, time);
	}
	return best;
}

/*
 * R10: with both records of the CPU in use, an end does not visit all invalidations in flight.
 */
FIBER_TEST(end_beside_many_in_flight)
{
	static struct mmu_notifier_range r[NR_IN_FLIGHT];
	double few, many;
	struct driver d;
	unsigned int i;

	CHECK(!insert(&d, 500, 1));
	for (i = 0; i < NR_IN_FLIGHT; i++) {
		r[i] = range_of(5, 1);
		mmu_notifier_invalidate_range_start(&r[i]);
	}
	many = end_oldest(r + 100, 100);
	end_oldest(r, 100);
	end_oldest(r + 200, NR_IN_FLIGHT - 300);
	few = end_oldest(r + NR_IN_FLIGHT - 100, 100);
	test_note("end: beside 100 in flight %.2f us, beside %u %.2f us", few, NR_IN_FLIGHT, many);
	CHECK(many < 4 * few + 1);
	remove_sub(&d);
}
