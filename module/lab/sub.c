// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_lab: subscriptions, and how their callbacks behave
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "lab.h"

static struct lab_sub *handle_sub(union lab_handle *handle)
{
	return container_of(handle, struct lab_sub, handle);
}

/* Under sub->lock. */
static void sub_note(struct lab_sub *sub, const struct mmu_notifier_range *range)
{
	sub->callbacks++;
	sub->non_blockable += !mmu_notifier_range_blockable(range);
	sub->last_start = range->start;
	sub->last_end = range->end;
	sub->events |= BIT(range->event);
}

static void sub_linger(struct lab_sub *sub, const struct mmu_notifier_range *range)
{
	lab_hold_enter(&sub->hold);
	if (mmu_notifier_range_blockable(range)) {
		if (sub->behaviour == PINWATCH_LAB_SLOW)
			fsleep(sub->sleep_us);
		else if (sub->behaviour == PINWATCH_LAB_HELD)
			lab_hold_pass(&sub->hold, sub->hold_ms);
	}
	lab_hold_leave(&sub->hold);
}

static bool sub_invalidate_pw(struct pinwatch_interval_notifier *pw,
			      const struct mmu_notifier_range *range,
			      unsigned long cur_seq)
{
	struct lab_sub *sub = handle_sub(container_of(pw, union lab_handle, pw));

	spin_lock(&sub->lock);
	if (sub->behaviour != PINWATCH_LAB_REJECTING)
		pinwatch_interval_set_seq(pw, cur_seq);
	sub_note(sub, range);
	spin_unlock(&sub->lock);
	sub_linger(sub, range);
	return true;
}

static bool sub_invalidate_mni(struct mmu_interval_notifier *mni,
			       const struct mmu_notifier_range *range,
			       unsigned long cur_seq)
{
	struct lab_sub *sub = handle_sub(container_of(mni, union lab_handle, mni));

	spin_lock(&sub->lock);
	if (sub->behaviour != PINWATCH_LAB_REJECTING)
		mmu_interval_set_seq(mni, cur_seq);
	sub_note(sub, range);
	spin_unlock(&sub->lock);
	sub_linger(sub, range);
	return true;
}

