// SPDX-License-Identifier: GPL-2.0-only
/* basic: invalidations in two passes, and put. */
#include "driver.h"

FIBER_TEST(finishes_in_order_after_all_firsts)
{
	static struct driver d[PW_WALK_BATCH + 4];
	char firsts[32] = "", both[64];
	struct mmu_notifier_range r;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(d); i++) {
		CHECK(!insert_ops(&d[i], i, 1, i == 3 ? &ops : &two_pass));
		d[i].name = 'a' + i;
		d[i].one_pass = i == 5;
		firsts[i] = 'a' + i;
	}
	d[7].lie = true;	/* no second pass follows a first pass that failed */
	start(&r, 0, 20);
	snprintf(both, sizeof(both), "%sABCEGIJKLMNOPQRST", firsts);
	if (strcmp(order, both))
		FAIL("%s, not %s", order, both);
	end(&r);
	for (i = 0; i < (int)ARRAY_SIZE(d); i++)
		remove_sub(&d[i]);
}

/* Another user made the walk long: the walk of a blockable range is preemptible. */
FIBER_TEST(long_walk_reschedules)
{
	static struct driver d[3 * PW_WALK_BATCH];
	struct mmu_notifier_range r;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(d); i++)
		CHECK(!insert_ops(&d[i], i, 1, &ops));
	shim_nr_resched = 0;
	start(&r, 0, PW_WALK_BATCH);	/* one batch */
	end(&r);
	CHECK(!shim_nr_resched);
	start(&r, 0, ARRAY_SIZE(d));
	end(&r);
	CHECK(shim_nr_resched == 2);
	CHECK(!start_nonblock(&r, 0, ARRAY_SIZE(d)));
	end(&r);
	CHECK(shim_nr_resched == 2);
	for (i = 0; i < (int)ARRAY_SIZE(d); i++)
		remove_sub(&d[i]);
}

static struct driver many[2 * PW_WALK_BATCH];
static unsigned int nr_removed;

/* Remove the first subscription of each batch, while the walk is preempted. */
static void remove_first_of_each_batch(void)
{
	struct reader r;
	unsigned int i;

	shim_on_resched = NULL;
	for (i = 0; i < ARRAY_SIZE(many); i += PW_WALK_BATCH) {
		task_start(&r, &many[i], remover_main);
		nr_removed += r.done;
	}
}

FIBER_TEST(remove_waits_for_no_preempted_walk)
{
	struct mmu_notifier_range r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(many); i++)
		CHECK(!insert(&many[i], i, 1));
	nr_removed = 0;
	shim_on_resched = remove_first_of_each_batch;
	start(&r, 0, ARRAY_SIZE(many));
	end(&r);
	CHECK(nr_removed == 2 && !shim_on_resched);
	CHECK(many[0].calls == 1 && !many[PW_WALK_BATCH].calls);
	for (i = 0; i < ARRAY_SIZE(many); i++)
		if (i % PW_WALK_BATCH)
			remove_sub(&many[i]);
}

FIBER_TEST(long_second_pass_reschedules)
{
	static struct driver d[2 * PW_WALK_BATCH];
	struct mmu_notifier_range r;
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(d); i++)
		CHECK(!insert_ops(&d[i], i, 1, &two_pass));
	shim_nr_resched = 0;
	start(&r, 0, ARRAY_SIZE(d));
	end(&r);
	CHECK(shim_nr_resched == 1 + ARRAY_SIZE(d));
	for (i = 0; i < (int)ARRAY_SIZE(d); i++)
		remove_sub(&d[i]);
}

