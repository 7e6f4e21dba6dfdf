// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the state of an mm, from registration to its end
 *
 * Registration takes the mmap lock for writing and every lock of the mm's
 * mappings: it is done once, at the first subscription, and kept until release,
 * until nobody has subscribed for a while, or until the module goes.
 *
 * Who keeps a struct pw_mm:
 *   - the registration, until mn_release(), mm_let_go() or pw_core_exit(), whichever
 *     is first to clear ->registered;
 *   - each subscription, until its remove returns;
 *   - a notifier call going on: mmu_notifier_put() frees after an SRCU grace
 *     period;
 *   - a lookup going on, under RCU: kfree_rcu().
 * The first two are counted under pm->lock; whoever drops the last of them calls
 * pw_mm_put(). The mm_struct itself is held (mm_count) until after that SRCU grace
 * period, so its address names it; a lookup under RCU alone may only compare it.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "core.h"
#include "trace.h"

struct hlist_head pw_mm_hash[BIT(PW_MM_HASH_BITS)];
static DEFINE_SPINLOCK(mm_hash_lock);	/* writers of pw_mm_hash; inside nothing */
static struct workqueue_struct *mm_put_wq;
static atomic_t mm_live = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(mm_live_wq);
static atomic64_t seq_blocks = ATOMIC64_INIT(1);

DEFINE_PER_CPU(struct pw_core_stats, pw_stats);

/*
 * The first counter of a block that no mm has had: values never repeat. It is the
 * second of the block, in truth; the first says that a block is used up.
 */
u64 pw_mm_seq_block(void)
{
	return atomic64_fetch_add(1, &seq_blocks) * PW_SEQ_BLOCK + 1;
}

static void mm_hash_add(struct pw_mm *pm)
{
	spin_lock(&mm_hash_lock);
	hlist_add_head_rcu(&pm->hash,
			   &pw_mm_hash[hash_ptr(pm->mn.mm, PW_MM_HASH_BITS)]);
	spin_unlock(&mm_hash_lock);
}

void pw_mm_unhash(struct pw_mm *pm)
{
	spin_lock(&mm_hash_lock);
	hlist_del_init_rcu(&pm->hash);
	spin_unlock(&mm_hash_lock);
}

static void mm_put_work(struct work_struct *work);

static struct pw_mm *mm_alloc_state(void)
{
	struct pw_mm *pm;
	unsigned int i, nr_recs = nr_cpu_ids * ARRAY_SIZE(pm->recs->rec);

	/* ->used stands behind the records. */
	pm = kzalloc(struct_size(pm, recs, nr_cpu_ids) +
		     BITS_TO_LONGS(nr_recs) * sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!pm)
		return NULL;
	pm->mn.ops = &pw_mn_ops;
	pm->gen = pw_mm_seq_block();	/* a hole_gen of 0 is never current */
	pm->number = pm->gen / PW_SEQ_BLOCK;
	spin_lock_init(&pm->lock);
	pm->nr_classes = 1;
	pm->slot_newest[PW_SLOT_IDLE] = U64_MAX >> PW_SUB_STAMP_SHIFT; /* release */
	pm->coarse.event = PW_EVENT_ANY;
	INIT_WORK(&pm->put_work, mm_put_work);
	pm->nr_recs = nr_recs;
	pm->used = (unsigned long *)&pm->recs[nr_cpu_ids];
	for (i = 0; i < nr_recs; i++)
		pw_record_nr(pm, i)->slot = PW_SLOT_NONE;
	INIT_LIST_HEAD(&pm->extra);
	INIT_LIST_HEAD(&pm->walks);
	INIT_LIST_HEAD(&pm->spare);
	for (i = 0; i < PW_SPARE_RECORDS; i++)
		list_add(&pm->spares[i].node, &pm->spare);
	init_waitqueue_head(&pm->read_wq);
	init_waitqueue_head(&pm->remove_wq);
	pm->idle_since = jiffies;
	pm->registered = true;
	pm->open = true;
	return pm;
}

/*
 * The state of an mm, with a reservation: counted like a subscription, so that the
 * idle worker leaves it alone. One that it is letting go of just now counts as none,
 * and must not be found again. Release does not run: mm_users is held.
 */
static struct pw_mm *mm_reserve(struct mm_struct *mm)
{
	struct pw_mm *pm;
	bool open;

