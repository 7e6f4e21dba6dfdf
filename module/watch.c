// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches: hit, allocate, delete, reap. See watch.h for states and locks.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include "compat/mm.h"
#include "file.h"
#include "generation.h"
#include "genl.h"
#include "hit.h"
#include "limits.h"
#include "watch_trace.h"
#include "watch.h"

static struct kmem_cache *watch_cache;

/* Update @watch. Return: true if the readers have to be woken. */
static bool watch_hit(struct pw_watch *watch, const struct pw_hit *hit, u64 generation)
{
	struct pw_stack *stack = watch->stack;
	bool first;

	lockdep_assert_held(&watch->lock);
	watch->hits++;
	watch->seen |= hit->event;
	watch->causes |= hit->cause;
	watch->time_ns = hit->time_ns;
	if (stack) {
		stack->nr = stack_trace_save(stack->entries, ARRAY_SIZE(stack->entries), 2);
		stack->generation = generation;
	}
	/* RELEASE is always queued. */
	if (hit->event != PINWATCH_EVENT_RELEASE &&
	    (hit->event & watch->ignore_events || !watch->armed))
		return false;
	if (watch->flags & PINWATCH_WATCH_F_ONESHOT)
		watch->armed = false;
	first = pw_event_merge(&watch->event, hit, generation);
	if (first)
		pw_event_enqueue(&watch->file->events, &watch->dirty);
	return first;
}

/*
 * Called before each invalidation of the range, in any task, with any lock of the mm
 * held. The mapping changes only after the return, so no task can see the change and the
 * old generation. Every invalidation is accepted, whichever task makes the change.
 */
