// SPDX-License-Identifier: GPL-2.0-only
/* basic: event filters, and the classes that subscriptions with a filter are in. */
#include "driver.h"

#define CLEAR	MMU_NOTIFY_CLEAR
#define UNMAP	MMU_NOTIFY_UNMAP

static char us, them;

static struct pinwatch_interval_notifier_ops ignoring(unsigned int events, void *owner)
{
	struct pinwatch_interval_notifier_ops o = ops;

	o.ignore_events = events;
	o.owner = owner;
	return o;
}

FIBER_TEST(ignored_event_is_not_called_for)
{
	struct pinwatch_interval_notifier_ops o = ignoring(BIT(CLEAR), NULL), bad;
	struct mmu_notifier_range r;
	struct reader rd;
	struct driver d;

	bad = ignoring(BIT(MMU_NOTIFY_RELEASE), NULL);
	CHECK(insert_ops(&d, 5, 1, &bad) == -EINVAL);
	CHECK(!insert_ops(&d, 5, 1, &o));
	start(&r, 5, 1);
	CHECK(!d.calls && !blocks(&d, &rd));
	end(&r);
	event(5, 1, UNMAP, NULL);
	CHECK(d.calls == 1 && d.events[0] == UNMAP);
	release();
	CHECK(d.calls == 3);
	remove_sub(&d);
}

FIBER_TEST(own_migrations_are_not_called_for)
{
	struct pinwatch_interval_notifier_ops o = ignoring(0, &us);
	struct driver d;

	CHECK(!insert_ops(&d, 5, 1, &o));
	event(5, 1, MMU_NOTIFY_MIGRATE, &us);
	event(5, 1, MMU_NOTIFY_EXCLUSIVE, &us);
	CHECK(!d.calls);
	event(5, 1, MMU_NOTIFY_MIGRATE, &them);
	CHECK(d.calls == 1);
	event(5, 1, CLEAR, &us);	/* only MIGRATE and EXCLUSIVE set owner */
	CHECK(d.calls == 2);
	remove_sub(&d);
}

FIBER_TEST(insert_marks_by_the_filter)
{
	struct pinwatch_interval_notifier_ops o = ignoring(BIT(CLEAR), &us);
	struct mmu_notifier_range r[3];
	struct driver d, all, first;
	struct reader rd, ra;

	CHECK(!insert(&first, 30, 1));	/* registers */
	start(&r[0], 5, 1);
	start_range(&r[2], PG(5), PG(6), MMU_NOTIFY_MIGRATE,
		    MMU_NOTIFIER_RANGE_BLOCKABLE, &us);
	CHECK(!insert_ops(&d, 5, 1, &o) && !insert(&all, 5, 1));
	CHECK(!blocks(&d, &rd) && blocks(&all, &ra));
	remove_sub(&d);
	start_range(&r[1], PG(5), PG(6), UNMAP, MMU_NOTIFIER_RANGE_BLOCKABLE, NULL);
	CHECK(!insert_ops(&d, 5, 1, &o));
	CHECK(blocks(&d, &rd));
	end(&r[1]);
	shim_settle();
	CHECK(rd.done && !ra.done);
	end(&r[2]);
	end(&r[0]);
	shim_settle();
	CHECK(ra.done && pinwatch_interval_read_retry(&all.sub, ra.seq));	/* r[1] */
	CHECK(!blocks(&all, &ra) && !pinwatch_interval_read_retry(&all.sub, ra.seq));
	remove_sub(&d);
	remove_sub(&all);
	remove_sub(&first);
}

