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

/* A sleeper is inserted after the veto has let a non-blockable range pass. */
FIBER_TEST(insert_fails_while_the_mm_is_reaped)
{
	struct mmu_notifier_range r;
	struct driver first, s;

	CHECK(!insert_ops(&first, 30, 1, &sleeper));
	shim_settle();
	CHECK(!start_nonblock(&r, 5, 2));
	CHECK(insert_ops(&s, 6, 1, &sleeper) == -ESRCH);
	end(&r);
	CHECK(insert_ops(&s, 6, 1, &sleeper) == -ESRCH && !s.calls);
	CHECK(!insert(&s, 6, 1));	/* never sleeps */
	remove_sub(&s);
	remove_sub(&first);
}

static void nonblock_main(void *arg)
{
	struct mmu_notifier_range *r = arg;

	if (start_nonblock(r, 5, 2))
		shim_die("refused");
}

/* The same, but before the start of pinwatch. */
FIBER_TEST(insert_between_the_veto_and_start)
{
	struct mmu_notifier_range r;
	struct driver first, s, plain;
	struct native n;

	native_insert(&n);		/* called between the veto and pinwatch */
	CHECK(!insert_ops(&first, 30, 1, &sleeper) && !insert(&plain, 6, 1));
	shim_settle();
	n.hold = true;
	shim_spawn("oom reaper", nonblock_main, &r);
	shim_settle();
	CHECK(insert_ops(&s, 6, 1, &sleeper) == -ESRCH);
	n.hold = false;
	shim_wq_wake(&n.wq);
	shim_settle();
	CHECK(!s.calls && plain.calls == 1);
	end_other(&r);
	remove_sub(&first);
	remove_sub(&plain);
	mmu_interval_notifier_remove(&n.mni);
}

/* The kernel defers the insert of the veto: insert does not wait, its reader does. */
FIBER_TEST(reader_of_the_first_sleeper_waits_for_the_kernel)
{
	struct mmu_notifier_range r, other;
	struct reader rs, rp;
	struct driver s, plain;
	struct native n;

	CHECK(!insert(&plain, 6, 1));
	native_insert(&n);
	start(&r, 50, 1);
	CHECK(!insert_ops(&s, 6, 1, &sleeper));
	CHECK(blocks(&s, &rs) && !blocks(&plain, &rp));
	start(&other, 6, 1);		/* accepted: the veto must still be waited for */
	end(&other);
	shim_settle();
	CHECK(s.calls == 1 && !rs.done && !blocks(&plain, &rp));
	end(&r);
	shim_settle();
	CHECK(rs.done && !blocks(&s, &rs) && !pinwatch_interval_read_retry(&s.sub, rs.seq));
	CHECK(start_nonblock(&r, 6, 1) == -EAGAIN);
	mmu_interval_notifier_remove(&n.mni);
	remove_sub(&s);
	remove_sub(&plain);
}

/* A non-blockable range that began before the veto was in the kernel's tree. */
FIBER_TEST(reader_waits_for_a_range_that_passed_the_veto)
{
	struct mmu_notifier_range r, reap;
	struct reader rs;
	struct driver s, plain;
	struct native n;

	CHECK(!insert(&plain, 80, 1));	/* registers */
	native_insert(&n);
	start(&r, 50, 1);
	CHECK(!insert_ops(&s, 6, 1, &sleeper));
	CHECK(!start_nonblock(&reap, 6, 1) && !s.calls);
	end(&r);
	CHECK(blocks(&s, &rs));
	end(&reap);
	shim_settle();
	CHECK(rs.done && start_nonblock(&reap, 6, 1) == -EAGAIN);
	mmu_interval_notifier_remove(&n.mni);
	remove_sub(&s);
	remove_sub(&plain);
}

#define ELSEWHERE	40000	/* a page in another block of 64 MiB */

/* The reader of a sleeper waits for one veto: not for a veto that the kernel defers later. */
FIBER_TEST(reader_waits_for_its_own_veto_only)
{
	struct mmu_notifier_range r, next;
	struct driver s, later, plain;
	struct reader rs, rl;
	struct native n;

	CHECK(!insert(&plain, 80, 1));	/* registers */
	native_insert(&n);
	start(&r, 50, 1);
	CHECK(!insert_ops(&s, 6, 1, &sleeper));
	CHECK(blocks(&s, &rs));
	end(&r);			/* the kernel inserts the veto; the worker has not run */
	start(&next, 50, 1);
	CHECK(!insert_ops(&later, ELSEWHERE, 1, &sleeper));
	shim_settle();
	CHECK(rs.done && !pinwatch_interval_read_retry(&s.sub, rs.seq));
	CHECK(!blocks(&s, &rs) && blocks(&later, &rl));
	end(&next);
	shim_settle();
	CHECK(rl.done);
	mmu_interval_notifier_remove(&n.mni);
	remove_sub(&s);
	remove_sub(&later);
	remove_sub(&plain);
}

