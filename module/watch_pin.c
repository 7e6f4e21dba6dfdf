// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adding and repinning watches: WATCH_ADD and WATCH_REPIN
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include "file.h"
#include "generation.h"
#include "verify.h"
#include "watch_trace.h"
#include "watch.h"
#include "watch_pin.h"

/* Give up after SETTLE_MIN_TRIES tries that took SETTLE_TIMEOUT in all. */
#define SETTLE_MIN_TRIES	8
#define SETTLE_TIMEOUT		HZ

/*
 * End the read section that began with @seq. Return: 0 if no invalidation collided: the
 * watch is ACTIVE and has exchanged its pin with @pin. -EAGAIN if one did. -ESRCH if
 * the state is not @from. @pin: NULL to keep the pin.
 */
static int watch_activate(struct pw_watch *watch, enum pw_watch_state from,
			  unsigned long seq, struct pw_pin *pin, u64 *generation)
{
	int ret = -EAGAIN;

	spin_lock(&watch->lock);
	if (watch->state != from) {
		ret = -ESRCH;
	} else if (!pinwatch_interval_read_retry(&watch->sub, seq)) {
		/* For the caller: another thread may delete the watch from now on. */
		if (from == PW_WATCH_ADDING)
			pw_watch_get(watch);
		if (pin)
			swap(watch->pin, *pin);
		watch->state = PW_WATCH_ACTIVE;
		watch->armed = true;
		*generation = pw_generation_bump(watch->gen);
		watch->valid_generation = *generation;
		if (from == PW_WATCH_ADDING)
			watch->first_generation = *generation;
		ret = 0;
	}
	spin_unlock(&watch->lock);
	return ret;
}

/* Return: 0 to try again, or the reason not to. */
static int settle_again(struct pw_watch *watch, int tries, unsigned long deadline)
{
	/* The process of an attached file has exited. */
	if (!atomic_read(&watch->sub.mm->mm_users))
		return -ESRCH;
	/* Other signals wait: a timer of a profiler must not undo the work each time. */
	if (fatal_signal_pending(current))
		return -EINTR;
	if (tries >= SETTLE_MIN_TRIES && time_after(jiffies, deadline))
		return -EAGAIN;
	cond_resched();
	return 0;
}

/*
 * Pin until no invalidation collides. It is normal that the first try fails, because
 * pinning itself breaks copy-on-write in the range. @pin: NULL to keep the pin of @watch
 * if each page is where it was; -EREMCHG if not.
 */
static int watch_settle(struct pw_watch *watch, enum pw_watch_state from,
			struct pw_pin *pin, u64 *generation)
{
	unsigned long start = watch->sub.interval_tree.start;
	unsigned long deadline = jiffies + SETTLE_TIMEOUT;
	unsigned long seq;
	int tries = 0;
	int err;

	for (;;) {
		err = pinwatch_interval_read_begin_killable(&watch->sub, &seq);
		if (err)
			return err;
		err = pin ? pw_pin_take(pin, start) : pw_verify_pin(watch, seq);
		if (err && (pin || err != -EAGAIN))
			return err;
		if (!err)
			err = watch_activate(watch, from, seq, pin, generation);
		if (!err)
			return 0;
		if (pin)
			pw_pin_drop(pin);
		if (err == -EAGAIN)
			err = settle_again(watch, ++tries, deadline);
		if (err)
			return err;
	}
}

/* Validate @args, and round the range out to pages. */
static int watch_check(const struct pw_file *file, const struct pinwatch_watch_add *args,
		       unsigned long *start, unsigned long *length)
{
	u64 end;

	if (args->flags & ~PW_WATCH_FLAGS || args->reserved || !args->length ||
	    args->ignore_events & ~(PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE))
		return -EINVAL;
	if ((args->flags & (PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE)) ==
	    PINWATCH_WATCH_F_WRITE)
		return -EINVAL;
	if (check_add_overflow((u64)args->addr, (u64)args->length, &end) ||
	    end > pw_file_task_size(file))
		return -EOVERFLOW;
	if (args->flags & PINWATCH_WATCH_F_STACK && !capable(CAP_SYSLOG))
		return -EPERM;
	*start = args->addr & PAGE_MASK;
	*length = PAGE_ALIGN(end) - *start;
	return 0;
}

static int pin_alloc(struct pw_watch *watch, struct pw_pin *pin, unsigned long nr_pages)
{
	if (!(watch->flags & PINWATCH_WATCH_F_PIN))
		return 0;
	return pw_pin_alloc(pin, watch->file->user, watch->file->mm, nr_pages,
			    watch->flags & PINWATCH_WATCH_F_WRITE);
}

/* Subscribe, pin and activate. On failure the caller has to free @pin. */
static int watch_start(struct pw_watch *watch, unsigned long start, unsigned long length,
		       struct pw_pin *pin, u64 *generation)
{
	int err;

	err = pinwatch_interval_notifier_insert(&watch->sub, watch->file->mm, start,
						length, pw_watch_ops(watch));
	if (err)
		return err;
	err = watch_settle(watch, PW_WATCH_ADDING, pin, generation);
	if (err)
		pinwatch_interval_notifier_remove(&watch->sub);
	return err;
}