static bool watch_invalidate(struct pinwatch_interval_notifier *sub,
			     const struct mmu_notifier_range *range,
			     unsigned long cur_seq)
{
	struct pw_watch *watch = container_of(sub, struct pw_watch, sub);
	bool dead = false, wake = false;
	struct pw_hit hit;
	u64 generation = 0;

	pw_hit_init(&hit, &sub->interval_tree, watch->touched_shift, range, cur_seq);
	spin_lock(&watch->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	if (watch->state == PW_WATCH_ACTIVE) {
		generation = pw_generation_end(watch->gen, watch->file->gen);
		wake = watch_hit(watch, &hit, generation);
		dead = range->event == MMU_NOTIFY_RELEASE;
	}
	if (dead) {
		watch->state = PW_WATCH_DEAD;
		/* Orders the event before the count, for pw_file_over(). */
		smp_mb__before_atomic();
		atomic_inc(&watch->file->nr_dead);
	}
	spin_unlock(&watch->lock);

	/* The file is not freed before the subscription is removed. */
	if (generation) {
		trace_pinwatch_hit(watch, &hit, generation);
		pw_genl_hit(watch->file, watch->id, &hit, generation);
	}
	if (wake)
		pw_event_wake(&watch->file->events);
	if (dead)
		pw_file_reap(watch->file);
	return true;
}

static const struct pinwatch_interval_notifier_ops all_ops = {
	.invalidate = watch_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

/* PINWATCH_WATCH_F_PAGES: the kernel sends these events where each page stays in place. */
static const struct pinwatch_interval_notifier_ops pages_ops = {
	.invalidate = watch_invalidate,
	.ignore_events = BIT(MMU_NOTIFY_PROTECTION_VMA) | BIT(MMU_NOTIFY_PROTECTION_PAGE) |
			 BIT(MMU_NOTIFY_SOFT_DIRTY),
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

/* The same for a watch without a pin, if PW_NUMA_EXCHANGES_AFTER_SCAN */
static const struct pinwatch_interval_notifier_ops unpinned_pages_ops = {
	.invalidate = watch_invalidate,
	.ignore_events = BIT(MMU_NOTIFY_PROTECTION_PAGE) | BIT(MMU_NOTIFY_SOFT_DIRTY),
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

const struct pinwatch_interval_notifier_ops *pw_watch_ops(const struct pw_watch *watch)
{
	if (!(watch->flags & PINWATCH_WATCH_F_PAGES))
		return &all_ops;
	if (PW_NUMA_EXCHANGES_AFTER_SCAN && !(watch->flags & PINWATCH_WATCH_F_PIN))
		return &unpinned_pages_ops;
	return &pages_ops;
}

static void watch_free(struct kref *ref)
{
	struct pw_watch *watch = container_of(ref, struct pw_watch, ref);

	kfree(watch->stack);
	kmem_cache_free(watch_cache, watch);
}

void pw_watch_put(struct pw_watch *watch)
{
	kref_put(&watch->ref, watch_free);
}

struct pw_watch *pw_watch_find_ready(struct pw_file *file, u32 id)
{
	struct pw_watch *watch = pw_file_find_watch(file, id);
	bool ready;

	if (!watch)
		return NULL;
	spin_lock(&watch->lock);
	ready = watch->state != PW_WATCH_ADDING;
	spin_unlock(&watch->lock);
	if (ready)
		return watch;
	pw_watch_put(watch);
	return NULL;
}

struct pw_watch *pw_watch_find_since(struct pw_file *file, u32 id, u64 generation)
{
	struct pw_watch *watch = pw_watch_find_ready(file, id);

	if (!watch)
		return ERR_PTR(-ENOENT);
	if (!generation || generation >= watch->first_generation)
		return watch;
	pw_watch_put(watch);
	return ERR_PTR(-ESTALE);
}

static struct pw_watch *watch_create(struct pw_file *file,
				     const struct pinwatch_watch_add *args,
				     unsigned long length)
{
	struct pw_watch *watch = kmem_cache_zalloc(watch_cache, GFP_KERNEL);

	if (!watch)
		return NULL;
	if (args->flags & PINWATCH_WATCH_F_STACK) {
		watch->stack = kzalloc(sizeof(*watch->stack), GFP_KERNEL_ACCOUNT);
		if (!watch->stack) {
			kmem_cache_free(watch_cache, watch);
			return NULL;
		}
	}
	watch->file = file;
	watch->cookie = args->cookie;
	watch->flags = args->flags;
	watch->ignore_events = args->ignore_events;
	watch->touched_shift = pw_hit_touched_shift(length);
	watch->state = PW_WATCH_ADDING;
	kref_init(&watch->ref);
	mutex_init(&watch->op_lock);
	spin_lock_init(&watch->lock);
	INIT_LIST_HEAD(&watch->dirty);
	return watch;
}

struct pw_watch *pw_watch_alloc(struct pw_file *file,
				const struct pinwatch_watch_add *args,
				unsigned long length)
{
	struct pw_watch *watch;
	int err;

	err = pw_limits_charge(file->user);
	if (err)
		return ERR_PTR(err);
	err = -ENOMEM;
	watch = watch_create(file, args, length);
	if (!watch)
		goto err_uncharge;
	err = pw_overlap_charge(&watch->overlap, file->user, file->mm,
				args->addr & PAGE_MASK, length);
	if (err)
		goto err_free;
	err = pw_file_insert_watch(file, watch, &watch->id);
	if (err)
		goto err_uncharge_overlap;
	return watch;

err_uncharge_overlap:
	pw_overlap_uncharge(&watch->overlap);
err_free:
	pw_watch_put(watch);
err_uncharge:
	pw_limits_uncharge(file->user);
	return ERR_PTR(err);
}

void pw_watch_unlink(struct pw_watch *watch)
{
	struct pw_file *file = watch->file;

	pw_file_remove_watch(file, watch->id);
	pw_overlap_uncharge(&watch->overlap);
	pw_limits_uncharge(file->user);
	pw_watch_put(watch);
}

/* Return: the pin, which the caller has to free. Caller holds watch->lock. */
static struct pw_pin watch_detach_pin(struct pw_watch *watch)
{
	struct pw_pin pin = watch->pin;

	lockdep_assert_held(&watch->lock);
	watch->pin.pages = NULL;
	return pin;
}

/* Become the deleter. Return: 0, -ENOENT. Caller holds watch->op_lock. */
static int watch_retire(struct pw_watch *watch, struct pw_pin *pin, struct pw_event *event)
{
	int err = -ENOENT;

	lockdep_assert_held(&watch->op_lock);
	spin_lock(&watch->lock);
	if (watch->state == PW_WATCH_ACTIVE || watch->state == PW_WATCH_DEAD) {
		if (watch->state == PW_WATCH_DEAD)
			atomic_dec(&watch->file->nr_dead);
		watch->state = PW_WATCH_DELETING;
		trace_pinwatch_watch_del(watch,
					 pw_generation_end(watch->gen, watch->file->gen));
		pw_event_take(&watch->event, event);
		pw_event_dequeue(&watch->file->events, &watch->dirty);
		*pin = watch_detach_pin(watch);
		err = 0;
	}
	spin_unlock(&watch->lock);
	return err;
}

/* Free the watch. op_lock is not needed: other operations find the state DELETING. */
static void watch_dispose(struct pw_watch *watch, struct pw_pin *pin, struct pw_event *event)
{
	struct pw_file *file = watch->file;

	pw_event_put(event);
	pinwatch_interval_notifier_remove(&watch->sub);
	pw_pin_free(pin, file->mm);
	/* The reaper may not have unpinned all pages yet. */
	if (watch->reaped)
		pw_file_flush_reap(file);
	pw_watch_unlink(watch);
}

int pw_watch_del(struct pw_watch *watch)
{
	struct pw_event event;
	struct pw_pin pin;
	int err;

	if (mutex_lock_killable(&watch->op_lock))
		return -EINTR;
	err = watch_retire(watch, &pin, &event);
	mutex_unlock(&watch->op_lock);
	if (!err)
		watch_dispose(watch, &pin, &event);
	return err;
}

void pw_watch_del_idle(struct pw_watch *watch)
{
	struct pw_event event;
	struct pw_pin pin;
	int err;

	mutex_lock(&watch->op_lock);
	err = watch_retire(watch, &pin, &event);
	mutex_unlock(&watch->op_lock);
	if (!WARN_ON_ONCE(err))
		watch_dispose(watch, &pin, &event);
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

int pw_watch_init(void)
{
	watch_cache = KMEM_CACHE(pw_watch, SLAB_ACCOUNT);
	return watch_cache ? 0 : -ENOMEM;
}

void pw_watch_exit(void)
{
	kmem_cache_destroy(watch_cache);
}
