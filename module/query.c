// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queries: the state of a watch, the stack of its last hit, a copy of the generations
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/pinwatch.h>
#include "file.h"
#include "generation.h"
#include "query.h"
#include "watch.h"

/* Return: false if @watch is being added or deleted. */
static bool query_fill(struct pw_watch *watch, struct pinwatch_watch_query *args)
{
	bool there;

	spin_lock(&watch->lock);
	there = watch->state == PW_WATCH_ACTIVE || watch->state == PW_WATCH_DEAD;
	if (there) {
		args->state = watch->state == PW_WATCH_ACTIVE ? PINWATCH_STATE_ACTIVE :
								PINWATCH_STATE_DEAD;
		args->generation = pw_generation_read(watch->gen);
		args->valid_generation = watch->valid_generation;
		args->hits = watch->hits;
		args->time_ns = watch->time_ns;
		args->causes = watch->causes;
		args->events = watch->seen;
		args->nr_pinned = watch->pin.pages ? watch->pin.nr_held : 0;
	}
	spin_unlock(&watch->lock);
	if (!there)
		return false;
	args->id = watch->id;
	args->addr = watch->sub.interval_tree.start;
	args->length = (u64)pw_watch_pages(watch) << PAGE_SHIFT;
	args->nr_pages = pw_watch_pages(watch);
	args->cookie = watch->cookie;
	args->watch_flags = watch->flags;
	args->ignore_events = watch->ignore_events;
	args->touched_shift = watch->touched_shift;
	return true;
}

static int query_next(struct pw_file *file, struct pinwatch_watch_query *args)
{
	unsigned long id = args->id;
	struct pw_watch *watch;
	bool found = false;

	while (!found && (watch = pw_file_next_watch(file, &id))) {
		found = query_fill(watch, args);
		pw_watch_put(watch);
		id++;
		cond_resched();
	}
	return found ? 0 : -ENOENT;
}

int pw_query_watch(struct pw_file *file, struct pinwatch_watch_query *args)
{
	struct pw_watch *watch;
	bool found;

	if (memchr_inv(args->reserved, 0, sizeof(args->reserved)))
		return -EINVAL;
	if (args->flags & PINWATCH_QUERY_F_NEXT)
		return query_next(file, args);
	watch = pw_file_find_watch(file, args->id);
	if (!watch)
		return -ENOENT;
	found = query_fill(watch, args);
	pw_watch_put(watch);
	return found ? 0 : -ENOENT;
}

static int stack_fill(struct pw_watch *watch, struct pinwatch_watch_stack *args)
{
	const struct pw_stack *stack = watch->stack;
	unsigned int i;
	int err = 0;

	BUILD_BUG_ON(sizeof(stack->entries[0]) != sizeof(args->entries[0]));
	spin_lock(&watch->lock);
	if (watch->state != PW_WATCH_ACTIVE && watch->state != PW_WATCH_DEAD) {
		err = -ENOENT;
	} else if (!stack) {
		err = -ENODATA;
	} else {
		args->nr_entries = stack->nr;
		args->generation = stack->generation;
		for (i = 0; i < ARRAY_SIZE(args->entries); i++)
			args->entries[i] = i < stack->nr ? stack->entries[i] : 0;
	}
	spin_unlock(&watch->lock);
	return err;
}

int pw_query_stack(struct pw_file *file, struct pinwatch_watch_stack *args)
{
	struct pw_watch *watch;
	int err;

	if (args->reserved)
		return -EINVAL;
	watch = pw_file_find_watch(file, args->id);
	if (!watch)
		return -ENOENT;
	err = stack_fill(watch, args);
	pw_watch_put(watch);
	return err;
}

int pw_query_resync(struct pw_file *file, struct pinwatch_resync *args)
{
	struct pinwatch_gen __user *to = u64_to_user_ptr(args->gens);
	u32 i, nr = pw_generation_nr(file->gens);
	struct pinwatch_gen gen;

	if (args->reserved || !args->nr_ids || args->first_id >= nr)
		return -EINVAL;
	args->first_id = array_index_nospec(args->first_id, nr);
	args->nr_ids = min(args->nr_ids, nr - args->first_id);
	for (i = 0; i < args->nr_ids; i++) {
		pw_generation_copy(file->gens, args->first_id + i, &gen);
		if (copy_to_user(to + i, &gen, sizeof(gen)))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}