static const struct pinwatch_interval_notifier_ops sub_pw_ops = {
	.invalidate = sub_invalidate_pw,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

static const struct mmu_interval_notifier_ops sub_mni_ops = {
	.invalidate = sub_invalidate_mni,
};

/* The handle is a lab_sub's. */
int lab_handle_insert(union lab_handle *handle, u32 engine, struct mm_struct *mm,
		      unsigned long start, unsigned long length, bool locked)
{
	if (engine == PINWATCH_LAB_KERNEL)
		return (locked ? mmu_interval_notifier_insert_locked :
				 mmu_interval_notifier_insert)
			(&handle->mni, mm, start, length, &sub_mni_ops);
	return (locked ? pinwatch_interval_notifier_insert_locked :
			 pinwatch_interval_notifier_insert)
		(&handle->pw, mm, start, length, &sub_pw_ops);
}

void lab_handle_remove(union lab_handle *handle, u32 engine)
{
	if (engine == PINWATCH_LAB_KERNEL)
		mmu_interval_notifier_remove(&handle->mni);
	else
		pinwatch_interval_notifier_remove(&handle->pw);
}

unsigned long lab_handle_begin(union lab_handle *handle, u32 engine)
{
	if (engine == PINWATCH_LAB_KERNEL)
		return mmu_interval_read_begin(&handle->mni);
	return pinwatch_interval_read_begin(&handle->pw);
}

/* Under the sub's lock. */
bool lab_handle_retry(union lab_handle *handle, u32 engine, unsigned long seq)
{
	if (engine == PINWATCH_LAB_KERNEL)
		return mmu_interval_read_retry(&handle->mni, seq);
	return pinwatch_interval_read_retry(&handle->pw, seq);
}

/* @sub is zeroed. */
void lab_sub_init(struct lab_sub *sub, const struct pinwatch_lab_add *arg)
{
	kref_init(&sub->ref);
	spin_lock_init(&sub->lock);
	sub->engine = arg->engine;
	sub->behaviour = arg->behaviour;
	sub->sleep_us = arg->sleep_us;
	sub->hold_ms = arg->hold_ms ?: PINWATCH_LAB_MAX_HOLD_MS;
	lab_hold_init(&sub->hold, arg->behaviour == PINWATCH_LAB_HELD);
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

	if (id >= PINWATCH_LAB_MAX_SUBS)
		return NULL;
	id = array_index_nospec(id, PINWATCH_LAB_MAX_SUBS);
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
static int file_publish(struct lab_file *file, struct lab_sub *sub, u32 *id)
{
	int ret = -ENOSPC;
	u32 i;

	spin_lock(&file->lock);
	if (!file->mm) {
		mmgrab(current->mm);
		file->mm = current->mm;
	}
	if (file->mm != current->mm) {
		ret = -EXDEV;
		goto out;
	}
	for (i = 0; i < PINWATCH_LAB_MAX_SUBS; i++) {
		if (file->subs[i])
			continue;
		sub->deleting = true;	/* until it is inserted */
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

static int sub_insert(struct lab_sub *sub, struct pinwatch_lab_add *arg)
{
	bool locked = arg->flags & PINWATCH_LAB_F_LOCKED;
	struct lab_clock clock;
	int ret;

	if (arg->flags & PINWATCH_LAB_F_SIGNAL)
		send_sig(SIGUSR1, current, 1);
	if (locked)
		mmap_write_lock(current->mm);
	lab_clock_start(&clock);
	ret = lab_handle_insert(&sub->handle, sub->engine, current->mm, arg->start,
				arg->length, locked);
	lab_clock_stop(&clock, &arg->time);
	if (locked)
		mmap_write_unlock(current->mm);
	return ret;
}

int lab_sub_add(struct lab_file *file, struct pinwatch_lab_add *arg)
{
	struct lab_sub *sub;
	int ret;

	if (arg->engine >= PINWATCH_LAB_NR_ENGINES ||
	    arg->behaviour >= PINWATCH_LAB_NR_BEHAVIOURS ||
	    arg->flags & ~(PINWATCH_LAB_F_LOCKED | PINWATCH_LAB_F_SIGNAL))
		return -EINVAL;
	sub = kzalloc(sizeof(*sub), GFP_KERNEL);
	if (!sub)
		return -ENOMEM;
	lab_sub_init(sub, arg);
	ret = file_publish(file, sub, &arg->id);
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

int lab_sub_del(struct lab_file *file, struct pinwatch_lab_del *arg)
{
	struct lab_sub *sub = lab_sub_get(file, arg->id, false);
	struct lab_clock clock;
	int ret = 0;

	if (!sub)
		return -ENOENT;
	spin_lock(&file->lock);
	if (sub->deleting)
		ret = -ENOENT;
	else if (sub->readers)
		ret = -EBUSY;
	else
		sub->deleting = true;
	spin_unlock(&file->lock);
	if (!ret) {
		lab_clock_start(&clock);
		lab_handle_remove(&sub->handle, sub->engine);
		lab_clock_stop(&clock, &arg->time);
		file_unpublish(file, arg->id);
	}
	lab_sub_put(sub);
	return ret;
}

void lab_sub_read(struct lab_sub *sub, struct pinwatch_lab_read *arg)
{
	spin_lock(&sub->lock);
	arg->inside = atomic_read(&sub->hold.inside);
	arg->callbacks = sub->callbacks;
	arg->non_blockable = sub->non_blockable;
	arg->timeouts = atomic_read(&sub->hold.timeouts);
	arg->last_start = sub->last_start;
	arg->last_end = sub->last_end;
	arg->events = sub->events;
	arg->reserved = 0;
	spin_unlock(&sub->lock);
}

int lab_sub_begin(struct lab_file *file, struct pinwatch_lab_begin *arg)
{
	struct lab_sub *sub = lab_sub_get(file, arg->id, true);
	struct lab_clock clock;

	if (!sub)
		return -ENOENT;
	lab_clock_start(&clock);
	arg->seq = lab_handle_begin(&sub->handle, sub->engine);
	lab_clock_stop(&clock, &arg->time);
	lab_sub_put_reader(file, sub);
	return 0;
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
	struct pinwatch_lab_del arg = {};
	u32 id;

	for (id = 0; id < PINWATCH_LAB_MAX_SUBS; id++)
		if (file->subs[id])
			lab_hold_release(&file->subs[id]->hold);
	for (id = 0; id < PINWATCH_LAB_MAX_SUBS; id++) {
		arg.id = id;
		lab_sub_del(file, &arg);
	}
}
