// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the state of an mm, from registration to its end
 *
 * Registration takes the mmap lock for writing and every lock of the mm's mappings. So
 * the engine registers once, with the first subscription, and stays registered until
 * release, until the mm has been without subscriptions for idle_ms, or until the module
 * is unloaded.
 *
 * References that keep a struct pw_mm:
 *   - the registration, until the first of mn_release(), mm_let_go() and pw_core_exit()
 *     clears ->registered;
 *   - each subscription, until its remove returns;
 *   - a notifier call in progress: mmu_notifier_put() frees after an SRCU grace period;
 *   - a lookup in progress, under RCU: kvfree_rcu().
 * The first two are counted under pm->lock, and the task that drops the last of these
 * calls pw_mm_put(). The registered notifier holds the mm_struct (mm_count) until after
 * that SRCU grace period, so no other mm gets the same address before. A lookup under
 * RCU alone may compare the address of the mm_struct, but not dereference it.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include "core.h"
#include "trace.h"
#include "walk.h"

struct hlist_head pw_mm_hash[BIT(PW_MM_HASH_BITS)];
static DEFINE_SPINLOCK(mm_hash_lock);	/* writers of pw_mm_hash; a leaf */
static unsigned int mm_hash_changes;	/* written under mm_hash_lock, read without */
static struct workqueue_struct *mm_put_wq;
static struct workqueue_struct *mm_settle_wq;
static atomic_t mm_live = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(mm_live_wq);
static atomic64_t seq_blocks = ATOMIC64_INIT(1);

DEFINE_PER_CPU(struct pw_core_stats, pw_stats);

/*
 * Return: the first sequence value for PW_SLOT_IDLE of a block that no mm has used before.
 * The counter 0 of a block means that the previous block is used up.
 */
unsigned long pw_mm_seq_block(void)
{
	unsigned long counter = atomic64_fetch_add(1, &seq_blocks) << PW_SEQ_BLOCK_BITS | 1;

	return PW_SEQ_BIT | counter << PW_SEQ_SLOT_BITS | PW_SLOT_IDLE;
}

static void mm_hash_add(struct pw_mm *pm)
{
	spin_lock(&mm_hash_lock);
	/* Pairs with pw_mm_lookup(), which must not see an empty @pm (litmus mm-lookup). */
	hlist_add_head_rcu(&pm->hash,
			   &pw_mm_hash[hash_ptr(pm->mn.mm, PW_MM_HASH_BITS)]);
	WRITE_ONCE(mm_hash_changes, mm_hash_changes + 1);
	spin_unlock(&mm_hash_lock);
}

void pw_mm_unhash(struct pw_mm *pm)
{
	spin_lock(&mm_hash_lock);
	/* Before pw_mm_free(), which waits for the lookups (litmus mm-lookup). */
	hlist_del_init_rcu(&pm->hash);
	WRITE_ONCE(mm_hash_changes, mm_hash_changes + 1);
	spin_unlock(&mm_hash_lock);
}

/* Return: how often mms have been added to the hash and removed from it. */
unsigned int pw_mm_hash_changes(void)
{
	return READ_ONCE(mm_hash_changes);
}

static void mm_put_work(struct work_struct *work);

static struct pw_mm *mm_alloc_state(void)
{
	struct pw_mm *pm;
	unsigned int i, nr_recs = nr_cpu_ids * ARRAY_SIZE(pm->recs->rec);

	/* The bits of ->used follow the records. */
	pm = kvzalloc(struct_size(pm, recs, nr_cpu_ids) +
		      BITS_TO_LONGS(nr_recs) * sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!pm)
		return NULL;
	pm->mn.ops = &pw_mn_ops;
	pm->gen = 1;			/* never 0, so a zeroed hole_gen is stale */
	pm->seq_next = pw_mm_seq_block();
	pm->number = (pm->seq_next & ~PW_SEQ_BIT) >> (PW_SEQ_SLOT_BITS + PW_SEQ_BLOCK_BITS);
	spin_lock_init(&pm->lock);
	pm->nr_classes = 1;
	pm->plain = true;
	pm->filter.from = pw_filter_from;
	pm->slot_newest[PW_SLOT_IDLE] = U64_MAX >> PW_SUB_STAMP_SHIFT; /* release */
	for (i = 0; i < PW_NR_SHARED; i++)
		pm->shared[i].rec.event = PW_EVENT_ANY;
	INIT_WORK(&pm->put_work, mm_put_work);
	INIT_WORK(&pm->settle_work, pw_veto_settle_work);
	INIT_WORK(&pm->spare_work, pw_veto_spare_work);
	INIT_LIST_HEAD(&pm->unsettled);
	pm->nr_recs = nr_recs;
	pm->used = (unsigned long *)&pm->recs[nr_cpu_ids];
	for (i = 0; i < nr_recs; i++)
		pw_record_nr(pm, i)->slot = PW_SLOT_NONE;
	INIT_LIST_HEAD(&pm->extra);
	INIT_LIST_HEAD(&pm->spare);
	for (i = 0; i < PW_SPARE_RECORDS; i++)
		list_add(&pm->spares[i].node, &pm->spare);
	pm->idle_since = jiffies;
	pm->registered = true;
	pm->open = true;
	return pm;
}

