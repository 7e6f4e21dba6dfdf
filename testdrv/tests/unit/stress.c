// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on one mm, and the properties that must hold. Some tasks invalidate
 * ranges of a few pages, nested and overlapping, and change the "page table", an array
 * of versions, between start and end. Some tasks insert subscriptions, read under
 * collision-retry, and remove. One task ends the mm.
 *
 *   - If read_retry() returns false under the user lock, each version that was read is
 *     the current version of the page, and so is each SPTE that was established before.
 *   - read_begin sleeps only if an invalidation over the subscription's interval was in
 *     flight at the call or has started since, or the subscription is a sleeper, which may
 *     wait for the kernel's own notifiers. insert never sleeps.
 *   - An event that a filter rejects causes neither a callback nor a wait.
 *   - A sleeper is not called for a range that is not blockable.
 *   - No callback runs after remove has returned. A subscription that was put is freed
 *     once, when no callback runs. Each second pass follows a first pass.
 *   - Each waiter is woken. (Fibers: at once, else the shim reports "asleep for ever".)
 *   - pw_mm_check() succeeds after every operation. At the end no object is left.
 */
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <stdlib.h>
#include "stress_state.h"

struct stress stress;
struct stress_stats stress_stats;

static void random_range(unsigned int *first, unsigned int *last, unsigned int max)
{
	*first = shim_rand(NR_PAGES);
	*last = *first + shim_rand(max);
	if (*last >= NR_PAGES)
		*last = NR_PAGES - 1;
}

static void random_cpu(void)
{
	shim_self()->cpu = shim_rand(stress.nr_cpus);
}

static void check_mm(void)
{
	struct pw_mm *pm;

	rcu_read_lock();
	pm = pw_mm_lookup(stress.mm);
	if (pm) {
		spin_lock(&pm->lock);
		if (pm->registered || pm->nr_subs)
			pw_mm_check(pm);
		spin_unlock(&pm->lock);
	}
	rcu_read_unlock();
}

static u64 overflows(void)
{
	struct pw_core_stats stats;

	pw_core_stats(&stats);
	return stats.overflows;
}

static unsigned long page_starts(const struct obj *o, unsigned int p)
{
	unsigned long n = 0;
	enum kind k;

	for (k = 0; k < NR_KINDS; k++)
		n += wants(o, k) ? load(stress.starts[k][p]) : 0;
	return n;
}

static unsigned int page_active(const struct obj *o, unsigned int p)
{
	unsigned int n = 0;
	enum kind k;

	for (k = 0; k < NR_KINDS; k++)
		n += wants(o, k) ? load(stress.active[k][p]) : 0;
	return n;
}

static void on_sleep(struct shim_wq *wq)
{
	struct expect *e = shim_self()->data;
	struct pw_mm *pm;
	unsigned int p;

	if (!e)
		return;		/* module exit */
	REQUIRE(e->obj);
	pm = e->obj->sub.pm;
	if (wq == shim_var_wq(&e->obj->sub))
		return;
	for (p = 0; p < PW_NR_SLOTS && wq != shim_var_wq(&pm->seqs[p]); p++)
		;
	REQUIRE(p < PW_NR_SLOTS);
	count(sleeps);
	if (!e->obj->ops->flags)	/* may wait for the veto */
		return;
	if (overflows() != stress.overflows)
		return;
	for (p = e->obj->first; p <= e->obj->last; p++)
		if (e->active[p] || e->starts[p] != page_starts(e->obj, p))
			return;
	shim_die("read_begin sleeps for an invalidation of another range");
}

/* A random kind of read_begin. Return: false when a bounded or killable one gave up. */
static bool read_begin(struct obj *o, unsigned long *seq)
{
	struct task_struct *t = shim_self();
	unsigned int kind = shim_rand(4);
	int ret = 0;

	if (kind == 0) {
		if (!shim_rand(2))
			shim_kill(t);
		ret = pinwatch_interval_read_begin_killable(&o->sub, seq);
		REQUIRE(!ret || (ret == -EINTR && t->fatal_signal));
		t->fatal_signal = false;
	} else if (kind == 1) {
		ret = pinwatch_interval_read_begin_timeout(&o->sub, seq, shim_rand(3));
		REQUIRE(!ret || ret == -EBUSY);
	} else {
		*seq = pinwatch_interval_read_begin(&o->sub);
	}
	if (ret)
		count(given_up);
	return !ret;
}

static void read_section(struct obj *o)
{
	unsigned long seq, version[NR_PAGES];
	unsigned int p, tries;
	struct expect e = { .obj = o };
	bool begun;

	for (tries = 0; tries < 4; tries++) {
		/* count_active() counts in the other order: no start is missing in both. */
		for (p = o->first; p <= o->last; p++) {
			e.starts[p] = page_starts(o, p);
			e.active[p] = page_active(o, p);
		}
		shim_self()->data = &e;
		begun = read_begin(o, &seq);
		shim_self()->data = NULL;
		if (!begun)
			continue;
		for (p = o->first; p <= o->last; p++)
			version[p] = page_value(o, p);
		spin_lock(&o->user_lock);
		check_sptes(o);
		if (!pinwatch_interval_read_retry(&o->sub, seq)) {
			for (p = o->first; p <= o->last; p++)
				o->spte[p] = version[p];
			check_sptes(o);
			spin_unlock(&o->user_lock);
			count(reads);
			return;
		}
		spin_unlock(&o->user_lock);
		count(retries);
	}
}