/* R1: a notifier of the kernel waits for no invalidation beside the block of a sleeper. */
FIBER_TEST(veto_covers_the_block_of_a_sleeper_only)
{
	struct mmu_notifier_range r;
	struct native other;
	struct driver s;

	memset(&other, 0, sizeof(other));
	shim_wq_init(&other.wq);
	CHECK(!mmu_interval_notifier_insert(&other.mni, mm, PG(50), PAGE_SIZE, &native_ops));
	CHECK(!insert_ops(&s, ELSEWHERE, 1, &sleeper));
	shim_settle();
	start(&r, 30, 1);
	shim_spawn("native reader", native_main, &other);
	shim_settle();
	CHECK(other.done);
	end(&r);
	CHECK(start_nonblock(&r, ELSEWHERE, 1) == -EAGAIN);
	CHECK(!start_nonblock(&r, 30, 1));
	end(&r);
	remove_sub(&s);
}

/* Blocks that contain each other, the largest of them the whole address space. */
FIBER_TEST(blocks_of_any_size)
{
	static const unsigned long last[] = { 0, BIT(26), BIT(40), BIT(63), ULONG_MAX };
	struct pinwatch_interval_notifier subs[ARRAY_SIZE(last)];
	struct mmu_notifier_range r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(last); i++) {
		CHECK(!pinwatch_interval_notifier_insert(&subs[i], mm, 0, last[i] ? : 1,
							 &sleeper));
		check();
	}
	shim_settle();
	CHECK(start_range(&r, BIT(62), BIT(62) + PAGE_SIZE, MMU_NOTIFY_CLEAR, 0,
			  NULL) == -EAGAIN);
	for (i = 0; i < ARRAY_SIZE(last); i++)
		pinwatch_interval_notifier_remove(&subs[i]);
	CHECK(!start_range(&r, BIT(62), BIT(62) + PAGE_SIZE, MMU_NOTIFY_CLEAR, 0, NULL));
	end(&r);
}

#define NR_BLOCKS	20000

/* A process that has had sleepers all over its address space keeps few vetoes. */
FIBER_TEST(blocks_grow_with_their_number)
{
	struct pinwatch_interval_notifier sub;
	struct mmu_notifier_range r;
	struct driver last;
	unsigned int i;

	for (i = 0; i < NR_BLOCKS; i++) {
		if (pinwatch_interval_notifier_insert(&sub, mm, i * BIT(26), 1, &sleeper))
			FAIL("insert of %u", i);
		pinwatch_interval_notifier_remove(&sub);
	}
	shim_settle();
	CHECK(!insert_ops(&last, ELSEWHERE, 1, &sleeper));
	test_note("%u blocks of 64 MiB: %u vetoes", NR_BLOCKS, check()->nr_vetoes);
	CHECK(check()->nr_vetoes < NR_BLOCKS / 20);
	CHECK(start_nonblock(&r, ELSEWHERE, 1) == -EAGAIN);
	remove_sub(&last);
}

static struct shim_mutex big_lock = SHIM_MUTEX_INIT;

static bool lock_invalidate(struct pinwatch_interval_notifier *sub,
			    const struct mmu_notifier_range *range, unsigned long seq)
{
	shim_mutex_lock(&big_lock);
	pinwatch_interval_set_seq(sub, seq);
	shim_mutex_unlock(&big_lock);
	return true;
}

static void invalidate_main(void *arg)
{
	struct mmu_notifier_range *r = arg;

	start(r, 5, 1);
	end(r);
}

/*
 * R6: insert of a sleeper under a lock that its callbacks take, while an invalidation waits
 * for the lock. If insert waited for the invalidation, both would sleep for ever.
 */
static void insert_under_the_lock(bool reaped)
{
	static const struct pinwatch_interval_notifier_ops locking = {
		.invalidate = lock_invalidate,
	};
	static const struct pinwatch_interval_notifier_ops never_sleeping = {
		.invalidate = lock_invalidate, .flags = PINWATCH_OPS_NEVER_SLEEPS,
	};
	struct pinwatch_interval_notifier first, second;
	struct mmu_notifier_range r, reap;
	unsigned int page = reaped ? 9 : ELSEWHERE;
	struct native n;
	int ret;

	native_insert(&n);		/* makes the kernel defer inserts */
	CHECK(!pinwatch_interval_notifier_insert(&first, mm, PG(5), PAGE_SIZE,
						 reaped ? &locking : &never_sleeping));
	shim_settle();
	shim_mutex_lock(&big_lock);
	shim_spawn("invalidator", invalidate_main, &r);
	shim_settle();
	if (reaped) {
		CHECK(!start_nonblock(&reap, 50, 1));
		end(&reap);
	}
	ret = pinwatch_interval_notifier_insert(&second, mm, PG(page), PAGE_SIZE, &locking);
	CHECK(ret == (reaped ? -ESRCH : 0));
	shim_mutex_unlock(&big_lock);
	shim_settle();
	pinwatch_interval_notifier_remove(&first);
	if (!ret)
		pinwatch_interval_notifier_remove(&second);
	mmu_interval_notifier_remove(&n.mni);
}