/*
 * Return: the state of an mm, with a reservation, or NULL. A reservation is counted like
 * a subscription, so the idle worker does not unregister the mm. If the worker is
 * unregistering it now, unhash the state, so that no later lookup finds it. Caller holds
 * mm_users: release does not run.
 */
static struct pw_mm *mm_reserve(struct mm_struct *mm)
{
	struct pw_mm *pm;
	bool open;

	/* Pairs with kvfree_rcu() in pw_mm_free() (litmus mm-lookup). */
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

/* A call that a task with a pending signal leaves to a worker, on the task's stack */
struct mm_call {
	struct work_struct work;
	struct completion done;
	struct mm_struct *mm;
	int (*fn)(struct mm_struct *mm, void *data);
	void *data;
	int ret;
};

static void mm_call_work(struct work_struct *work)
{
	struct mm_call *call = container_of(work, struct mm_call, work);

	/* As a trylock: the task may hold locks that are taken inside the mmap lock. */
	rwsem_acquire(&call->mm->mmap_lock.dep_map, 0, 1, _RET_IP_);
	call->ret = call->fn(call->mm, call->data);
	rwsem_release(&call->mm->mmap_lock.dep_map, _RET_IP_);
	complete(&call->done);
}

/**
 * pw_mm_call() - call a function that takes all locks of an mm
 * @mm: The mm. Caller holds the mmap lock for writing, and mm_users.
 * @fn: The function. If it returns -EINTR, it has changed nothing.
 * @data: Passed to @fn.
 *
 * The kernel stops taking the locks, with -EINTR, as soon as a signal is pending. With
 * thousands of mappings and a timer of a profiler, each attempt of a task would fail.
 * A worker has no signals. It works under the mmap lock of the waiting task: so the work
 * needs no reference of its own, user space cannot make the worker wait for the mmap
 * lock, and callers that hold the mmap lock anyway can use the worker, too. Only lockdep
 * needs the name of the holder.
 *
 * Context: process context, sleeps. The wait is not killable, and as long as @fn takes.
 * Return: the return value of @fn; -EINTR only if a fatal signal is pending.
 */
int pw_mm_call(struct mm_struct *mm, int (*fn)(struct mm_struct *mm, void *data), void *data)
{
	struct mm_call call = { .mm = mm, .fn = fn, .data = data };
	int ret = fn(mm, data);

	if (ret != -EINTR || fatal_signal_pending(current))
		return ret;
	INIT_WORK_ONSTACK(&call.work, mm_call_work);
	init_completion(&call.done);
	rwsem_release(&mm->mmap_lock.dep_map, _RET_IP_);
	queue_work(mm_put_wq, &call.work);
	wait_for_completion(&call.done);
	rwsem_acquire(&mm->mmap_lock.dep_map, 0, 1, _RET_IP_);
	destroy_work_on_stack(&call.work);
	return call.ret;
}

static int mm_call_register(struct mm_struct *mm, void *data)
{
	struct pw_mm *pm = data;

	return __mmu_notifier_register(&pm->mn, mm);
}

/*
 * Tell lockdep that reclaim calls callbacks, before it has happened. Not at later inserts:
 * their callers may hold a lock that callbacks take.
 */
static void mm_teach_lockdep(void)
{
	fs_reclaim_acquire(GFP_KERNEL);
	lock_map_acquire(&pw_invalidate_map);
	lock_map_release(&pw_invalidate_map);
	fs_reclaim_release(GFP_KERNEL);
}

/* Caller holds the mmap lock for writing: no two tasks register at the same time. */
static struct pw_mm *mm_register(struct mm_struct *mm)
{
	struct pw_mm *pm = mm_reserve(mm);
	int ret;

