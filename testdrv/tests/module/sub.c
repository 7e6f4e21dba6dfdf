// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: the subscriptions of an open file: add, delete, read, begin, retry
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "sub.h"

int pt_sub_insert(struct pt_sub *sub, struct mm_struct *mm, unsigned long start,
		  unsigned long length, bool locked)
{
	if (sub->engine == PINWATCH_TEST_KERNEL)
		return (locked ? mmu_interval_notifier_insert_locked :
				 mmu_interval_notifier_insert)
			(&sub->handle.mni, mm, start, length, &pt_mni_ops);
	return (locked ? pinwatch_interval_notifier_insert_locked :
			 pinwatch_interval_notifier_insert)
		(&sub->handle.pw, mm, start, length, &sub->ops);
}

void pt_handle_remove(union pt_handle *handle, u32 engine)
{
	if (engine == PINWATCH_TEST_KERNEL)
		mmu_interval_notifier_remove(&handle->mni);
	else
		pinwatch_interval_notifier_remove(&handle->pw);
}

unsigned long pt_handle_begin(union pt_handle *handle, u32 engine)
{
	if (engine == PINWATCH_TEST_KERNEL)
		return mmu_interval_read_begin(&handle->mni);
	return pinwatch_interval_read_begin(&handle->pw);
}

/* Caller holds sub->lock. */
bool pt_handle_retry(union pt_handle *handle, u32 engine, unsigned long seq)
{
	if (engine == PINWATCH_TEST_KERNEL)
		return mmu_interval_read_retry(&handle->mni, seq);
	return pinwatch_interval_read_retry(&handle->pw, seq);
}

/* Caller has zeroed @sub. */
void pt_sub_init(struct pt_sub *sub, const struct pinwatch_test_add *arg)
{
	kref_init(&sub->ref);
	spin_lock_init(&sub->lock);
	sub->engine = arg->engine;
	sub->behaviour = arg->behaviour;
	sub->sleep_us = arg->sleep_us;
	sub->hold_ms = arg->hold_ms ?: PINWATCH_TEST_MAX_HOLD_MS;
	pt_hold_init(&sub->hold, arg->behaviour == PINWATCH_TEST_HELD);
	pt_ops_init(sub, arg->flags, arg->ignore_events);
}

static void sub_free(struct kref *ref)
{
	kfree(container_of(ref, struct pt_sub, ref));
}

void pt_sub_put(struct pt_sub *sub)
{
	kref_put(&sub->ref, sub_free);
}

/* @reader: the caller calls read_begin or read_retry: DEL fails with EBUSY meanwhile. */
struct pt_sub *pt_sub_get(struct pt_table *table, u32 id, bool reader)
{
	struct pt_sub *sub = NULL;

	if (id >= PINWATCH_TEST_MAX_SUBS)
		return NULL;
	id = array_index_nospec(id, PINWATCH_TEST_MAX_SUBS);
	spin_lock(&table->lock);
	sub = table->subs[id];
	if (sub && reader && sub->deleting)
		sub = NULL;
	if (sub) {
		kref_get(&sub->ref);
		sub->readers += reader;
	}
	spin_unlock(&table->lock);
	return sub;
}

void pt_sub_put_reader(struct pt_table *table, struct pt_sub *sub)
{
	spin_lock(&table->lock);
	sub->readers--;
	spin_unlock(&table->lock);
	pt_sub_put(sub);
}

/* Reserves an id. The first ADD binds the table to current->mm. */
static int table_publish(struct pt_table *table, struct pt_sub *sub, bool file_mm,
			 u32 *id)
{
	int ret = -ENOSPC;
	u32 i;

	spin_lock(&table->lock);
	if (!table->mm && !file_mm) {
		mmgrab(current->mm);
		table->mm = current->mm;
	}
	if (file_mm ? !table->mm : table->mm != current->mm) {
		ret = -EXDEV;
		goto out;
	}
	for (i = 0; i < PINWATCH_TEST_MAX_SUBS; i++) {
		if (table->subs[i])
			continue;
		sub->deleting = true;	/* until sub_insert() has succeeded */
		sub->table = table;
		sub->id = i;
		table->subs[i] = sub;
		*id = i;
		ret = 0;
		break;
	}
out:
	spin_unlock(&table->lock);
	return ret;
}