	pw_lookup_begin();
	pm = pw_mm_lookup(mm);
	if (pm) {
		spin_lock(&pm->lock);
		open = pm->open;
		if (open)
			pm->nr_subs++;
		spin_unlock(&pm->lock);
		if (!open) {
			pw_mm_unhash(pm);
			pm = NULL;
		}
	}
	pw_lookup_end();
	return pm;
}

/* With the mmap lock held for writing, which keeps two from registering. */
static struct pw_mm *mm_register(struct mm_struct *mm)
{
	struct pw_mm *pm = mm_reserve(mm);
	int ret;

	if (pm)
		return pm;
	pm = mm_alloc_state();
	if (!pm)
		return ERR_PTR(-ENOMEM);
	pm->nr_subs = 1;
	ret = __mmu_notifier_register(&pm->mn, mm);
	if (ret) {
		kfree(pm);
		return ERR_PTR(ret);
	}
	atomic_inc(&mm_live);
	mm_hash_add(pm);
	trace_pinwatch_mm_register(mm, pm->number);
	return pm;
}

/**
 * pw_mm_register() - register with an mm, unless that was done, and reserve it
 * @mm: The mm; mm_users is held, so that no release runs meanwhile.
 * @locked: The caller holds its mmap lock for writing.
 *
 * Return: its state, counted in nr_subs; or an ERR_PTR of -ENOMEM, or of -EINTR (a
 * signal is pending).
 */
struct pw_mm *pw_mm_register(struct mm_struct *mm, bool locked)
{
	struct pw_mm *pm = mm_reserve(mm);

	if (pm)
		return pm;
	if (!locked && mmap_write_lock_killable(mm))
		return ERR_PTR(-EINTR);
	pm = mm_register(mm);
	if (!locked)
		mmap_write_unlock(mm);
	return pm;
}

/* Under pm->lock: was that the last counted reference? */
bool pw_mm_unused(struct pw_mm *pm)
{
	lockdep_assert_held(&pm->lock);
	return !pm->registered && !pm->nr_subs;
}

/**
 * pw_mm_put() - free the state of an mm, after its grace periods
 * @pm: Of which pw_mm_unused() became true.
 *
 * Context: any that may take mmu_notifier's own spinlock, release included.
 */
void pw_mm_put(struct pw_mm *pm)
{
	trace_pinwatch_mm_release(pm->mn.mm, pm->number);
	/* Removing the veto sleeps, and in a callback it would never end. */
	if (pm->veto)
		queue_work(mm_put_wq, &pm->put_work);
	else
		mmu_notifier_put(&pm->mn);
}

static void mm_put_work(struct work_struct *work)
{
	struct pw_mm *pm = container_of(work, struct pw_mm, put_work);

	pw_veto_remove(pm);
	mmu_notifier_put(&pm->mn);
}

/* free_notifier: from SRCU, softirqs off. The mmdrop() is the caller's. */
void pw_mm_free(struct mmu_notifier *mn)
{
	struct pw_mm *pm = container_of(mn, struct pw_mm, mn);
	struct pw_extra_record *extra, *next;

	/* Starts whose ends never came: release. */
	list_for_each_entry_safe(extra, next, &pm->extra, node)
		if (extra->allocated)
			kfree(extra);
	list_for_each_entry_safe(extra, next, &pm->spare, node)
		if (extra->allocated)
			kfree(extra);
	kfree_rcu(pm, rcu);
	if (atomic_dec_and_test(&mm_live))
		wake_up_all(&mm_live_wq);
}

/**
 * pw_core_stats() - counters since load, and live objects
 * @out: Filled. Sums over CPUs: exact only when nothing is going on.
 */
void pw_core_stats(struct pw_core_stats *out)
{
	int cpu;

	memset(out, 0, sizeof(*out));
	out->nr_mms = atomic_read(&mm_live);
	for_each_possible_cpu(cpu) {
		struct pw_core_stats *stats = per_cpu_ptr(&pw_stats, cpu);

		out->nr_subscriptions += READ_ONCE(stats->nr_subscriptions);
		out->walks += READ_ONCE(stats->walks);
		out->callbacks += READ_ONCE(stats->callbacks);
		out->waits += READ_ONCE(stats->waits);
		out->remove_waits += READ_ONCE(stats->remove_waits);
		out->overflows += READ_ONCE(stats->overflows);
		out->vetoes += READ_ONCE(stats->vetoes);
	}
}