FIBER_TEST(several_in_flight_and_one_ignored)
{
	struct pinwatch_interval_notifier_ops o = ignoring(BIT(CLEAR), NULL);
	struct mmu_notifier_range a, b;
	struct reader rd;
	struct driver d;

	CHECK(!insert_ops(&d, 5, 1, &o));
	start_range(&a, PG(5), PG(6), UNMAP, MMU_NOTIFIER_RANGE_BLOCKABLE, NULL);
	start(&b, 5, 1);
	CHECK(blocks(&d, &rd));
	end(&a);
	shim_settle();
	CHECK(rd.done && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	end(&b);
	remove_sub(&d);
}

FIBER_TEST(more_filters_than_classes)
{
	struct pinwatch_interval_notifier_ops o[6];
	struct driver d[7];
	unsigned int i;

	for (i = 0; i < 6; i++) {	/* UNMAP, CLEAR, VMA, PAGE, SOFT_DIRTY, us */
		o[i] = ignoring(i < 5 ? BIT(i) : 0, i < 5 ? NULL : &us);
		CHECK(!insert_ops(&d[i], 5, 1, &o[i]));
	}
	CHECK(!insert(&d[6], 5, 1));
	CHECK(check()->nr_classes == PW_CLASS_SLEEPS);
	CHECK(pw_sub_class(&d[2].sub) == 3 && pw_sub_class(&d[3].sub) == 0);
	for (i = 0; i < 5; i++)
		event(5, 1, i, NULL);
	event(5, 1, MMU_NOTIFY_MIGRATE, &us);
	for (i = 0; i < 6; i++)
		if (d[i].calls != 5)
			FAIL("filter %u: %u calls", i, d[i].calls);
	CHECK(d[6].calls == 6);
	for (i = 0; i < 7; i++)
		remove_sub(&d[i]);
}

FIBER_TEST(emptied_class_is_used_again)
{
	struct pinwatch_interval_notifier_ops o[5];
	struct driver d[5];
	unsigned int i;

	for (i = 0; i < 5; i++)
		o[i] = ignoring(BIT(i), NULL);
	for (i = 0; i < 4; i++)
		CHECK(!insert_ops(&d[i], 5, 1, &o[i]));
	remove_sub(&d[1]);
	CHECK(!insert_ops(&d[4], 5, 1, &o[4]));
	CHECK(pw_sub_class(&d[4].sub) == 2);
	event(5, 1, 1, NULL);		/* the class ignored event 1 before */
	event(5, 1, 4, NULL);
	CHECK(d[4].calls == 1 && d[0].calls == 2 && d[3].calls == 2);
	/* The same filter gets the same class. */
	CHECK(!insert_ops(&d[1], 5, 1, &o[0]) && pw_sub_class(&d[1].sub) == 1);
	for (i = 0; i < 5; i++)
		remove_sub(&d[i]);
}

/* The cursor's subscription, the only one of its class, is removed. */
FIBER_TEST(cursor_moves_through_classes)
{
	struct pinwatch_interval_notifier_ops o[3];
	static struct driver d[PW_WALK_BATCH], f[4];
	struct mmu_notifier_range r;
	unsigned int i;

	for (i = 0; i < PW_WALK_BATCH; i++)
		CHECK(!insert(&d[i], 0, 1));
	for (i = 0; i < 3; i++) {
		o[i] = ignoring(BIT(2 + i), NULL);
		CHECK(!insert_ops(&f[i], 1 + i, 1, &o[i]));
	}
	d[0].hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	remove_sub(&f[0]);		/* the cursor, alone in its class */
	o[0] = ignoring(BIT(UNMAP), NULL);
	CHECK(!insert_ops(&f[3], 1, 1, &o[0]) && pw_sub_class(&f[3].sub) == 1);
	let(&d[0]);
	CHECK(f[1].calls == 1 && f[2].calls == 1);
	CHECK(!f[3].calls && f[3].sub.invalidate_seq == d[0].seq);
	end_other(&r);
	for (i = 0; i < PW_WALK_BATCH; i++) {
		CHECK(d[i].calls == 1);
		remove_sub(&d[i]);
	}
	for (i = 1; i < 4; i++)
		remove_sub(&f[i]);
}

FIBER_TEST(hole_between_classes)
{
	struct pinwatch_interval_notifier_ops o = ignoring(BIT(UNMAP), NULL);
	struct mmu_notifier_range r;
	struct driver low, high;
	unsigned int page;

	CHECK(!insert(&low, 2, 1) && !insert_ops(&high, 10, 1, &o));
	for (page = 3; page < 10; page++) {
		start(&r, page, 1);
		end(&r);
	}
	CHECK(!low.calls && !high.calls);
	start(&r, 9, 2);
	end(&r);
	start(&r, 2, 1);
	end(&r);
	start(&r, 4, 1);
	end(&r);
	start(&r, 10, 1);
	end(&r);
	CHECK(low.calls == 1 && high.calls == 2);
	remove_sub(&low);
	remove_sub(&high);
}
