// SPDX-License-Identifier: GPL-2.0-only
/* basic: failures that take a fault or a signal, and races of two tasks at one step. */
#include <linux/workqueue.h>
#include "driver.h"

static void driver_init(struct driver *d)
{
	memset(d, 0, sizeof(*d));
	shim_wq_init(&d->wq);
}

static int insert_locked(struct driver *d, unsigned long length,
			 const struct pinwatch_interval_notifier_ops *o)
{
	int ret;

	driver_init(d);
	mmap_write_lock(mm);
	ret = pinwatch_interval_notifier_insert_locked(&d->sub, mm, PG(5), length, o);
	mmap_write_unlock(mm);
	check();
	return ret;
}

FIBER_TEST(init_without_memory)
{
	unsigned int i;

	pw_core_exit();
	shim_module_reload();
	CHECK(!shim_nr_workqueues);
	for (i = 1; i <= 2; i++) {
		shim_fail_workqueue = i;
		CHECK(pw_core_init() == -ENOMEM && !shim_nr_workqueues);
	}
	CHECK(!pw_core_init() && shim_nr_workqueues == 2);
}

FIBER_TEST(errors_under_the_mmap_lock)
{
	struct pinwatch_interval_notifier_ops bad = ops;
	struct driver d;

	bad.flags = BIT(7);
	CHECK(insert_locked(&d, 0, &ops) == -EOVERFLOW);
	CHECK(insert_locked(&d, 1, &bad) == -EINVAL);
	CHECK(!pw_mm_lookup(mm));
	shim_self()->fatal_signal = true;
	CHECK(insert_locked(&d, 1, &ops) == -EINTR);
	shim_self()->fatal_signal = false;
	CHECK(!pw_mm_lookup(mm) && shim_nr_allocs() == 1);
}

/* The kernel stops the insert of the first veto. The next insert finds the spare veto. */
FIBER_TEST(fatal_signal_stops_the_first_veto)
{
	struct mmu_notifier_range r;
	struct driver s, plain;

	CHECK(!insert(&plain, 80, 1));
	shim_self()->fatal_signal = true;
	CHECK(insert_locked(&s, PAGE_SIZE, &sleeper) == -EINTR);
	shim_self()->fatal_signal = false;
	CHECK(RB_EMPTY_ROOT(&check()->vetoes) && check()->spare_veto);
	CHECK(check()->nr_subs == 1);
	CHECK(!start_nonblock(&r, 5, 1));
	end(&r);
	mm->unstable = false;
	CHECK(!insert_locked(&s, PAGE_SIZE, &sleeper) && check()->nr_vetoes == 1);
	shim_settle();
	CHECK(start_nonblock(&r, 5, 1) == -EAGAIN && !s.calls);
	remove_sub(&s);
	remove_sub(&plain);
}

/* Without the mmap lock, the insert of a later veto may wait for memory. */
FIBER_TEST(sleeper_waits_for_memory)
{
	struct mmu_notifier_range r;
	struct driver first, s;

	CHECK(!insert_ops(&first, 6, 1, &sleeper));
	shim_settle();
	shim_fail_nowait = 256;
	CHECK(!insert_ops(&s, 40000, 1, &sleeper) && check()->nr_vetoes == 2);
	shim_fail_nowait = 0;
	shim_settle();
	CHECK(start_nonblock(&r, 40000, 1) == -EAGAIN);
	remove_sub(&s);
	remove_sub(&first);
}

/* The flags rule, and not the flags in the ops, which the kernel's ops do not have. */
FIBER_TEST(insert_with_flags)
{
	struct mmu_notifier_range r;
	struct driver d;

	driver_init(&d);
	CHECK(pw_sub_insert_flags(&d.sub, mm, PG(5), 0, &ops, 0, false) == -EOVERFLOW);
	CHECK(!pw_sub_insert_flags(&d.sub, mm, PG(5), 1, &ops, PW_SUB_SLEEPS, false));
	CHECK(start_nonblock(&r, 5, 1) == -EAGAIN && !d.calls);
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(d.calls == 1);
	remove_sub(&d);
	mmap_write_lock(mm);
	mm->unstable = false;
	CHECK(!pw_sub_insert_flags(&d.sub, mm, PG(5), 1, &two_pass, PW_SUB_TWO_PASS, true));
	mmap_write_unlock(mm);
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(d.calls == 2 && d.finishes == 1);
	remove_sub(&d);
}

FIBER_TEST(two_passes_precede_one)
{
	struct pinwatch_interval_notifier_ops o = two_pass;
	struct driver d;

	o.invalidate = ops.invalidate;
	CHECK(!insert_ops(&d, 5, 1, &o));
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(d.calls == 1 && d.finishes == 1);
	remove_sub(&d);
	o.invalidate_finish = NULL;
	CHECK(insert_ops(&d, 5, 1, &o) == -EINVAL);
}

