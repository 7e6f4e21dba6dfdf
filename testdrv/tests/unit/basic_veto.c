// SPDX-License-Identifier: GPL-2.0-only
/* basic: subscriptions that may sleep, and ranges that are not blockable. */
#include "driver.h"

static u64 vetoes(void)
{
	struct pw_core_stats stats;

	pw_core_stats(&stats);
	return stats.vetoes;
}

/* A subscription of the kernel's own mmu_interval_notifier in the same mm */
struct native {
	struct mmu_interval_notifier mni;
	struct shim_wq wq;
	bool hold, done;
};

static bool native_invalidate(struct mmu_interval_notifier *mni,
			      const struct mmu_notifier_range *range, unsigned long seq)
{
	struct native *n = container_of(mni, struct native, mni);

	mmu_interval_set_seq(mni, seq);
	shim_wait_event(&n->wq, !n->hold, false);
	return true;
}

static const struct mmu_interval_notifier_ops native_ops = {
	.invalidate = native_invalidate,
};

static void native_insert(struct native *n)
{
	memset(n, 0, sizeof(*n));
	shim_wq_init(&n->wq);
	CHECK(!mmu_interval_notifier_insert(&n->mni, mm, PG(0), 100 * PAGE_SIZE, &native_ops));
}

static void native_main(void *arg)
{
	struct native *n = arg;

	mmu_interval_read_begin(&n->mni);
	mmu_interval_notifier_remove(&n->mni);
	n->done = true;
}

FIBER_TEST(sleeper_is_never_called_nonblocking)
{
	struct mmu_notifier_range r;
	struct driver s, plain;
	u64 before = vetoes();

	CHECK(!insert(&plain, 5, 3) && !insert_ops(&s, 6, 1, &sleeper));
	CHECK(start_nonblock(&r, 5, 2) == -EAGAIN);
	CHECK(!s.calls && !plain.calls && vetoes() == before + 1);
	CHECK(!start_nonblock(&r, 5, 1));		/* not the pages of s */
	CHECK(plain.calls == 1 && !s.calls && vetoes() == before + 1);
	end(&r);
	event(6, 1, MMU_NOTIFY_CLEAR, NULL);
	CHECK(s.calls == 1 && plain.calls == 2);
	remove_sub(&s);
	CHECK(!start_nonblock(&r, 5, 2) && plain.calls == 3);
	end(&r);
	remove_sub(&plain);
}

FIBER_TEST(veto_minds_filters)
{
	struct pinwatch_interval_notifier_ops o = sleeper;
	struct mmu_notifier_range r;
	struct driver s;

	o.ignore_events = BIT(MMU_NOTIFY_CLEAR);
	CHECK(!insert_ops(&s, 6, 1, &o));
	CHECK(!start_nonblock(&r, 5, 2));
	end(&r);
	CHECK(start_range(&r, PG(5), PG(7), MMU_NOTIFY_UNMAP, 0, NULL) == -EAGAIN);
	CHECK(!s.calls);
	remove_sub(&s);
}

FIBER_TEST(veto_blocks_no_native_notifier)
{
	struct mmu_notifier_range r;
	struct native before, after;
	struct driver s;

	native_insert(&before);
	CHECK(!insert_ops(&s, 6, 1, &sleeper));
	native_insert(&after);
	CHECK(start_nonblock(&r, 5, 2) == -EAGAIN);
	shim_spawn("native reader", native_main, &before);
	shim_spawn("native reader", native_main, &after);
	shim_settle();
	CHECK(before.done && after.done);
	remove_sub(&s);
}

static void inserter_main(void *arg)
{
	struct reader *r = arg;

	r->ret = insert_ops(r->d, 6, 1, &sleeper);
	r->done = true;
}

/* A sleeper is inserted after the veto has let a non-blockable range pass. */
FIBER_TEST(insert_settles_with_the_veto)
{
	struct mmu_notifier_range r;
	struct driver first, s;
	struct reader ri;

	CHECK(!insert_ops(&first, 30, 1, &sleeper));
	CHECK(!start_nonblock(&r, 5, 2));
	task_start(&ri, &s, inserter_main);
	CHECK(!ri.done);
	end(&r);
	shim_settle();
	CHECK(ri.done && !ri.ret && !s.calls);
	remove_sub(&s);
	remove_sub(&first);
}

static void nonblock_main(void *arg)
{
	struct mmu_notifier_range *r = arg;

	if (start_nonblock(r, 5, 2))
		shim_die("refused");
}