static void do_insert(struct slot *slot)
{
	struct obj *o = aligned_alloc(64, (sizeof(*o) + 63) & ~63ul);
	bool locked = !shim_rand(3), signal = !shim_rand(8);
	struct expect e = { .obj = NULL };
	unsigned long start, last;
	int ret;

	memset(o, 0x5a, sizeof(*o));
	memset(o->spte, 0, sizeof(o->spte));
	o->magic = MAGIC;
	o->running = 0;
	o->ops = &all_ops[shim_rand(NR_OPS - (stress.sleepers ? 0 : NR_SLEEPERS))];
	add(stress.live, 1);
	spin_lock_init(&o->user_lock);
	random_range(&o->first, &o->last, 8);
	start = page_start(o->first) + shim_rand(2) * 100;
	last = page_last(o->last) - shim_rand(2) * 100;

	shim_self()->data = &e;
	if (locked)
		mmap_write_lock(stress.mm);
	shim_self()->signal_pending = signal;
	ret = (locked ? pinwatch_interval_notifier_insert_locked :
			pinwatch_interval_notifier_insert)
		(&o->sub, stress.mm, start, last - start + 1, o->ops);
	shim_self()->signal_pending = false;
	if (locked)
		mmap_write_unlock(stress.mm);
	shim_self()->data = NULL;

	/* A signal that is not fatal stops nothing. */
	REQUIRE(!ret || ret == -ESRCH);
	REQUIRE(ret != -ESRCH || !atomic_read(&stress.mm->mm_users) ||
		(!o->ops->flags && READ_ONCE(stress.mm->unstable)));
	count(inserts);
	if (ret) {
		free(o);
		add(stress.live, -1);
		o = NULL;
	}
	slot->obj = o;
}

static void do_remove(struct slot *slot)
{
	struct obj *o = slot->obj;
	struct expect e = { .obj = o };

	/* A callback may still run, but no callback reports later changes. */
	spin_lock(&o->user_lock);
	memset(o->spte, 0, sizeof(o->spte));
	spin_unlock(&o->user_lock);
	shim_self()->data = &e;
	slot->obj = NULL;
	if (shim_rand(2)) {
		pinwatch_interval_notifier_remove(&o->sub);
		obj_free(&o->sub);
		count(removes);
	} else {
		e.obj = NULL;
		pinwatch_interval_notifier_put(&o->sub);
		count(puts);
	}
	shim_self()->data = NULL;
}

static void worker(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < stress.ops && !shim_exhausted(); i++) {
		struct slot *slot = &stress.slot[shim_rand(NR_SLOTS)];

		random_cpu();
		if (!shim_rand(8))
			shim_tick(shim_rand(3));
		if (shim_rand(3)) {
			shim_down_read(&slot->rw);
			if (slot->obj)
				read_section(slot->obj);
			shim_up_read(&slot->rw);
		} else {
			shim_down_write(&slot->rw);
			if (slot->obj)
				do_remove(slot);
			else
				do_insert(slot);
			shim_up_write(&slot->rw);
		}
		check_mm();
	}
	add(stress.busy, -1);
}

static void change_pages(unsigned int first, unsigned int last, bool soft)
{
	for (; first <= last; first++) {
		shim_point();
		if (soft)
			add(stress.soft[first], 1);
		else
			add(stress.version[first], 1);
	}
}

static void count_active(enum kind kind, unsigned int first, unsigned int last, int n)
{
	for (; first <= last; first++) {
		add(stress.active[kind][first], n);
		if (n > 0)
			add(stress.starts[kind][first], 1);
	}
}

static enum kind random_event(struct mmu_notifier_range *range)
{
	switch (shim_rand(8)) {
	case 0:
		range->event = MMU_NOTIFY_MIGRATE;
		range->owner = shim_rand(2) ? &stress : NULL;
		return range->owner ? OWN_MIGRATION : WANTED;
	case 1:
	case 2:
		range->event = MMU_NOTIFY_SOFT_DIRTY;
		range->owner = (void *)1;	/* not meaningful for this event */
		return SOFT_DIRTY;
	default:
		range->event = MMU_NOTIFY_CLEAR;
		return WANTED;
	}
}