FIBER_TEST(insert_under_the_lock_while_reaped)
{
	insert_under_the_lock(true);
}

FIBER_TEST(insert_under_the_lock_with_a_deferred_veto)
{
	insert_under_the_lock(false);
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

static int insert_locked(struct driver *d, unsigned int page)
{
	int ret;

	memset(d, 0, sizeof(*d));
	shim_wq_init(&d->wq);
	mmap_write_lock(mm);
	ret = pinwatch_interval_notifier_insert_locked(&d->sub, mm, PG(page), PAGE_SIZE, &sleeper);
	mmap_write_unlock(mm);
	check();
	return ret;
}

/* Without free memory, reclaim could invalidate, and wait for a lock of the caller. */
FIBER_TEST(insert_locked_of_a_sleeper_does_not_reclaim)
{
	struct driver first, d[3];
	unsigned int i;

	CHECK(!insert_ops(&first, 6, 1, &sleeper));
	for (i = 0; i < ARRAY_SIZE(d); i++) {
		shim_settle();		/* allocates the spare veto again */
		shim_fail_kernel = true;
		shim_fail_nowait = 256;
		CHECK(!insert_locked(&d[i], (i + 1) * ELSEWHERE));
		CHECK(check()->nr_vetoes == i + 2);
		shim_fail_kernel = false;
		shim_fail_nowait = 0;
	}
	remove_sub(&first);
	for (i = 0; i < ARRAY_SIZE(d); i++)
		remove_sub(&d[i]);
}

FIBER_TEST(insert_locked_without_memory)
{
	struct driver first, s;

	CHECK(!insert_ops(&first, 6, 1, &sleeper));
	shim_fail_kernel = true;
	shim_fail_nowait = 256;
	CHECK(!insert_locked(&s, ELSEWHERE));
	shim_settle();			/* no memory for the spare veto */
	remove_sub(&s);
	CHECK(insert_locked(&s, 2 * ELSEWHERE) == -ENOMEM);
	shim_fail_kernel = false;
	shim_fail_nowait = 0;
	CHECK(!insert_locked(&s, 2 * ELSEWHERE));
	remove_sub(&s);
	remove_sub(&first);
}

/* The worker had no memory for the spare veto: the next insert of a veto lets it try again. */
FIBER_TEST(spare_veto_after_a_time_without_memory)
{
	struct driver first, d[3];
	unsigned int i;

	CHECK(!insert_ops(&first, 6, 1, &sleeper));
	shim_fail_kernel = true;
	shim_fail_nowait = 256;
	CHECK(!insert_locked(&d[0], ELSEWHERE));
	shim_settle();			/* no memory for the spare veto */
	shim_fail_kernel = false;
	shim_fail_nowait = 0;
	CHECK(!insert_locked(&d[1], 2 * ELSEWHERE));
	shim_settle();
	shim_fail_kernel = true;
	shim_fail_nowait = 256;
	CHECK(!insert_locked(&d[2], 3 * ELSEWHERE));
	shim_settle();
	shim_fail_kernel = false;
	shim_fail_nowait = 0;
	remove_sub(&first);
	for (i = 0; i < ARRAY_SIZE(d); i++)
		remove_sub(&d[i]);
}

FIBER_TEST(sleeper_errors)
{
	struct driver s, plain;

	CHECK(!insert(&plain, 5, 1));
	shim_fail_kernel = true;
	shim_fail_nowait = 256;
	CHECK(insert_ops(&s, 6, 1, &sleeper) == -ENOMEM);
	shim_fail_kernel = false;
	shim_fail_nowait = 0;
	shim_self()->fatal_signal = true;
	CHECK(insert_ops(&s, 6, 1, &sleeper) == -EINTR);
	shim_self()->fatal_signal = false;
	CHECK(RB_EMPTY_ROOT(&check()->vetoes));
	shim_self()->signal_pending = true;
	CHECK(!insert_ops(&s, 6, 1, &sleeper) && !RB_EMPTY_ROOT(&check()->vetoes));
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
	CHECK(!RB_EMPTY_ROOT(&check()->vetoes));
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

/* Once read_begin has returned, no non-blockable range over page 6 is in flight. */
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

	int ret = insert_ops(s, 6, 1, &sleeper);

	CHECK(!ret || ret == -ESRCH);
	if (ret)
		return;
	pinwatch_interval_read_begin(&s->sub);
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