/* The same, but before the start of pinwatch: the walk skips the sleeper. */
FIBER_TEST(insert_between_the_veto_and_start)
{
	struct mmu_notifier_range r;
	struct driver first, s, plain;
	struct native n;
	struct reader ri;

	native_insert(&n);		/* called between the veto and pinwatch */
	CHECK(!insert_ops(&first, 30, 1, &sleeper) && !insert(&plain, 6, 1));
	n.hold = true;
	shim_spawn("oom reaper", nonblock_main, &r);
	shim_settle();
	task_start(&ri, &s, inserter_main);
	CHECK(!ri.done);
	n.hold = false;
	shim_wq_wake(&n.wq);
	shim_settle();
	CHECK(!ri.done && !s.calls && plain.calls == 1);
	end_other(&r);
	shim_settle();
	CHECK(ri.done && !ri.ret && !s.calls);
	remove_sub(&s);
	remove_sub(&first);
	remove_sub(&plain);
	mmu_interval_notifier_remove(&n.mni);
}

FIBER_TEST(first_sleeper_waits_for_the_kernel)
{
	struct mmu_notifier_range r;
	struct native n;
	struct driver s;
	struct reader ri;

	native_insert(&n);
	start(&r, 50, 1);
	task_start(&ri, &s, inserter_main);
	CHECK(!ri.done);			/* the kernel defers the insert of the veto */
	end(&r);
	shim_settle();
	CHECK(ri.done && !ri.ret);
	CHECK(start_nonblock(&r, 6, 1) == -EAGAIN);
	mmu_interval_notifier_remove(&n.mni);
	remove_sub(&s);
}

FIBER_TEST(first_sleeper_under_the_mmap_lock)
{
	struct mmu_notifier_range r;
	struct driver s;

	memset(&s, 0, sizeof(s));
	shim_wq_init(&s.wq);
	mmap_write_lock(mm);
	CHECK(!pinwatch_interval_notifier_insert_locked(&s.sub, mm, PG(6), PAGE_SIZE, &sleeper));
	mmap_write_unlock(mm);
	CHECK(start_nonblock(&r, 6, 1) == -EAGAIN);
	remove_sub(&s);
}

FIBER_TEST(sleeper_errors)
{
	struct driver s, plain;

	CHECK(!insert(&plain, 5, 1));
	shim_fail_kernel = true;
	CHECK(insert_ops(&s, 6, 1, &sleeper) == -ENOMEM);
	shim_fail_kernel = false;
	shim_self()->fatal_signal = true;
	CHECK(insert_ops(&s, 6, 1, &sleeper) == -EINTR);
	shim_self()->fatal_signal = false;
	CHECK(!check()->veto);
	shim_self()->signal_pending = true;
	CHECK(!insert_ops(&s, 6, 1, &sleeper) && check()->veto);
	shim_self()->signal_pending = false;
	remove_sub(&s);
	remove_sub(&plain);
}

/* The veto ends with the mm, or with the module: test_main_fiber() checks for leaks. */
FIBER_TEST(veto_dies_with_the_mm)
{
	struct driver s;

	CHECK(!insert_ops(&s, 6, 1, &sleeper));
	release();
	CHECK(s.calls == 2);
	remove_sub(&s);
}

FIBER_TEST(veto_goes_with_the_module)
{
	struct driver s;

	CHECK(!insert_ops(&s, 6, 1, &sleeper));
	remove_sub(&s);
	CHECK(check()->veto);
}

static bool reaping;		/* a non-blockable range over pages 5 and 6 is in flight */

static void reap_main(void *arg)
{
	struct mmu_notifier_range r;
	int i;

	(void)arg;
	for (i = 0; i < 3; i++) {
		if (start_nonblock(&r, 5, 2))
			continue;
		reaping = true;
		shim_yield();
		reaping = false;
		end(&r);
	}
}

/* Once insert has returned, no non-blockable range over page 6 is in flight. */
static void must_not_reap(void)
{
	int i;

	for (i = 0; i < 6; i++) {
		CHECK(!reaping);
		shim_yield();
	}
}

static void sleeper_main(void *arg)
{
	struct driver *s = arg;

	CHECK(!insert_ops(s, 6, 1, &sleeper));
	must_not_reap();
	remove_sub(s);
	CHECK(!s->calls);
}

RACE_TEST(sleepers_race_with_a_reaper, 1500)
{
	struct driver first, s, t;

	*shim_param_idle_ms = shim_rand(2);
	if (shim_rand(2)) {		/* registers the veto */
		CHECK(!insert_ops(&first, 30, 1, &sleeper));
		remove_sub(&first);
	}
	shim_spawn("inserter", sleeper_main, &s);
	shim_spawn("oom reaper", reap_main, NULL);
	sleeper_main(&t);
	shim_settle();
}