static void do_invalidate(unsigned int depth)
{
	struct mmu_notifier_range range = { .mm = stress.mm };
	unsigned int first, last;
	enum kind kind;

	random_range(&first, &last, shim_rand(8) ? 6 : NR_PAGES);
	range.start = page_start(first) + shim_rand(2) * 17;
	range.end = page_last(last) + !!(page_last(last) + 1) - shim_rand(2) * 5;
	kind = random_event(&range);
	range.flags = MMU_NOTIFIER_RANGE_BLOCKABLE;
	/* Once the reaper has begun, no sleeper is inserted any more. */
	if (!shim_rand(READ_ONCE(stress.mm->unstable) ? 4 : 32))
		range.flags = 0;

	count_active(kind, first, last, 1);
	if (mmu_notifier_invalidate_range_start(&range)) {
		REQUIRE(stress.sleepers && !range.flags);
		count(vetoes);
		count_active(kind, first, last, -1);
		return;
	}
	check_mm();
	/* A driver ignores its own migrations, so a migration changes no version. */
	if (range.event != MMU_NOTIFY_MIGRATE)
		change_pages(first, last, kind == SOFT_DIRTY);
	if (depth < stress.max_depth && shim_rand(256) < stress.nest && !shim_exhausted())
		do_invalidate(depth + 1);
	random_cpu();
	if (range.event != MMU_NOTIFY_MIGRATE)
		change_pages(first, last, kind == SOFT_DIRTY);
	mmu_notifier_invalidate_range_end(&range);
	count_active(kind, first, last, -1);
	check_mm();
}

static void invalidator(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < stress.ops && !shim_exhausted(); i++) {
		random_cpu();
		do_invalidate(0);
	}
	add(stress.busy, -1);
}

static void torn_down(struct mm_struct *mm)
{
	(void)mm;
	change_pages(0, NR_PAGES - 1, false);
}

/* Drops the last user of the mm at a random time. */
static void releaser(void *arg)
{
	unsigned int i, n = shim_rand(stress.ops * 4);

	(void)arg;
	for (i = 0; i < n && load(stress.busy); i++)
		shim_yield();
	mmput(stress.mm);
	stress.released = true;
}

static void cleanup(void *arg)
{
	struct pw_core_stats stats;
	unsigned int i;

	(void)arg;
	for (i = 0; i < NR_SLOTS; i++) {
		struct obj *o = stress.slot[i].obj;

		if (!o)
			continue;
		spin_lock(&o->user_lock);
		check_sptes(o);
		spin_unlock(&o->user_lock);
		read_section(o);
		do_remove(&stress.slot[i]);
	}
	if (!stress.released && shim_rand(2)) {
		mmput(stress.mm);
		stress.released = true;
	}
	pinwatch_interval_notifier_barrier();
	REQUIRE(!load(stress.live));
	pw_core_exit();
	if (!stress.released)
		mmput(stress.mm);
	mmdrop(stress.mm);
	shim_flush();
	stress_stats.overflows += overflows() - stress.overflows;
	pw_core_stats(&stats);
	REQUIRE(!stats.nr_mms);
	REQUIRE(!stats.nr_subscriptions);
	REQUIRE(!shim_nr_allocs());
	stress_stats.rounds++;
}

static void stress_init(unsigned int nr_ops)
{
	static const unsigned long bases[] = { 0, 0x7f0000000000, -NR_PAGES * PAGE_SIZE };
	unsigned int i;

	memset(&stress, 0, sizeof(stress));
	stress.base = bases[shim_rand(ARRAY_SIZE(bases))];
	for (i = 0; i < NR_PAGES; i++)
		stress.version[i] = 1;
	stress.sleepers = !shim_rand(3);
	*shim_param_idle_ms = shim_rand(4);
	for (i = 0; i < NR_SLOTS; i++)
		shim_rwsem_init(&stress.slot[i].rw);
	stress.ops = nr_ops;
	stress.nr_cpus = 1 + shim_rand(nr_cpu_ids);
	stress.max_depth = 4;
	stress.nest = 64;
	pw_filter_from = shim_rand(4) ? 1 : 6;
	if (!shim_rand(8)) {	/* more invalidations in flight than slots */
		stress.max_depth = 60;
		stress.nest = 250;
		stress.ops = 3;
	}
	REQUIRE(!pw_core_init());
	stress.overflows = overflows();
	stress.mm = shim_mm_alloc();
	stress.mm->torn_down = torn_down;
	mmgrab(stress.mm);
	shim_fail_nowait = shim_rand(3) ? 0 : 128;
	shim_on_sleep = on_sleep;
}

void stress_round(const struct shim_run *run, unsigned int nr_ops)
{
	unsigned int i, nr_workers, nr_invalidators;
	bool release;

	shim_begin(run);
	stress_init(nr_ops);
	nr_workers = 1 + shim_rand(3);
	nr_invalidators = 1 + shim_rand(3);
	release = shim_rand(3);
	stress.busy = nr_workers + nr_invalidators;
	for (i = 0; i < nr_workers; i++)
		shim_spawn("worker", worker, NULL);
	for (i = 0; i < nr_invalidators; i++)
		shim_spawn("invalidator", invalidator, NULL);
	if (release)
		shim_spawn("releaser", releaser, NULL);
	shim_join();
	shim_spawn("cleanup", cleanup, NULL);
	shim_join();
	shim_fail_nowait = 0;
	shim_end();
	shim_on_sleep = NULL;
}