	if (pm)
		return pm;
	mm_teach_lockdep();
	pm = mm_alloc_state();
	if (!pm)
		return ERR_PTR(-ENOMEM);
	pm->nr_subs = 1;
	ret = pw_mm_call(mm, mm_call_register, pm);
	if (ret) {
		kvfree(pm);
		return ERR_PTR(ret);
	}
	atomic_inc(&mm_live);
	mm_hash_add(pm);
	trace_pinwatch_mm_register(mm, pm->number);
	return pm;
}

/**
 * pw_mm_register() - reserve the state of an mm, and register with the mm if necessary
 * @mm: The mm. Caller holds mm_users, so that no release runs.
 * @locked: The caller holds the mmap lock for writing.
 *
 * Context: process context, may sleep.
 * Return: the state, with a reservation in nr_subs; an ERR_PTR of -ENOMEM, or of -EINTR
 * if a fatal signal is pending.
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

/* Are there no counted references? Caller holds pm->lock. */
bool pw_mm_unused(struct pw_mm *pm)
{
	lockdep_assert_held(&pm->lock);
	return !pm->registered && !pm->nr_subs;
}

/**
 * pw_mm_put() - free the state of an mm, after its grace periods
 * @pm: pw_mm_unused() became true for this state.
 *
 * Context: any in which the spinlock of mmu_notifier may be taken, release included.
 */
void pw_mm_put(struct pw_mm *pm)
{
	trace_pinwatch_mm_release(pm->mn.mm, pm->number);
	/* Removing vetoes sleeps, and would deadlock in a callback. */
	if (!RB_EMPTY_ROOT(&pm->vetoes))
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

/* free_notifier, called by SRCU with softirqs off. The caller does the mmdrop(). */
void pw_mm_free(struct mmu_notifier *mn)
{
	struct pw_mm *pm = container_of(mn, struct pw_mm, mn);
	struct pw_extra_record *extra, *next;

	/* Records of invalidations whose ends release has cut off. */
	list_for_each_entry_safe(extra, next, &pm->extra, node)
		if (extra->allocated)
			kfree(extra);
	kfree(pm->spare_veto);
	pw_filter_free(&pm->filter);
	/* Pairs with the read sections of lookups (litmus mm-lookup). */
	kvfree_rcu(pm, rcu);
	/* Pairs with the wait in pw_core_exit() (litmus exit-text). */
	if (atomic_dec_and_test(&mm_live))
		wake_up_all(&mm_live_wq);
}

/*
 * No process can come back to an mm that only callers of pw_mm_hold_users() use. Caller
 * holds pm->lock.
 */
static bool mm_deserted(struct pw_mm *pm)
{
	if (atomic_read(&pm->mn.mm->mm_users) <= pm->nr_users)
		pm->deserted = true;
	return pm->deserted;
}

/**
 * pw_mm_hold_users() - take mm_users, as long as a process uses the mm
 * @pm: The state of the mm. The caller holds a subscription.
 *
 * mmget_not_zero() alone would let callers that follow each other keep the memory of a
 * dead process for ever.
 *
 * Context: process context. Does not sleep.
 * Return: true, and the caller has to call pw_mm_drop_users(); false if no process uses the
 * mm, and then for all later calls.
 */
bool pw_mm_hold_users(struct pw_mm *pm)
{
	bool held;

	spin_lock(&pm->lock);
	held = !mm_deserted(pm) && mmget_not_zero(pm->mn.mm);
	pm->nr_users += held;
	spin_unlock(&pm->lock);
	return held;
}

/**
 * pw_mm_drop_users() - undo pw_mm_hold_users()
 * @pm: The state of the mm. The caller holds a subscription.
 *
 * Context: process context. Does not sleep.
 * Return: true if the last reference is left, and the caller has to drop it by mmput(),
 * which sleeps and calls release.
 */
bool pw_mm_drop_users(struct pw_mm *pm)
{
	bool last;

	spin_lock(&pm->lock);
	/* Before the reference: pw_mm_hold_users() must not count the reference of a process. */
	pm->nr_users--;
	last = !atomic_add_unless(&pm->mn.mm->mm_users, -1, 1);
	if (last)
		pm->deserted = true;
	spin_unlock(&pm->lock);
	return last;
}

/**
 * pw_core_stats() - read the module-wide counters
 * @out: Filled in. Sums over all CPUs: exact only while the engine is not in use.
 *
 * Context: any. Does not sleep.
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
 * A registered notifier slows each invalidation in its mm, even without subscriptions.
 * Registering is much slower, and some drivers insert and remove one subscription over
 * and over. So as long as an mm is idle, a worker runs every idle_ms, and unregisters
 * each mm that has been idle for idle_ms.
 */
static unsigned int idle_ms = 1000;
module_param(idle_ms, uint, 0644);
MODULE_PARM_DESC(idle_ms, "milliseconds after which an address space without subscriptions is let go (1000)");

static void mm_idle_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(mm_idle, mm_idle_work);
static bool mm_idle_armed;

/**
 * pw_mm_idle() - arm the idle worker, after the last subscription of an mm has ended
 *
 * Context: any, but not under pm->lock, which is a leaf. Does not sleep.
 */
void pw_mm_idle(void)
{
	/*
	 * Pairs with smp_store_mb() in mm_idle_work(): it cannot happen that the worker
	 * misses the idle mm and this task sees the worker armed (litmus idle-armed).
	 */
	smp_mb();
	if (unlikely(!READ_ONCE(mm_idle_armed)) && !xchg(&mm_idle_armed, true))
		queue_delayed_work(mm_put_wq, &mm_idle, msecs_to_jiffies(idle_ms));
}

/* Return: true if @pm is idle, but not for idle_ms yet. */
static bool mm_let_go(struct pw_mm *pm)
{
	unsigned long due;
	bool idle, put;

	spin_lock(&pm->lock);
	/*
	 * An mm with a veto stays registered: to insert the veto again could fail, and
	 * would have to wait.
	 */
	idle = pm->registered && pm->open && !pm->nr_subs &&
	       RB_EMPTY_ROOT(&pm->vetoes);
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

	/*
	 * Before the search: an mm that becomes idle later arms the worker again. Full
	 * barrier, pairs with the smp_mb() in pw_mm_idle() (litmus idle-armed).
	 */
	smp_store_mb(mm_idle_armed, false);
	/* Pairs with kvfree_rcu() in pw_mm_free() (litmus mm-lookup). */
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
	/* No WQ_MEM_RECLAIM: memory reclaim never waits for these. */
	mm_put_wq = alloc_workqueue("pinwatch_mm", WQ_UNBOUND, 0);
	if (!mm_put_wq)
		return -ENOMEM;
	/* Of its own: its works last as long as invalidations do. */
	mm_settle_wq = alloc_workqueue("pinwatch_settle", WQ_UNBOUND, 0);
	if (!mm_settle_wq) {
		destroy_workqueue(mm_put_wq);
		return -ENOMEM;
	}
	return 0;
}

/* Start a work of a veto, which drops a reservation of the caller. */
void pw_mm_queue(struct work_struct *work)
{
	queue_work(mm_settle_wq, work);
}

/* Unhash a state. Return: the state; NULL if the hash is empty. */
static struct pw_mm *mm_take_registered(void)
{
	struct pw_mm *pm;
	int i;

	spin_lock(&mm_hash_lock);
	for (i = 0; i < ARRAY_SIZE(pw_mm_hash); i++) {
		if (hlist_empty(&pw_mm_hash[i]))
			continue;
		pm = hlist_entry(pw_mm_hash[i].first, struct pw_mm, hash);
		/* As in pw_mm_unhash() (litmus mm-lookup). */
		hlist_del_init_rcu(&pm->hash);
		spin_unlock(&mm_hash_lock);
		return pm;
	}
	spin_unlock(&mm_hash_lock);
	return NULL;
}

/*
 * There are no subscriptions: each belongs to a module that uses this module's symbols.
 * But mms are registered, and release may run for some of them now: then either release
 * or this loop drops the registration. pw_mm_free() is called an SRCU grace period after
 * that, when all calls of the notifier have returned. So wait for mm_live to become 0. The
 * last pw_mm_free() may then still be returning: it runs with softirqs off, so
 * synchronize_rcu() waits for it.
 */
void pw_core_exit(void)
{
	struct pw_mm *pm;
	bool put;

	/*
	 * The last reservation of an mm would arm the idle worker again. Waits until each mm with
	 * a deferred veto has had no invalidation in flight once, or is released.
	 */
	flush_workqueue(mm_settle_wq);
	cancel_delayed_work_sync(&mm_idle);
	/* A concurrent release may free @pm after mm_take_registered() (litmus mm-lookup). */
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

	wait_event(mm_live_wq, !atomic_read(&mm_live));
	/* Pairs with the atomic_dec_and_test() in pw_mm_free() (litmus exit-text). */
	synchronize_rcu();
	destroy_workqueue(mm_settle_wq);
	destroy_workqueue(mm_put_wq);
}