FIBER_TEST(reader_waits_beyond_the_second_pass)
{
	struct mmu_notifier_range r;
	struct reader rd;
	struct driver d;

	CHECK(!insert_ops(&d, 5, 1, &two_pass));
	start(&r, 5, 1);
	CHECK(d.calls == 1 && d.finishes == 1);
	CHECK(blocks(&d, &rd));
	end(&r);
	shim_settle();
	CHECK(rd.done && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	remove_sub(&d);
}

FIBER_TEST(remove_waits_for_the_second_pass)
{
	struct mmu_notifier_range r;
	struct driver a, b;
	struct reader ra;

	CHECK(!insert_ops(&a, 1, 1, &two_pass) && !insert(&b, 2, 1));
	b.hold = true;
	a.hold_finish = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	CHECK(a.done == 1 && b.calls == 1 && !a.finishes);
	task_start(&ra, &a, remover_main);
	CHECK(!ra.done);			/* the second pass has not begun */
	let(&b);
	CHECK(!ra.done && !a.finishes);	/* the second pass is held */
	let(&a);
	CHECK(ra.done && a.finishes == 1);
	end_other(&r);
	remove_sub(&b);
}

FIBER_TEST(put_is_freed_after_the_second_pass)
{
	struct mmu_notifier_range r;
	struct driver a, b;

	CHECK(!insert_ops(&a, 1, 1, &two_pass) && !insert(&b, 2, 1));
	b.hold = true;
	a.hold_finish = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	pinwatch_interval_notifier_put(&a.sub);
	shim_settle();
	CHECK(!a.freed);
	let(&b);
	CHECK(!a.freed && !a.finishes);
	let(&a);
	CHECK(a.freed == 1 && a.finishes == 1);
	end_other(&r);
	remove_sub(&b);
}

FIBER_TEST(put_from_its_own_callback)
{
	struct mmu_notifier_range r;
	struct driver d, two;

	CHECK(!insert(&d, 5, 1) && !insert_ops(&two, 6, 1, &two_pass));
	d.puts = &d;
	two.puts = &two;
	start(&r, 5, 2);
	CHECK(d.calls == 1 && d.freed == 1);
	CHECK(two.calls == 1 && two.finishes == 1 && two.freed == 1);
	end(&r);
	start(&r, 5, 2);
	CHECK(d.calls == 1 && two.calls == 1);
	end(&r);
}

/* Puts a subscription that waits in the batch, the cursor, and one already called. */
FIBER_TEST(put_from_anothers_callback)
{
	static struct driver d[PW_WALK_BATCH + 2];
	struct mmu_notifier_range r;
	int i;

	for (i = 0; i < PW_WALK_BATCH + 2; i++)
		CHECK(!insert(&d[i], i, 1));
	d[1].puts = &d[4];
	d[2].puts = &d[PW_WALK_BATCH];
	d[5].puts = &d[3];
	start(&r, 0, 20);
	CHECK(!d[4].calls && d[4].freed == 1);
	CHECK(!d[PW_WALK_BATCH].calls && d[PW_WALK_BATCH].freed == 1);
	CHECK(d[3].calls == 1 && d[3].freed == 1);
	CHECK(d[PW_WALK_BATCH + 1].calls == 1);
	end(&r);
	for (i = 0; i < PW_WALK_BATCH + 2; i++)
		if (!d[i].freed)
			remove_sub(&d[i]);
}

static void hold_main(void *arg)
{
	struct mmu_notifier_range *r = arg;

	mmu_notifier_invalidate_range_start(r);
	mmu_notifier_invalidate_range_end(r);
}

/* Two walks run the callback at once: the last walk frees the subscription, once. */
static void put_while_running_twice(const struct pinwatch_interval_notifier_ops *o)
{
	struct mmu_notifier_range r[2];
	struct driver d;
	int i;

	CHECK(!insert_ops(&d, 5, 1, o));
	d.hold_events = BIT(MMU_NOTIFY_UNMAP) | BIT(MMU_NOTIFY_CLEAR);
	d.one_pass = true;
	for (i = 0; i < 2; i++) {
		r[i] = (struct mmu_notifier_range){
			.mm = mm, .start = PG(5), .end = PG(6),
			.event = i ? MMU_NOTIFY_UNMAP : MMU_NOTIFY_CLEAR,
			.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
		};
		shim_spawn("invalidator", hold_main, &r[i]);
	}
	shim_settle();
	CHECK(d.calls == 2 && !d.done);
	pinwatch_interval_notifier_put(&d.sub);
	CHECK(!d.freed);
	d.hold_events = BIT(MMU_NOTIFY_UNMAP);
	shim_wq_wake(&d.wq);
	shim_settle();
	CHECK(d.done == 1 && !d.freed);
	let(&d);
	CHECK(d.done == 2 && d.freed == 1);
}

FIBER_TEST(put_while_running_twice)
{
	put_while_running_twice(&ops);
	put_while_running_twice(&two_pass);
}

static void barrier_main(void *arg)
{
	struct reader *r = arg;

	pinwatch_interval_notifier_barrier();
	r->done = true;
}

FIBER_TEST(barrier_waits_for_free)
{
	struct mmu_notifier_range r;
	struct driver d, idle;
	struct reader rb;

	CHECK(!insert(&d, 5, 1) && !insert(&idle, 6, 1));
	pinwatch_interval_notifier_put(&idle.sub);
	CHECK(idle.freed == 1);
	task_start(&rb, NULL, barrier_main);
	CHECK(rb.done);
	d.hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	pinwatch_interval_notifier_put(&d.sub);
	task_start(&rb, NULL, barrier_main);
	CHECK(!rb.done && !d.freed);
	let(&d);
	CHECK(rb.done && d.freed == 1);
	end_other(&r);
}

static void free_when_let(struct pinwatch_interval_notifier *sub)
{
	struct driver *d = container_of(sub, struct driver, sub);

	shim_wait_event(&d->wq, !d->hold, false);
	d->freed++;
}

static void putter_main(void *arg)
{
	pinwatch_interval_notifier_put(&((struct driver *)arg)->sub);
}

/* Another task's put runs ops->free(), outside of a notifier call. */
FIBER_TEST(barrier_waits_for_a_put)
{
	struct pinwatch_interval_notifier_ops o = ops;
	struct reader rb;
	struct driver d;

	o.free = free_when_let;
	CHECK(!insert_ops(&d, 5, 1, &o));
	d.hold = true;
	shim_spawn("putter", putter_main, &d);
	shim_settle();
	task_start(&rb, NULL, barrier_main);
	CHECK(!rb.done && !d.freed);
	let(&d);
	CHECK(rb.done && d.freed == 1);
}

static void invalidate_twice_main(void *arg)
{
	struct mmu_notifier_range r;
	int i;

	(void)arg;
	for (i = 0; i < 2; i++) {
		start(&r, 5, 1);
		end(&r);
	}
}

RACE_TEST(put_races_with_walks, 2000)
{
	struct driver d, two;
	int i;

	CHECK(!insert(&d, 5, 1) && !insert_ops(&two, 5, 1, &two_pass));
	two.one_pass = true;		/* struct driver has only one finish object */
	for (i = 0; i < 2; i++)
		shim_spawn("invalidator", invalidate_twice_main, NULL);
	for (i = shim_rand(16); i; i--)
		shim_yield();
	pinwatch_interval_notifier_put(&d.sub);
	pinwatch_interval_notifier_put(&two.sub);
	pinwatch_interval_notifier_barrier();
	CHECK(d.freed == 1 && two.freed == 1);
	shim_settle();
}
