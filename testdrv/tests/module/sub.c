// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: subscriptions
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "lab.h"

int lab_sub_insert(struct lab_sub *sub, struct mm_struct *mm, unsigned long start,
		   unsigned long length, bool locked)
{
	if (sub->engine == PINWATCH_TEST_KERNEL)
		return (locked ? mmu_interval_notifier_insert_locked :
				 mmu_interval_notifier_insert)
			(&sub->handle.mni, mm, start, length, &lab_mni_ops);
	return (locked ? pinwatch_interval_notifier_insert_locked :
			 pinwatch_interval_notifier_insert)
		(&sub->handle.pw, mm, start, length, &sub->ops);
}

void lab_handle_remove(union lab_handle *handle, u32 engine)
{
	if (engine == PINWATCH_TEST_KERNEL)
		mmu_interval_notifier_remove(&handle->mni);
	else
		pinwatch_interval_notifier_remove(&handle->pw);
}

unsigned long lab_handle_begin(union lab_handle *handle, u32 engine)
{
	if (engine == PINWATCH_TEST_KERNEL)
		return mmu_interval_read_begin(&handle->mni);
	return pinwatch_interval_read_begin(&handle->pw);
}

/* Under the sub's lock. */
bool lab_handle_retry(union lab_handle *handle, u32 engine, unsigned long seq)
{
	if (engine == PINWATCH_TEST_KERNEL)
		return mmu_interval_read_retry(&handle->mni, seq);
	return pinwatch_interval_read_retry(&handle->pw, seq);
}

/* @sub is zeroed. */
void lab_sub_init(struct lab_sub *sub, const struct pinwatch_test_add *arg)
{
	kref_init(&sub->ref);
	spin_lock_init(&sub->lock);
	sub->engine = arg->engine;
	sub->behaviour = arg->behaviour;
	sub->sleep_us = arg->sleep_us;
	sub->hold_ms = arg->hold_ms ?: PINWATCH_TEST_MAX_HOLD_MS;
	lab_hold_init(&sub->hold, arg->behaviour == PINWATCH_TEST_HELD);
	lab_ops_init(sub, arg->flags, arg->ignore_events);
}

static void sub_free(struct kref *ref)
{
	kfree(container_of(ref, struct lab_sub, ref));
}

void lab_sub_put(struct lab_sub *sub)
{
	kref_put(&sub->ref, sub_free);
}

/* @reader: to call read_begin with it, which no remove may overtake. */
struct lab_sub *lab_sub_get(struct lab_file *file, u32 id, bool reader)
{
	struct lab_sub *sub = NULL;

	if (id >= PINWATCH_TEST_MAX_SUBS)
		return NULL;
	id = array_index_nospec(id, PINWATCH_TEST_MAX_SUBS);
	spin_lock(&file->lock);
	sub = file->subs[id];
	if (sub && reader && sub->deleting)
		sub = NULL;
	if (sub) {
		kref_get(&sub->ref);
		sub->readers += reader;
	}
	spin_unlock(&file->lock);
	return sub;
}

void lab_sub_put_reader(struct lab_file *file, struct lab_sub *sub)
{
	spin_lock(&file->lock);
	sub->readers--;
	spin_unlock(&file->lock);
	lab_sub_put(sub);
}

/* Reserves an id; the mm of the first one is the file's. */
static int file_publish(struct lab_file *file, struct lab_sub *sub, bool file_mm,
			u32 *id)
{
	int ret = -ENOSPC;
	u32 i;

	spin_lock(&file->lock);
	if (!file->mm && !file_mm) {
		mmgrab(current->mm);
		file->mm = current->mm;
	}
	if (file_mm ? !file->mm : file->mm != current->mm) {
		ret = -EXDEV;
		goto out;
	}
	for (i = 0; i < PINWATCH_TEST_MAX_SUBS; i++) {
		if (file->subs[i])
			continue;
		sub->deleting = true;	/* until it is inserted */
		sub->file = file;
		sub->id = i;
		file->subs[i] = sub;
		*id = i;
		ret = 0;
		break;
	}
out:
	spin_unlock(&file->lock);
	return ret;
}

static void file_unpublish(struct lab_file *file, u32 id)
{
	struct lab_sub *sub;

	spin_lock(&file->lock);
	sub = file->subs[id];
	file->subs[id] = NULL;
	spin_unlock(&file->lock);
	lab_sub_put(sub);
}

