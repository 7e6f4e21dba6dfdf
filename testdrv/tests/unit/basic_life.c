// SPDX-License-Identifier: GPL-2.0-only
/* basic: bounded waits, idle and dying mms, and 100,000 subscriptions. */
#include "driver.h"

static void killable_main(void *arg)
{
	struct reader *r = arg;

	r->ret = pinwatch_interval_read_begin_killable(&r->d->sub, &r->seq);
	r->done = true;
}

static void timeout_main(void *arg)
{
	struct reader *r = arg;

	r->ret = pinwatch_interval_read_begin_timeout(&r->d->sub, &r->seq, r->timeout);
	r->done = true;
}

FIBER_TEST(killable_read_ends_with_a_signal)
{
	struct reader rd = { .seq = 42 };
	struct mmu_notifier_range r;
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	start(&r, 5, 1);
	task_start(&rd, &d, killable_main);
	CHECK(!rd.done);
	shim_kill(rd.task);
	shim_settle();
	CHECK(rd.done && rd.ret == -EINTR && rd.seq == 42);
	task_start(&rd, &d, killable_main);
	end(&r);
	shim_settle();
	CHECK(rd.done && !rd.ret && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	CHECK(!pinwatch_interval_read_begin_killable(&d.sub, &rd.seq));
	remove_sub(&d);
}

FIBER_TEST(bounded_read_gives_up)
{
	struct reader rd = { .seq = 42, .timeout = 5 };
	struct mmu_notifier_range r;
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	CHECK(!pinwatch_interval_read_begin_timeout(&d.sub, &rd.seq, 0));
	rd.seq = 42;
	start(&r, 5, 1);
	CHECK(pinwatch_interval_read_begin_timeout(&d.sub, &rd.seq, 0) == -EBUSY);
	task_start(&rd, &d, timeout_main);
	shim_tick(4);
	shim_settle();
	CHECK(!rd.done);
	shim_tick(1);
	shim_settle();
	CHECK(rd.done && rd.ret == -EBUSY && rd.seq == 42);
	task_start(&rd, &d, timeout_main);
	end(&r);
	shim_settle();
	CHECK(rd.done && !rd.ret && !pinwatch_interval_read_retry(&d.sub, rd.seq));
	remove_sub(&d);
}

static void pass_time(unsigned long n)
{
	shim_tick(n);
	shim_settle();
}

FIBER_TEST(idle_mm_is_let_go)
{
	struct mmu_notifier_range r;
	struct driver d;

	*shim_param_idle_ms = 10;
	CHECK(!insert(&d, 5, 1));
	pass_time(100);
	CHECK(check());			/* has a subscription */
	remove_sub(&d);
	pass_time(9);
	CHECK(check());			/* idle for less than 10 ms */
	CHECK(!insert(&d, 5, 1));
	pass_time(5);
	CHECK(check());
	remove_sub(&d);
	pass_time(9);
	CHECK(check());			/* idle for less than 10 ms again */
	pass_time(30);
	shim_flush();
	CHECK(!check() && !mm->notifiers.first && shim_nr_allocs() == 1);
	CHECK(!insert(&d, 5, 1) && check());
	start(&r, 5, 1);
	CHECK(d.calls == 1);
	end(&r);
	pinwatch_interval_notifier_put(&d.sub);
	pass_time(30);
	shim_flush();
	CHECK(!check());
}

/* The worker comes idle_ms after the first time that the mm was idle: too early for the second. */
FIBER_TEST(idle_time_begins_anew)
{
	struct driver d;

	*shim_param_idle_ms = 10;
	CHECK(!insert(&d, 5, 1));
	remove_sub(&d);
	pass_time(5);
	CHECK(!insert(&d, 5, 1));
	remove_sub(&d);
	pass_time(6);
	CHECK(check());
	pass_time(10);
	shim_flush();
	CHECK(!check());
}

#define NR_IN_BUCKET	6

/* One more mm than can be in all buckets without NR_IN_BUCKET in one. */
#define NR_MMS	(BIT(PW_MM_HASH_BITS) * (NR_IN_BUCKET - 1) + 1)

/* Allocate mms until NR_IN_BUCKET are in one bucket. Return: the bucket. */
static unsigned int fill_bucket(struct mm_struct **mms, unsigned int *nr)
{
	unsigned int count[BIT(PW_MM_HASH_BITS)] = { 0 }, bucket;

	for (*nr = 0;;) {
		mms[*nr] = shim_mm_alloc();
		bucket = hash_ptr(mms[(*nr)++], PW_MM_HASH_BITS);
		if (++count[bucket] == NR_IN_BUCKET)
			return bucket;
	}
}

static int stats_mm(const struct pw_mm_stats *stats, void *data)
{
	*(struct mm_struct **)data = stats->mm;
	return 0;
}

/* The mms that have been visited end during the walk. */
FIBER_TEST(stats_skip_no_mm)
{
	unsigned int i, bucket, nr, nr_seen = 0;
	struct mm_struct *mms[NR_MMS], *seen;
	struct driver d[NR_IN_BUCKET] = { 0 };
	u64 number = 0;

	bucket = fill_bucket(mms, &nr);
	for (i = 0; i < nr; i++)
		if (hash_ptr(mms[i], PW_MM_HASH_BITS) == bucket)
			CHECK(!pinwatch_interval_notifier_insert(&d[nr_seen++].sub, mms[i], 0, 1,
								 &ops));
	for (nr_seen = 0; !pw_mm_stats_next(bucket, &number, stats_mm, &seen); nr_seen++) {
		number++;
		for (i = 0; i < NR_IN_BUCKET; i++)
			if (d[i].sub.mm == seen)
				remove_sub(&d[i]);
		mmput(seen);
	}
	CHECK(nr_seen == NR_IN_BUCKET);
	for (i = 0; i < nr; i++)
		if (hash_ptr(mms[i], PW_MM_HASH_BITS) != bucket)
			mmput(mms[i]);
}

static void insert_in_main(void *arg)
{
	struct driver *d = arg;

	d->calls = pinwatch_interval_notifier_insert(&d->sub, d->sub.mm, 0, 1, &ops);
}

/*
 * An mm takes its number before an invalidation lets the kernel register it, and another mm of
 * the same bucket registers meanwhile.
 */
FIBER_TEST(stats_are_in_the_order_of_the_numbers)
{
	struct mm_struct *mms[NR_MMS], *in[NR_IN_BUCKET], *seen;
	unsigned int i, bucket, nr, nr_in = 0;
	struct driver d[2] = { 0 };
	struct mmu_notifier_range r;
	u64 number = 0;

	bucket = fill_bucket(mms, &nr);
	for (i = 0; i < nr; i++)
		if (hash_ptr(mms[i], PW_MM_HASH_BITS) == bucket)
			in[nr_in++] = mms[i];
	r = (struct mmu_notifier_range){
		.mm = in[0], .start = PG(5), .end = PG(6), .event = MMU_NOTIFY_CLEAR,
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE,
	};
	d[0].sub.mm = in[0];
	CHECK(!mmu_notifier_invalidate_range_start(&r));
	shim_spawn("inserter", insert_in_main, &d[0]);
	shim_settle();
	CHECK(!pinwatch_interval_notifier_insert(&d[1].sub, in[1], 0, 1, &ops));
	mmu_notifier_invalidate_range_end(&r);
	shim_settle();
	for (i = 0; i < 2; i++, number++)
		CHECK(!pw_mm_stats_next(bucket, &number, stats_mm, &seen) && seen == in[i]);
	CHECK(pw_mm_stats_next(bucket, &number, stats_mm, &seen) == -ENOENT);
	CHECK(!d[0].calls);
	remove_sub(&d[0]);
	remove_sub(&d[1]);
	for (i = 0; i < nr; i++)
		mmput(mms[i]);
}

/* Two callers that take turns do not keep an mm that no process uses any more. */
FIBER_TEST(users_end_with_the_process)
{
	struct driver d;
	struct pw_mm *pm;

	CHECK(!insert(&d, 5, 1));
	pm = check();
	CHECK(atomic_read(&mm->mm_users) == 1);
	CHECK(pw_mm_hold_users(pm) && pw_mm_hold_users(pm));
	CHECK(!pw_mm_drop_users(pm) && pw_mm_hold_users(pm));
	CHECK(atomic_add_unless(&mm->mm_users, -1, 1));	/* the process exits */
	CHECK(!pw_mm_hold_users(pm));
	CHECK(!pw_mm_drop_users(pm) && !pw_mm_hold_users(pm));
	CHECK(pw_mm_drop_users(pm) && !pw_mm_hold_users(pm));
	CHECK(atomic_read(&mm->mm_users) == 1);		/* the caller's mmput() */
	remove_sub(&d);
}

FIBER_TEST(idle_mm_with_a_veto_stays)
{
	struct mmu_notifier_range r;
	struct driver d;

	*shim_param_idle_ms = 10;
	CHECK(!insert_ops(&d, 5, 1, &sleeper));
	remove_sub(&d);
	shim_settle();			/* the works of the veto end: the mm is idle from now on */
	pass_time(30);
	shim_flush();
	CHECK(check() && shim_nr_allocs() > 1);
	CHECK(!insert_ops(&d, 5, 1, &sleeper));
	CHECK(start_nonblock(&r, 5, 1) == -EAGAIN);
	remove_sub(&d);
}

static void insert_main(void *arg)
{
	struct reader *r = arg;

	r->ret = insert(r->d, 5, 1);
	r->done = true;
}

/*
 * R14: insert waits for an invalidation of another range only if it has to register, after
 * the mm was without subscriptions for idle_ms. With a subscription that stays, it never does.
 */
static void insert_beside_an_invalidation(unsigned long idle, bool keep, bool waits)
{
	struct mmu_notifier_range r;
	struct driver d, kept;
	struct reader ri = { .ret = -1 };

	CHECK(!insert(&d, 5, 1) && (!keep || !insert(&kept, 70, 1)));
	remove_sub(&d);
	pass_time(idle);
	start(&r, 50, 1);
	task_start(&ri, &d, insert_main);
	CHECK(ri.done == !waits);
	end(&r);
	shim_settle();
	CHECK(ri.done && !ri.ret);
	remove_sub(&d);
	if (keep)
		remove_sub(&kept);
	pass_time(100);
	shim_flush();
	CHECK(!check());
}

FIBER_TEST(insert_after_idle_ms_waits)
{
	*shim_param_idle_ms = 10;
	insert_beside_an_invalidation(0, false, false);
	insert_beside_an_invalidation(100, true, false);
	insert_beside_an_invalidation(100, false, true);
}

/* An mm is not idle while an insert waits for the registration of the veto. */
static void first_sleeper_main(void *arg)
{
	struct reader *r = arg;

	r->ret = insert_ops(r->d, 6, 1, &sleeper);
	r->done = true;
}

FIBER_TEST(insert_under_way_is_not_idle)
{
	struct mmu_notifier_range r;
	struct driver s, d;
	struct reader ri = { .ret = 0 };

	*shim_param_idle_ms = 10;
	CHECK(!insert(&d, 5, 1));
	remove_sub(&d);
	mmap_write_lock(mm);
	task_start(&ri, &s, first_sleeper_main);
	CHECK(!ri.done);			/* waits for the mmap lock */
	pass_time(100);
	mmap_write_unlock(mm);
	shim_settle();
	if (!ri.done || ri.ret)
		FAIL("insert: %d", ri.ret);
	CHECK(start_nonblock(&r, 6, 1) == -EAGAIN);
	remove_sub(&s);
}

static void insert_remove_main(void *arg)
{
	const struct pinwatch_interval_notifier_ops *kinds[] = { &ops, &two_pass, &sleeper };
	bool live = arg;
	struct driver d;
	int i, ret;

	for (i = 0; i < 4; i++) {
		ret = insert_ops(&d, 5, 1, kinds[shim_rand(3)]);
		if (ret && (live || ret != -ESRCH))
			shim_die("insert: %d", ret);
		shim_tick(shim_rand(2));
		if (ret)
			continue;
		if (shim_rand(2)) {
			remove_sub(&d);
			continue;
		}
		pinwatch_interval_notifier_put(&d.sub);
		pinwatch_interval_notifier_barrier();
	}
}

RACE_TEST(idle_races_with_insert, 1500)
{
	int i;

	*shim_param_idle_ms = shim_rand(2);
	for (i = 0; i < 2; i++)
		shim_spawn("inserter", insert_remove_main, mm);
	shim_settle();
}

RACE_TEST(idle_races_with_release, 1500)
{
	*shim_param_idle_ms = shim_rand(2);
	mmgrab(mm);
	shim_spawn("inserter", insert_remove_main, NULL);
	shim_yield();
	mmput(mm);
	shim_settle();
}

RACE_TEST(idle_races_with_exit, 500)
{
	struct driver d;

	*shim_param_idle_ms = shim_rand(3);
	CHECK(!insert_ops(&d, 5, 1, shim_rand(2) ? &ops : &sleeper));
	remove_sub(&d);
	shim_tick(shim_rand(3));
}

FIBER_TEST(dying_mm)
{
	struct driver d, late;
	struct reader rr;

	CHECK(!insert(&d, 5, 1));
	d.hold = true;
	task_start(&rr, NULL, release_main);
	CHECK(!rr.done && d.calls == 1);
	CHECK(insert(&late, 5, 1) == -ESRCH);
	CHECK(insert_ops(&late, 5, 1, &sleeper) == -ESRCH);
	let(&d);
	CHECK(rr.done && d.calls == 2);
	CHECK(insert(&late, 5, 1) == -ESRCH);
	remove_sub(&d);
}

FIBER_TEST(release_beside_a_start)
{
	struct mmu_notifier_range r;
	struct reader rd, rr;
	struct driver d;

	CHECK(!insert(&d, 5, 1));
	d.hold_events = BIT(MMU_NOTIFY_CLEAR);
	shim_spawn("truncate", started_main, &r);
	shim_settle();
	CHECK(d.calls == 1 && blocks(&d, &rd));
	task_start(&rr, NULL, release_main);
	CHECK(!rr.done && d.calls == 3);	/* release waits for the callback */
	CHECK(rd.done && pinwatch_interval_read_retry(&d.sub, rd.seq));
	let(&d);
	CHECK(rr.done && d.done == 3);
	end_other(&r);
	remove_sub(&d);
}

#define MANY	100000

static bool accept_ours(struct pinwatch_interval_notifier *sub,
			const struct mmu_notifier_range *range, unsigned long seq)
{
	pinwatch_interval_set_seq(sub, seq);
	return true;
}

FIBER_TEST(overlapping_ends_of_many)
{
	static const struct pinwatch_interval_notifier_ops accepting = {
		.invalidate = accept_ours, .flags = PINWATCH_OPS_NEVER_SLEEPS,
	};
	struct pinwatch_interval_notifier *subs;
	struct mmu_notifier_range a, b;
	static struct driver d, e;
	struct reader rd, re;
	unsigned long i;

	subs = calloc(MANY, sizeof(*subs));
	for (i = 0; i < MANY; i++)
		if (pinwatch_interval_notifier_insert(&subs[i], mm, PG(i), 1, &accepting))
			break;
	CHECK(i == MANY && !insert(&d, 10, 1) && !insert(&e, MANY - 10, 1));
	start(&a, 0, MANY);
	start(&b, MANY / 2, MANY / 2);
	CHECK(blocks(&d, &rd) && blocks(&e, &re));
	end(&a);
	shim_settle();
	CHECK(rd.done && !re.done);
	end(&b);
	shim_settle();
	CHECK(re.done && !pinwatch_interval_read_retry(&e.sub, re.seq));
	for (i = 0; i < MANY; i++)
		pinwatch_interval_notifier_remove(&subs[i]);
	remove_sub(&d);
	remove_sub(&e);
	free(subs);
}
