// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches: add, hit, delete, reap. The states and locks are in watch.h
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "file.h"
#include "generation.h"
#include "limits.h"
#include "watch.h"

/* WATCH_ADD gives up when so many pins and so much time were in vain. */
#define ADD_MIN_TRIES	8
#define ADD_TIMEOUT	HZ

#define ADD_FLAGS	(PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE)

/*
 * Runs before each invalidation of the range, in any task, with any of mm's
 * locks held; the mapping does not change before it has returned, so nobody sees
 * the change and the old generation. Everything is accepted, whoever made it.
 */
static bool watch_invalidate(struct pinwatch_interval_notifier *sub,
			     const struct mmu_notifier_range *range,
			     unsigned long cur_seq)
{
	struct pw_watch *watch = container_of(sub, struct pw_watch, sub);
	bool active, dead = false, wake = false;

	spin_lock(&watch->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	active = watch->state == PW_WATCH_ACTIVE;
	if (active) {
		pw_generation_bump(watch->gen);
		wake = pw_event_record(watch, range);
		dead = range->event == MMU_NOTIFY_RELEASE;
	}
	if (dead)
		watch->state = PW_WATCH_DEAD;
	spin_unlock(&watch->lock);

	/* The file is there for as long as we are subscribed. */
	if (wake)
		pw_event_wake(&watch->file->events);
	if (dead)
		pw_file_reap(watch->file);
	return true;
}

static const struct pinwatch_interval_notifier_ops watch_ops = {
	.invalidate = watch_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

static void watch_free(struct kref *ref)
{
	kfree(container_of(ref, struct pw_watch, ref));
}

void pw_watch_put(struct pw_watch *watch)
{
	kref_put(&watch->ref, watch_free);
}

struct pw_watch *pw_watch_find(struct pw_file *file, u32 id)
{
	struct pw_watch *watch;

	if (id >= file->max_watches)
		return NULL;
	id = array_index_nospec(id, file->max_watches);
	xa_lock(&file->watches);
	watch = xa_load(&file->watches, id);
	if (watch)
		pw_watch_get(watch);
	xa_unlock(&file->watches);
	return watch;
}

struct pw_watch *pw_watch_next(struct pw_file *file, unsigned long *id)
{
	struct pw_watch *watch;

	xa_lock(&file->watches);
	watch = xa_find(&file->watches, id, ULONG_MAX, XA_PRESENT);
	if (watch)
		pw_watch_get(watch);
	xa_unlock(&file->watches);
	return watch;
}

/* A watch in the table, with an id and a share of the limits. */
static struct pw_watch *watch_alloc(struct pw_file *file, u64 cookie)
{
	struct pw_watch *watch;
	int err;

	err = pw_limits_charge(file->user);
	if (err)
		return ERR_PTR(err);
	err = -ENOMEM;
	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);
	if (!watch)
		goto err_uncharge;
	watch->file = file;
	watch->cookie = cookie;
	watch->state = PW_WATCH_ADDING;
	kref_init(&watch->ref);
	spin_lock_init(&watch->lock);
	INIT_LIST_HEAD(&watch->event.node);

	err = xa_alloc(&file->watches, &watch->id, watch,
		       XA_LIMIT(0, file->max_watches - 1), GFP_KERNEL_ACCOUNT);
	if (err)
		goto err_free;
	atomic_inc(&file->nr_watches);
	atomic_long_inc(&pw_counters.nr_watches);
	return watch;

err_free:
	kfree(watch);
err_uncharge:
	pw_limits_uncharge(file->user);
	return ERR_PTR(err == -EBUSY ? -ENOSPC : err);
}

/* The reverse. With no subscription, no pin and no event left. */
static void watch_unlink(struct pw_watch *watch)
{
	struct pw_file *file = watch->file;

	xa_erase(&file->watches, watch->id);
	atomic_dec(&file->nr_watches);
	atomic_long_dec(&pw_counters.nr_watches);
	pw_limits_uncharge(file->user);
	pw_watch_put(watch);
}

/* True: nothing was invalidated since @seq, and the watch is in force and held. */
static bool watch_activate(struct pw_watch *watch, unsigned long seq, u64 *generation)
{
	bool valid;

	spin_lock(&watch->lock);
	valid = !pinwatch_interval_read_retry(&watch->sub, seq);
	if (valid) {
		/* For the adder, who uses it when it may have been deleted again. */
		pw_watch_get(watch);
		watch->state = PW_WATCH_ACTIVE;
		*generation = pw_generation_bump(watch->gen);
	}
	spin_unlock(&watch->lock);
	return valid;
}

/*
 * Pin, until nothing was invalidated meanwhile. That the pinning itself breaks
 * copy-on-write in the range, and so fails the first try, is normal.
 */
static int watch_settle(struct pw_watch *watch, unsigned long start, u64 *generation)
{
	unsigned long deadline = jiffies + ADD_TIMEOUT;
	unsigned long seq;
	int tries = 0;
	int err;

	for (;;) {
		err = pinwatch_interval_read_begin_killable(&watch->sub, &seq);
		if (err)
			return err;
		err = pw_pin_take(&watch->pin, start);
		if (err)
			return err;
		if (watch_activate(watch, seq, generation))
			return 0;
		pw_pin_drop(&watch->pin);
		if (signal_pending(current))
			return -EINTR;
		if (++tries >= ADD_MIN_TRIES && time_after(jiffies, deadline))
			return -EAGAIN;
		cond_resched();
	}
}

/* Round @args' range out to pages. */
static int watch_check(const struct pinwatch_watch_add *args,
		       unsigned long *start, unsigned long *length)
{
	u64 end;

	if (args->flags & ~ADD_FLAGS || args->reserved || !args->length)
		return -EINVAL;
	if ((args->flags & ADD_FLAGS) == PINWATCH_WATCH_F_WRITE)
		return -EINVAL;
	if (check_add_overflow((u64)args->addr, (u64)args->length, &end) ||
	    end > TASK_SIZE)
		return -EOVERFLOW;
	*start = args->addr & PAGE_MASK;
	*length = PAGE_ALIGN(end) - *start;
	return 0;
}

struct pw_watch *pw_watch_add(struct pw_file *file, struct pinwatch_watch_add *args)
{
	unsigned long start, length;
	struct pw_watch *watch;
	u64 generation;
	int err;

	err = watch_check(args, &start, &length);
	if (err)
		return ERR_PTR(err);
	err = pw_file_bind(file);
	if (err)
		return ERR_PTR(err);
	watch = watch_alloc(file, args->cookie);
	if (IS_ERR(watch))
		return watch;

	err = -ENOMEM;
	watch->gen = pw_generation_slot(file->gens, watch->id);
	if (!watch->gen)
		goto err_unlink;
	if (args->flags & PINWATCH_WATCH_F_PIN) {
		err = pw_pin_alloc(&watch->pin, file->mm, length >> PAGE_SHIFT,
				   args->flags & PINWATCH_WATCH_F_WRITE);
		if (err)
			goto err_unlink;
	}
	err = pinwatch_interval_notifier_insert(&watch->sub, file->mm, start,
						length, &watch_ops);
	if (err)
		goto err_free_pin;

	err = watch_settle(watch, start, &generation);
	if (err)
		goto err_remove;
	args->id = watch->id;
	args->generation = generation;
	args->nr_pages = length >> PAGE_SHIFT;
	return watch;

err_remove:
	pinwatch_interval_notifier_remove(&watch->sub);
err_free_pin:
	pw_pin_free(&watch->pin, file->mm);
err_unlink:
	watch_unlink(watch);
	return ERR_PTR(err);
}

/* Under watch->lock. Who has the pin frees it. */
static struct pw_pin watch_detach_pin(struct pw_watch *watch)
{
	struct pw_pin pin = watch->pin;

	lockdep_assert_held(&watch->lock);
	watch->pin.pages = NULL;
	return pin;
}

int pw_watch_del(struct pw_watch *watch)
{
	struct pw_file *file = watch->file;
	struct pw_pin pin;

	spin_lock(&watch->lock);
	if (watch->state != PW_WATCH_ACTIVE && watch->state != PW_WATCH_DEAD) {
		spin_unlock(&watch->lock);
		return -ENOENT;
	}
	watch->state = PW_WATCH_DELETING;
	pw_generation_bump(watch->gen);
	pw_event_forget(watch);
	pin = watch_detach_pin(watch);
	spin_unlock(&watch->lock);

	pinwatch_interval_notifier_remove(&watch->sub);
	pw_pin_free(&pin, file->mm);
	/* Pages that the reaper took may still be on their way. */
	if (watch->reaped)
		pw_file_flush_reap(file);
	watch_unlink(watch);
	return 0;
}

void pw_watch_reap(struct pw_watch *watch)
{
	struct pw_pin pin = {};

	spin_lock(&watch->lock);
	if (watch->state == PW_WATCH_DEAD && watch->pin.pages) {
		pin = watch_detach_pin(watch);
		watch->reaped = true;
	}
	spin_unlock(&watch->lock);
	pw_pin_free(&pin, watch->file->mm);
}