static int sub_insert(struct lab_sub *sub, struct pinwatch_test_add *arg)
{
	bool locked = arg->flags & PINWATCH_TEST_F_LOCKED;
	struct mm_struct *mm = sub->file->mm;
	struct lab_clock clock;
	int ret;

	if (arg->flags & PINWATCH_TEST_F_SIGNAL)
		send_sig(SIGUSR1, current, 1);
	if (locked)
		mmap_write_lock(mm);
	lab_clock_start(&clock);
	ret = lab_sub_insert(sub, mm, arg->start, arg->length, locked);
	lab_clock_stop(&clock, &arg->time);
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
	/* Into another mm: without its mmap lock. */
	if (arg->flags & PINWATCH_TEST_F_FILE_MM && arg->flags & PINWATCH_TEST_F_LOCKED)
		return false;
	return arg->engine == PINWATCH_TEST_PINWATCH ||
	       (!(arg->flags & ours) && !arg->ignore_events &&
		arg->behaviour != PINWATCH_TEST_PUTTING);
}

int lab_sub_add(struct lab_file *file, struct pinwatch_test_add *arg)
{
	struct lab_sub *sub;
	int ret;

	if (!add_is_valid(arg))
		return -EINVAL;
	sub = kzalloc(sizeof(*sub), GFP_KERNEL);
	if (!sub)
		return -ENOMEM;
	lab_sub_init(sub, arg);
	ret = file_publish(file, sub, arg->flags & PINWATCH_TEST_F_FILE_MM, &arg->id);
	if (ret) {
		lab_sub_put(sub);
		return ret;
	}
	ret = sub_insert(sub, arg);
	if (ret) {
		file_unpublish(file, arg->id);
		return ret;
	}
	spin_lock(&file->lock);
	sub->deleting = false;
	spin_unlock(&file->lock);
	return 0;
}

/* Nobody else is to remove or put it from here on. */
static int sub_claim(struct lab_file *file, struct lab_sub *sub)
{
	int ret = 0;

	spin_lock(&file->lock);
	if (sub->deleting)
		ret = -ENOENT;
	else if (sub->readers)
		ret = -EBUSY;
	else
		sub->deleting = true;
	spin_unlock(&file->lock);
	return ret;
}

/* In its callback: may it put itself now? */
bool lab_sub_claim_put(struct lab_sub *sub)
{
	if (sub_claim(sub->file, sub))
		return false;
	WRITE_ONCE(sub->file->put, true);
	return true;
}

/* ops->free */
void lab_sub_freed(struct pinwatch_interval_notifier *pw)
{
	struct lab_sub *sub = container_of(pw, struct lab_sub, handle.pw);

	file_unpublish(sub->file, sub->id);
}

int lab_sub_del(struct lab_file *file, struct pinwatch_test_del *arg)
{
	bool put = arg->flags & PINWATCH_TEST_DEL_PUT;
	struct lab_clock clock;
	struct lab_sub *sub;
	int ret;

	if (arg->flags & ~PINWATCH_TEST_DEL_PUT)
		return -EINVAL;
	sub = lab_sub_get(file, arg->id, false);
	if (!sub)
		return -ENOENT;
	ret = put && sub->engine != PINWATCH_TEST_PINWATCH ? -EINVAL :
							    sub_claim(file, sub);
	if (!ret) {
		WRITE_ONCE(file->put, file->put || put);
		lab_clock_start(&clock);
		if (put)
			pinwatch_interval_notifier_put(&sub->handle.pw);
		else
			lab_handle_remove(&sub->handle, sub->engine);
		lab_clock_stop(&clock, &arg->time);
		if (!put)
			file_unpublish(file, arg->id);
	}
	lab_sub_put(sub);
	return ret;
}

void lab_sub_read(struct lab_sub *sub, struct pinwatch_test_read *arg)
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

static int sub_begin(struct lab_sub *sub, struct pinwatch_test_begin *arg)
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
		seq = lab_handle_begin(&sub->handle, sub->engine);
	arg->seq = seq;
	return ret;
}

int lab_sub_begin(struct lab_file *file, struct pinwatch_test_begin *arg)
{
	struct lab_sub *sub = lab_sub_get(file, arg->id, true);
	struct lab_clock clock;
	int ret;

	if (!sub)
		return -ENOENT;
	lab_clock_start(&clock);
	ret = sub_begin(sub, arg);
	lab_clock_stop(&clock, &arg->time);
	lab_sub_put_reader(file, sub);
	return ret;
}

bool lab_sub_retry(struct lab_sub *sub, unsigned long seq)
{
	bool retry;

	spin_lock(&sub->lock);
	retry = lab_handle_retry(&sub->handle, sub->engine, seq);
	spin_unlock(&sub->lock);
	return retry;
}

/* At close: nobody else has the file. Nothing may stay held meanwhile. */
void lab_sub_remove_all(struct lab_file *file)
{
	struct pinwatch_test_del arg = {};
	u32 id;

	for (id = 0; id < PINWATCH_TEST_MAX_SUBS; id++)
		if (file->subs[id])
			lab_hold_release(&file->subs[id]->hold);
	for (id = 0; id < PINWATCH_TEST_MAX_SUBS; id++) {
		arg.id = id;
		lab_sub_del(file, &arg);
	}
	/* Their ends come by themselves; the table is looked at then. */
	if (file->put)
		pinwatch_interval_notifier_barrier();
}