/*
 * A registered notifier costs each invalidation in its mm, also when nobody has
 * subscribed; registering costs much more, and drivers exist that insert and
 * remove one subscription over and over. So one worker looks round now and then,
 * as long as some mm is idle, and lets go of those that have been for a while.
 */
static unsigned int idle_ms = 1000;
module_param(idle_ms, uint, 0644);
MODULE_PARM_DESC(idle_ms, "milliseconds after which an address space without subscriptions is let go (1000)");

static void mm_idle_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(mm_idle, mm_idle_work);
static bool mm_idle_armed;

/**
 * pw_mm_idle() - the last subscription of some mm has gone
 *
 * Context: any but under pm->lock, which is a leaf.
 */
void pw_mm_idle(void)
{
	/* Pairs with that in mm_idle_work(): it sees the mm, or we see it unarmed. */
	smp_mb();
	if (unlikely(!READ_ONCE(mm_idle_armed)) && !xchg(&mm_idle_armed, true))
		queue_delayed_work(mm_put_wq, &mm_idle, msecs_to_jiffies(idle_ms));
}

/* Return: true when @pm is idle, but not long enough yet. */
static bool mm_let_go(struct pw_mm *pm)
{
	unsigned long due;
	bool idle, put;

	spin_lock(&pm->lock);
	/* With a veto it stays: its inserts must not fail, or wait, a second time. */
	idle = pm->registered && pm->open && !pm->nr_subs && !pm->veto;
	due = pm->idle_since + msecs_to_jiffies(idle_ms);
	put = idle && !time_before(jiffies, due);
	if (put) {
		pm->open = false;
		pm->registered = false;
	}
	spin_unlock(&pm->lock);
	if (put) {
		pw_mm_unhash(pm);
		pw_mm_put(pm);
	}
	return idle && !put;
}

static void mm_idle_work(struct work_struct *work)
{
	bool again = false;
	struct pw_mm *pm;
	int i;

	/* First: whoever becomes idle from here on arms it again. Has a full barrier. */
	smp_store_mb(mm_idle_armed, false);
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(pw_mm_hash); i++)
		hlist_for_each_entry_rcu(pm, &pw_mm_hash[i], hash)
			again |= mm_let_go(pm);
	rcu_read_unlock();
	if (again)
		pw_mm_idle();
}

int pw_core_init(void)
{
	/* Not a queue for memory reclaim: nothing that frees memory waits for it. */
	mm_put_wq = alloc_workqueue("pinwatch_mm", WQ_UNBOUND, 0);
	return mm_put_wq ? 0 : -ENOMEM;
}

/* The next registered one, unregistered; %NULL when there is none. */
static struct pw_mm *mm_take_registered(void)
{
	struct pw_mm *pm;
	int i;

	spin_lock(&mm_hash_lock);
	for (i = 0; i < ARRAY_SIZE(pw_mm_hash); i++) {
		if (hlist_empty(&pw_mm_hash[i]))
			continue;
		pm = hlist_entry(pw_mm_hash[i].first, struct pw_mm, hash);
		hlist_del_init_rcu(&pm->hash);
		spin_unlock(&mm_hash_lock);
		return pm;
	}
	spin_unlock(&mm_hash_lock);
	return NULL;
}

/*
 * Nobody has a subscription (each belongs to a module that uses us), but mms are
 * registered, and some may be in release at this moment: either that or this
 * loop drops the registration. mmu_notifier_synchronize() waits for a grace
 * period, not for the callbacks queued behind it: hence the count; and the last
 * of them may still be on its way out of our text: it runs with softirqs off,
 * which synchronize_rcu() waits for.
 */
void pw_core_exit(void)
{
	struct pw_mm *pm;
	bool put;

	cancel_delayed_work_sync(&mm_idle);
	/* A release that runs now may free what we have just found. */
	rcu_read_lock();
	while ((pm = mm_take_registered())) {
		spin_lock(&pm->lock);
		pm->open = false;
		put = pm->registered;
		pm->registered = false;
		put = put && pw_mm_unused(pm);
		spin_unlock(&pm->lock);
		if (put)
			pw_mm_put(pm);
	}
	rcu_read_unlock();

	mmu_notifier_synchronize();
	wait_event(mm_live_wq, !atomic_read(&mm_live));
	synchronize_rcu();
	destroy_workqueue(mm_put_wq);
}