static void table_unpublish(struct pt_table *table, u32 id)
{
	struct pt_sub *sub;

	spin_lock(&table->lock);
	sub = table->subs[id];
	table->subs[id] = NULL;
	spin_unlock(&table->lock);
	pt_sub_put(sub);
}

static int sub_insert(struct pt_sub *sub, struct pinwatch_test_add *arg)
{
	bool locked = arg->flags & PINWATCH_TEST_F_LOCKED;
	struct mm_struct *mm = sub->table->mm;
	struct pt_clock clock;
	int ret;

	if (arg->flags & PINWATCH_TEST_F_SIGNAL)
		send_sig(SIGUSR1, current, 1);
	if (locked)
		mmap_write_lock(mm);
	pt_clock_start(&clock);
	ret = pt_sub_insert(sub, mm, arg->start, arg->length, locked);
	pt_clock_stop(&clock, &arg->time);
	if (locked)
		mmap_write_unlock(mm);
	return ret;
}

static bool add_is_valid(const struct pinwatch_test_add *arg)
{
	const u32 both = PINWATCH_TEST_F_LOCKED | PINWATCH_TEST_F_SIGNAL;
	const u32 ours = PINWATCH_TEST_F_SLEEPS | PINWATCH_TEST_F_TWO_PASS |
			 PINWATCH_TEST_F_OWNER | PINWATCH_TEST_F_FILE_MM;

	if (arg->engine >= PINWATCH_TEST_NR_ENGINES ||
	    arg->behaviour >= PINWATCH_TEST_NR_BEHAVIOURS || arg->reserved ||
	    arg->flags & ~(both | ours))
		return false;
	/* F_LOCKED would take the mmap lock of another process. */
	if (arg->flags & PINWATCH_TEST_F_FILE_MM && arg->flags & PINWATCH_TEST_F_LOCKED)
		return false;
	return arg->engine == PINWATCH_TEST_PINWATCH ||
	       (!(arg->flags & ours) && !arg->ignore_events &&
		arg->behaviour != PINWATCH_TEST_PUTTING);
}

int pt_sub_add(struct pt_table *table, struct pinwatch_test_add *arg)
{
	struct pt_sub *sub;
	int ret;

	if (!add_is_valid(arg))
		return -EINVAL;
	sub = kzalloc(sizeof(*sub), GFP_KERNEL);
	if (!sub)
		return -ENOMEM;
	pt_sub_init(sub, arg);
	ret = table_publish(table, sub, arg->flags & PINWATCH_TEST_F_FILE_MM, &arg->id);
	if (ret) {
		pt_sub_put(sub);
		return ret;
	}
	ret = sub_insert(sub, arg);
	if (ret) {
		table_unpublish(table, arg->id);
		return ret;
	}
	spin_lock(&table->lock);
	sub->deleting = false;
	spin_unlock(&table->lock);
	return 0;
}

/* Makes the caller the only one that may remove or put @sub. */
static int sub_claim(struct pt_table *table, struct pt_sub *sub)
{
	int ret = 0;

	spin_lock(&table->lock);
	if (sub->deleting)
		ret = -ENOENT;
	else if (sub->readers)
		ret = -EBUSY;
	else
		sub->deleting = true;
	spin_unlock(&table->lock);
	return ret;
}

/* A callback asks whether it may put its own subscription now. */
bool pt_sub_claim_put(struct pt_sub *sub)
{
	if (sub_claim(sub->table, sub))
		return false;
	WRITE_ONCE(sub->table->put, true);
	return true;
}

/* ops->free */
void pt_sub_freed(struct pinwatch_interval_notifier *pw)
{
	struct pt_sub *sub = container_of(pw, struct pt_sub, handle.pw);

	table_unpublish(sub->table, sub->id);
}