FIBER_TEST(put_without_free)
{
	struct pinwatch_interval_notifier_ops o = ops;
	struct driver d;

	o.free = NULL;
	CHECK(!insert_ops(&d, 5, 1, &o));
	pinwatch_interval_notifier_put(&d.sub);
	pinwatch_interval_notifier_barrier();
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(!d.calls && !check()->nr_subs);
}

/* A blockable range: the return value changes nothing, and is reported. */
FIBER_TEST(false_is_reported)
{
	struct driver d[2];
	unsigned long warned = shim_nr_warned;

	CHECK(!insert(&d[0], 5, 1) && !insert(&d[1], 6, 1));
	d[0].lie = true;
	event(5, 2, MMU_NOTIFY_CLEAR, NULL);
	CHECK(d[0].calls == 1 && d[1].calls == 1 && shim_nr_warned == warned + 1);
	event(5, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(d[0].calls == 2 && shim_nr_warned == warned + 2);
	remove_sub(&d[0]);
	remove_sub(&d[1]);
}

/* The only subscription that is left to the walk, its cursor, is put. */
FIBER_TEST(last_cursor_is_put)
{
	static struct driver d[PW_WALK_BATCH + 1];
	struct mmu_notifier_range r;
	unsigned int i;

	for (i = 0; i <= PW_WALK_BATCH; i++)
		CHECK(!insert(&d[i], i, 1));
	d[3].puts = &d[PW_WALK_BATCH];
	start(&r, 0, 20);
	end(&r);
	for (i = 0; i < PW_WALK_BATCH; i++) {
		CHECK(d[i].calls == 1);
		remove_sub(&d[i]);
	}
	CHECK(!d[i].calls && d[i].freed == 1);
}

/* More are inserted before the cursor of a walk than the walk skips under the lock. */
FIBER_TEST(walk_skips_any_number)
{
	static struct driver d[PW_WALK_BATCH], late[PW_WALK_SKIPS + PW_WALK_BATCH], last;
	struct mmu_notifier_range r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(d); i++)
		CHECK(!insert(&d[i], i, 1));
	CHECK(!insert(&last, 19, 1));
	d[0].hold = true;
	shim_spawn("invalidator", started_main, &r);
	shim_settle();
	for (i = 0; i < ARRAY_SIZE(late); i++)
		CHECK(!insert(&late[i], 19, 1) && late[i].sub.invalidate_seq == d[0].seq);
	remove_sub(&last);
	CHECK(!insert(&last, 18, 1));
	let(&d[0]);
	end_other(&r);
	CHECK(!last.calls);
	remove_sub(&last);
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		CHECK(d[i].calls == 1);
		remove_sub(&d[i]);
	}
	for (i = 0; i < ARRAY_SIZE(late); i++) {
		CHECK(!late[i].calls);
		remove_sub(&late[i]);
	}
}

/* More sleepers decline a range than the veto can ask under the lock: it refuses the range. */
FIBER_TEST(veto_refuses_what_it_cannot_search)
{
	struct pinwatch_interval_notifier_ops o[PINWATCH_NR_FILTERS + 1];
	static struct driver d[PW_WALK_SKIPS + 1];
	struct driver other[PINWATCH_NR_FILTERS];
	struct mmu_notifier_range r;
	unsigned int i;

	for (i = 0; i <= PINWATCH_NR_FILTERS; i++) {
		o[i] = sleeper;
		o[i].ignore_events = BIT(MMU_NOTIFY_CLEAR);
		if (i < PINWATCH_NR_FILTERS) {	/* so that no class is left */
			o[i].ignore_events |= BIT(MMU_NOTIFY_PROTECTION_VMA + i);
			CHECK(!insert_ops(&other[i], 40, 1, &o[i]));
		}
	}
	for (i = 0; i < PW_WALK_SKIPS; i++)
		CHECK(!insert_ops(&d[i], 5, 1, &o[PINWATCH_NR_FILTERS]));
	CHECK(pw_sub_class(&d[0].sub) == PW_CLASS_SLEEPS);
	shim_settle();
	CHECK(!start_nonblock(&r, 5, 1));
	end(&r);
	mm->unstable = false;
	CHECK(!insert_ops(&d[i], 5, 1, &o[PINWATCH_NR_FILTERS]));
	CHECK(start_nonblock(&r, 5, 1) == -EAGAIN);
	for (i = 0; i <= PW_WALK_SKIPS; i++) {
		CHECK(!d[i].calls);
		remove_sub(&d[i]);
	}
	for (i = 0; i < PINWATCH_NR_FILTERS; i++)
		remove_sub(&other[i]);
}

/* Release cuts off the ends of invalidations that have records of no CPU. */
FIBER_TEST(release_frees_records)
{
	struct mmu_notifier_range r[PW_SPARE_RECORDS + 4];
	struct driver d;
	long allocs;
	unsigned int i;

	CHECK(!insert(&d, 5, 1));
	allocs = shim_nr_allocs();
	for (i = 0; i < ARRAY_SIZE(r); i++)
		start(&r[i], 50, 1);
	CHECK(shim_nr_allocs() == allocs + 2);
	release();
	for (i = 0; i < ARRAY_SIZE(r); i++)
		end(&r[i]);
	remove_sub(&d);
	shim_flush();
	CHECK(shim_nr_allocs() == 1);		/* the mm */
}