/* Return: the watch, in state ADDING, with its generation; an ERR_PTR. */
static struct pw_watch *watch_alloc(struct pw_file *file,
				    const struct pinwatch_watch_add *args,
				    unsigned long length)
{
	struct pw_watch *watch = pw_watch_alloc(file, args, length);
	struct pinwatch_gen *gen;

	if (IS_ERR(watch))
		return watch;
	gen = pw_generation_slot(file->gens, watch->id);
	if (IS_ERR(gen)) {
		pw_watch_unlink(watch);
		return ERR_CAST(gen);
	}
	watch->gen = gen;
	return watch;
}

/* Caller has called pw_file_begin_add(). */
static struct pw_watch *watch_add(struct pw_file *file, struct pinwatch_watch_add *args)
{
	unsigned long start, length;
	struct pw_pin pin = {};
	struct pw_watch *watch;
	u64 generation;
	int err;

	err = watch_check(file, args, &start, &length);
	if (err)
		return ERR_PTR(err);
	watch = watch_alloc(file, args, length);
	/* An id that was freed last may need no further page of generations. */
	if (watch == ERR_PTR(-EDQUOT) && pw_file_reuse_ids(file))
		watch = watch_alloc(file, args, length);
	if (IS_ERR(watch))
		return watch;

	err = pin_alloc(watch, &pin, length >> PAGE_SHIFT);
	if (err)
		goto err_unlink;
	err = watch_start(watch, start, length, &pin, &generation);
	if (err)
		goto err_free_pin;
	args->id = watch->id;
	args->generation = generation;
	args->nr_pages = length >> PAGE_SHIFT;
	args->touched_shift = watch->touched_shift;
	trace_pinwatch_watch_add(watch, generation);
	return watch;

err_free_pin:
	pw_pin_free(&pin, file->mm);
err_unlink:
	pw_watch_unlink(watch);
	return ERR_PTR(err);
}

struct pw_watch *pw_watch_add(struct pw_file *file, struct pinwatch_watch_add *args)
{
	int err = pw_file_begin_add(file, args->flags & PINWATCH_WATCH_F_PIN);
	struct pw_watch *watch;

	if (err)
		return ERR_PTR(err);
	watch = watch_add(file, args);
	pw_file_end_add(file, !IS_ERR(watch));
	return watch;
}

/* Return: 0 if @watch is ACTIVE, otherwise the error to report. */
static int watch_alive(struct pw_watch *watch)
{
	u8 state;

	spin_lock(&watch->lock);
	state = watch->state;
	spin_unlock(&watch->lock);
	if (state == PW_WATCH_ACTIVE)
		return 0;
	return state == PW_WATCH_DEAD ? -ESRCH : -ENOENT;
}

/* Errors after which another try to settle would fail as well */
static bool is_final(int err)
{
	return err == -EAGAIN || err == -EINTR || err == -ESRCH;
}

/* Exchange the pin, or make a watch without a pin valid. Caller holds watch->op_lock. */
static int watch_exchange(struct pw_watch *watch, u64 *generation)
{
	struct pw_pin pin = {};
	int err;

	err = pin_alloc(watch, &pin, pw_watch_pages(watch));
	if (err)
		return err;
	err = watch_settle(watch, PW_WATCH_ACTIVE, &pin, generation);
	/* @pin has the old pages now, or on failure the new pages. */
	pw_pin_free(&pin, watch->file->mm);
	return err;
}

/*
 * Caller holds watch->op_lock, which keeps the deleter out. The caller's address space is
 * that of a pinned watch, so no release runs and the reaper does not detach the pin.
 */
static int watch_repin(struct pw_watch *watch, struct pinwatch_watch_repin *args)
{
	bool pinned = watch->flags & PINWATCH_WATCH_F_PIN, keep = pinned;
	u64 generation;
	int err;

	err = watch_alive(watch);
	if (!err && pinned)
		err = pw_file_check_mm(watch->file, true);
	if (err)
		return err;
	if (keep) {
		err = watch_settle(watch, PW_WATCH_ACTIVE, NULL, &generation);
		keep = !err || is_final(err) || args->flags & PINWATCH_REPIN_F_KEEP;
	}
	if (!keep)
		err = watch_exchange(watch, &generation);
	if (err)
		return err;
	args->generation = generation;
	args->nr_pages = pinned ? pw_watch_pages(watch) : 0;
	args->result_flags = keep ? PINWATCH_REPIN_RESULT_KEPT : 0;
	return 0;
}

int pw_watch_repin(struct pw_watch *watch, struct pinwatch_watch_repin *args)
{
	int err;

	if (args->flags & PINWATCH_REPIN_F_KEEP && !(watch->flags & PINWATCH_WATCH_F_PIN))
		return -EINVAL;
	if (mutex_lock_killable(&watch->op_lock))
		return -EINTR;
	err = watch_repin(watch, args);
	mutex_unlock(&watch->op_lock);
	return err;
}