int pt_sub_del(struct pt_table *table, struct pinwatch_test_del *arg)
{
	bool put = arg->flags & PINWATCH_TEST_DEL_PUT;
	struct pt_clock clock;
	struct pt_sub *sub;
	int ret;

	if (arg->flags & ~PINWATCH_TEST_DEL_PUT)
		return -EINVAL;
	sub = pt_sub_get(table, arg->id, false);
	if (!sub)
		return -ENOENT;
	ret = put && sub->engine != PINWATCH_TEST_PINWATCH ? -EINVAL :
							    sub_claim(table, sub);
	if (!ret) {
		WRITE_ONCE(table->put, table->put || put);
		pt_clock_start(&clock);
		if (put)
			pinwatch_interval_notifier_put(&sub->handle.pw);
		else
			pt_handle_remove(&sub->handle, sub->engine);
		pt_clock_stop(&clock, &arg->time);
		if (!put)
			table_unpublish(table, arg->id);
	}
	pt_sub_put(sub);
	return ret;
}

void pt_sub_read(struct pt_sub *sub, struct pinwatch_test_read *arg)
{
	spin_lock(&sub->lock);
	arg->inside = atomic_read(&sub->hold.inside);
	arg->callbacks = sub->callbacks;
	arg->non_blockable = sub->non_blockable;
	arg->timeouts = atomic_read(&sub->hold.timeouts);
	arg->last_start = sub->last_start;
	arg->last_end = sub->last_end;
	arg->events = sub->events;
	arg->unaligned = sub->unaligned;
	arg->digest = sub->digest;
	arg->finishes = sub->nr_finishes;
	arg->first_order = sub->first_order;
	arg->second_order = sub->second_order;
	spin_unlock(&sub->lock);
}

static int sub_begin(struct pt_sub *sub, struct pinwatch_test_begin *arg)
{
	struct pinwatch_interval_notifier *pw = &sub->handle.pw;
	unsigned long seq = 0;
	int ret = 0;

	if (arg->how != PINWATCH_TEST_BEGIN_PLAIN &&
	    (sub->engine != PINWATCH_TEST_PINWATCH ||
	     arg->how > PINWATCH_TEST_BEGIN_TIMEOUT))
		return -EINVAL;
	if (arg->how == PINWATCH_TEST_BEGIN_KILLABLE)
		ret = pinwatch_interval_read_begin_killable(pw, &seq);
	else if (arg->how == PINWATCH_TEST_BEGIN_TIMEOUT)
		ret = pinwatch_interval_read_begin_timeout(pw, &seq,
							   msecs_to_jiffies(arg->timeout_ms));
	else
		seq = pt_handle_begin(&sub->handle, sub->engine);
	arg->seq = seq;
	return ret;
}

int pt_sub_begin(struct pt_table *table, struct pinwatch_test_begin *arg)
{
	struct pt_sub *sub = pt_sub_get(table, arg->id, true);
	struct pt_clock clock;
	int ret;

	if (!sub)
		return -ENOENT;
	pt_clock_start(&clock);
	ret = sub_begin(sub, arg);
	pt_clock_stop(&clock, &arg->time);
	pt_sub_put_reader(table, sub);
	return ret;
}

bool pt_sub_retry(struct pt_sub *sub, unsigned long seq)
{
	bool retry;

	spin_lock(&sub->lock);
	retry = pt_handle_retry(&sub->handle, sub->engine, seq);
	spin_unlock(&sub->lock);
	return retry;
}

/* At close: no other task uses @table. Releases held callbacks, so remove returns. */
void pt_sub_remove_all(struct pt_table *table)
{
	struct pinwatch_test_del arg = {};
	u32 id;

	for (id = 0; id < PINWATCH_TEST_MAX_SUBS; id++)
		if (table->subs[id])
			pt_hold_release(&table->subs[id]->hold);
	for (id = 0; id < PINWATCH_TEST_MAX_SUBS; id++) {
		arg.id = id;
		pt_sub_del(table, &arg);
	}
	/* pt_sub_freed() uses @table: wait until the last one has run. */
	if (table->put)
		pinwatch_interval_notifier_barrier();
}