/* An invalidation that has no record marks only subscriptions that insert adds in its range. */
FIBER_TEST(insert_beside_a_start_without_a_record)
{
	struct mmu_notifier_range r[PW_SPARE_RECORDS + 2], lost;
	struct driver first, in, out;
	struct reader ri, ro;
	unsigned int i;

	CHECK(!insert(&first, 80, 1));
	for (i = 0; i < ARRAY_SIZE(r); i++)
		start(&r[i], 50, 1);
	shim_fail_nowait = 256;
	start(&lost, 5, 1);
	shim_fail_nowait = 0;
	CHECK(!insert(&in, 5, 1) && !insert(&out, 6, 1));
	CHECK(blocks(&in, &ri) && !blocks(&out, &ro));
	end(&lost);
	shim_settle();
	CHECK(ri.done && !pinwatch_interval_read_retry(&in.sub, ri.seq));
	for (i = 0; i < ARRAY_SIZE(r); i++)
		end(&r[i]);
	remove_sub(&first);
	remove_sub(&in);
	remove_sub(&out);
}

static struct mmu_notifier_range reused;

/* The caller of insert holds the lock, so the validator would wait. */
static void reuse_main(void *arg)
{
	struct mmu_notifier_range *r = arg;

	shim_self()->cpu = 0;
	shim_self()->section_depth++;
	mmu_notifier_invalidate_range_end(r);
	r->start = PG(50);
	r->end = PG(51);
	mmu_notifier_invalidate_range_start(r);
}

/* Between two looks of insert, a range ends, and another with the same key takes the record. */
SWITCH_TEST(record_is_reused_while_insert_looks)
{
	struct driver d, first;
	struct reader rd;

	CHECK(!insert(&first, 80, 1));
	start(&reused, 5, 1);
	shim_spawn("invalidator", reuse_main, &reused);
	CHECK(!insert(&d, 5, 1));
	shim_settle();
	CHECK(!blocks(&d, &rd) && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	end_other(&reused);
	remove_sub(&d);
	remove_sub(&first);
}

static void exit_main(void *arg)
{
	mmput(arg);
}

/* The process exits at each step of a caller that wants its memory to stay. */
SWITCH_TEST(users_race_with_exit)
{
	struct driver d;
	bool held;

	CHECK(!insert(&d, 5, 1));
	mmgrab(mm);
	shim_spawn("exit", exit_main, mm);
	held = pw_mm_hold_users(d.sub.pm);
	CHECK(!held || !d.calls);
	if (held && pw_mm_drop_users(d.sub.pm))
		mmput(mm);
	shim_settle();
	CHECK(d.calls == 2 && !pw_mm_hold_users(d.sub.pm));
	remove_sub(&d);
}

/* Release and module exit both drop the registration: one of them puts the mm. */
SWITCH_TEST(exit_races_with_release)
{
	struct mm_struct *other = shim_mm_alloc();
	struct driver d;

	driver_init(&d);
	CHECK(!pinwatch_interval_notifier_insert(&d.sub, other, PG(5), 1, &ops));
	remove_sub(&d);
	shim_spawn("exit", exit_main, other);
	pw_core_exit();
	shim_settle();
	shim_module_reload();
	CHECK(shim_nr_allocs() == 1 && !pw_core_init());
}

/*
 * The idle worker has found the mm, and release closes it, or drops its registration: the worker
 * leaves the mm alone.
 */
static void idle_worker_meets_release(bool subscribed)
{
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	remove_sub(&d);			/* arms the worker */
	CHECK(!subscribed || !insert(&d, 5, 1));
	d.hold = true;
	mmgrab(mm);
	shim_tick(2000);
	shim_spawn("exit", exit_main, mm);
	shim_settle();
	CHECK(!check() && d.calls == subscribed);
	if (!subscribed)
		return;
	let(&d);
	CHECK(d.done == 2);
	remove_sub(&d);
}

SWITCH_TEST(idle_worker_meets_release_of_a_subscription)
{
	idle_worker_meets_release(true);
}

SWITCH_TEST(idle_worker_meets_release_of_an_idle_mm)
{
	idle_worker_meets_release(false);
}

static void insert_main(void *arg)
{
	struct reader *r = arg;

	r->ret = insert(r->d, 5, 1);
	r->done = true;
}

/* Insert at each step of the idle worker: also when that has closed the mm, which it finds. */
SWITCH_TEST(idle_worker_meets_insert)
{
	struct mmu_notifier_range r;
	struct reader ri;
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	remove_sub(&d);			/* arms the worker */
	shim_tick(2000);
	task_start(&ri, &d, insert_main);
	shim_settle();
	CHECK(ri.done && !ri.ret && check());
	start(&r, 5, 1);
	CHECK(d.calls == 1);
	end(&r);
	remove_sub(&d);
}
