/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watches: a subscription, its generation, its pin, its pending event
 *
 *	ADDING ──► ACTIVE ──► DEAD
 *	   │          │         │
 *	   │          └────┬────┘
 *	 undone by         ▼
 *	 the adder      DELETING ──► freed
 *
 * ADDING: the watch is in the file's table, which reserves the id, and may be
 * subscribed. The task in WATCH_ADD owns the watch; WATCH_DEL does not find the watch. A
 * hit only makes that task pin the pages again.
 *
 * ACTIVE: set together with the generation that WATCH_ADD returns, in the section of
 * pw_watch.lock in which no invalidation had collided. From then on each hit advances
 * the generation and merges an event. WATCH_REPIN exchanges the pin in the same way.
 *
 * DEAD: the address space was released. The file's reaper unpins the pages, because a
 * callback must not, and because a child or another process may keep the file open for
 * ever. The id stays until WATCH_DEL or close.
 *
 * DELETING: set by the one deleter (WATCH_DEL, the last close, or a WATCH_ADD that could
 * not copy its result out), which then owns the subscription, the pin and the id. The id
 * is freed last: no two watches write to the same generation.
 *
 * References are held by: the file's table, from allocation until the id is freed; a
 * task in any of the WATCH_ calls; a reader that has popped the watch; the reaper while
 * it handles the watch. The engine and the dirty list hold no reference: the deleter
 * removes the watch from both before the table drops its reference.
 *
 * Locks, outer to inner. Locks on the same line are never held together:
 *
 *	pw_watch.op_lock	a mutex: WATCH_REPIN, VERIFY and the deleter, which must not
 *			remove the subscription during a read section of the others.
 *			Held over pinning and unpinning, read_begin, allocations and
 *			the mmap lock. User space decides how long a page fault takes,
 *			so waiting for op_lock is killable. Never taken in a callback.
 *	pw_compound_table.lock	a mutex: the charges of compound pages. Held over allocations.
 *			A chunk of pages is pinned before the lock is taken. Never taken in
 *			a callback.
 *	pw_watch.lock	(the engine's "user lock") state, pin once ACTIVE, event,
 *			writes of the generation. Taken in callbacks. The word of the
 *			file is atomic: watches under different locks write to it.
 *	pw_event_queue.lock	the dirty list. Taken in callbacks.
 *	xa_lock of pw_file.watches, shares_lock, tables_lock of compound.c, lock of the wait
 *			queue, sets_lock and pw_overlap_set.lock of overlap.c: leaves
 *
 * Callbacks take pw_watch.lock, pw_event_queue.lock and the lock of the wait queue only.
 * No memory is allocated under these.
 */
#ifndef _PW_WATCH_H
#define _PW_WATCH_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/pinwatch.h>
#include "event.h"
#include "overlap.h"
#include "pin.h"
#include "pinwatch.h"

struct pw_file;

enum pw_watch_state {
	PW_WATCH_ADDING,
	PW_WATCH_ACTIVE,
	PW_WATCH_DEAD,
	PW_WATCH_DELETING,
};

/**
 * struct pw_stack - the stack of the last hit; under pw_watch.lock
 * @nr: Number of @entries in use.
 * @generation: The generation after the hit.
 * @entries: Return addresses, innermost first.
 */
struct pw_stack {
	unsigned int nr;
	u64 generation;
	unsigned long entries[PINWATCH_STACK_DEPTH];
};

/**
 * struct pw_watch - a watched range
 * @sub: The subscription. Inserted by WATCH_ADD, removed by the deleter.
 * @file: The file; constant. Not freed before the watch.
 * @gen: The generation of @id; constant once subscribed.
 * @cookie: Constant.
 * @stack: Constant; NULL without PINWATCH_WATCH_F_STACK.
 * @overlap: Charged by pw_watch_alloc() until pw_watch_unlink().
 * @ref: References: see above.
 * @id: Index in the table of the file; constant once subscribed.
 * @flags: PINWATCH_WATCH_F_*; constant.
 * @ignore_events: PINWATCH_EVENT_* that are not queued; constant.
 * @op_lock: See above.
 * @lock: Protects the members below, except @touched_shift and @dirty. See above.
 * @state: enum pw_watch_state: see above.
 * @touched_shift: From pw_hit_touched_shift(); constant.
 * @reaped: The reaper detached the pin.
 * @armed: Hits are queued as events.
 * @seen: PINWATCH_EVENT_* of all hits.
 * @first_generation: The generation that WATCH_ADD returned; constant once ACTIVE.
 * @valid_generation: The generation that WATCH_ADD or the last WATCH_REPIN returned.
 * @hits: Number of hits while ACTIVE.
 * @causes: PINWATCH_CAUSE_* of all hits.
 * @time_ns: Time of the last hit: CLOCK_MONOTONIC, in nanoseconds.
 * @pin: The pin. While ADDING, the task in WATCH_ADD owns it.
 * @event: The pending record.
 * @dirty: Under pw_event_queue.lock. On the dirty list of the file, or empty.
 */
struct pw_watch {
	struct pinwatch_interval_notifier sub;
	struct pw_file *file;
	struct pinwatch_gen *gen;
	u64 cookie;
	struct pw_stack *stack;
	struct pw_overlap overlap;
	struct kref ref;
	u32 id;
	u32 flags;
	u32 ignore_events;
	struct mutex op_lock;	/* repin, verify, delete */

	spinlock_t lock;	/* the members below */
	u8 state;
	u8 touched_shift;
	bool reaped;
	bool armed;
	u32 seen;
	u64 first_generation;
	u64 valid_generation;
	u64 hits;
	u64 causes;
	u64 time_ns;
	struct pw_pin pin;
	struct pw_event event;

	struct list_head dirty;
};

/**
 * pw_watch_del() - delete a watch
 * @watch: The watch. The caller holds a reference.
 *
 * Waits for a WATCH_REPIN or VERIFY of @watch.
 *
 * Context: process context, may sleep; no lock held, not in a callback.
 * Return: 0: the pages are unpinned and the id is free; -ENOENT if the watch is being
 * added, or another task is deleting it; -EINTR if a fatal signal came during the wait.
 */
int pw_watch_del(struct pw_watch *watch);

/**
 * pw_watch_del_idle() - delete a watch of a file that no task is using
 * @watch: The watch. The caller holds a reference.
 *
 * Context: process context, may sleep; no lock held, not in a callback.
 */
void pw_watch_del_idle(struct pw_watch *watch);

/**
 * pw_watch_alloc() - allocate a watch, charge the user and insert it into the table
 * @file: The file. Caller has called pw_file_begin_add().
 * @args: The request, already validated.
 * @length: Length of the range in bytes, a multiple of PAGE_SIZE.
 *
 * Context: process context, may sleep.
 * Return: the watch, in state ADDING, without subscription and generation; an ERR_PTR of
 * -EDQUOT if the user has max_watches_per_user watches, or max_watches_per_page that
 * overlap a page of the range; -ENOSPC if all ids of the file are in use; -ENOMEM.
 */
struct pw_watch *pw_watch_alloc(struct pw_file *file,
				const struct pinwatch_watch_add *args,
				unsigned long length);

/**
 * pw_watch_unlink() - undo pw_watch_alloc()
 * @watch: The watch, without subscription, pin and pending event.
 *
 * Context: process context. Does not sleep.
 */
void pw_watch_unlink(struct pw_watch *watch);

/**
 * pw_watch_ops() - select the ops of a watch's subscription
 * @watch: The watch.
 *
 * Context: any. Does not sleep.
 * Return: the ops, which ignore the events that PINWATCH_WATCH_F_PAGES excludes.
 */
const struct pinwatch_interval_notifier_ops *pw_watch_ops(const struct pw_watch *watch);

/**
 * pw_watch_reap() - unpin a watch if it is DEAD
 * @watch: The watch.
 *
 * Context: process context, may sleep; no lock held, not in a callback.
 */
void pw_watch_reap(struct pw_watch *watch);

/**
 * pw_watch_find_ready() - look an id up, unless its watch is being added
 * @file: The file.
 * @id: From user space; any value.
 *
 * Context: process context. Does not sleep.
 * Return: the watch with a reference for the caller, or NULL. The watch is or was
 * subscribed; another task may delete it at any time.
 */
struct pw_watch *pw_watch_find_ready(struct pw_file *file, u32 id);

/**
 * pw_watch_find_since() - look an id up, unless the caller means an earlier watch
 * @file: The file.
 * @id: From user space; any value.
 * @generation: From user space; any value. A generation of the watch that the caller
 *	means, or 0 for the present watch of @id.
 *
 * Generations of an id only grow, also from one watch of the id to the next. So a value
 * below the first generation of the present watch belongs to an earlier watch.
 *
 * Context: process context. Does not sleep.
 * Return: as pw_watch_find_ready(), but an ERR_PTR of -ENOENT if there is no such watch,
 * or of -ESTALE if @generation belongs to an earlier watch.
 */
struct pw_watch *pw_watch_find_since(struct pw_file *file, u32 id, u64 generation);

/**
 * pw_watch_get() - take a reference
 * @watch: The watch. The caller holds a reference, or a lock that keeps the watch in the
 *	table of its file.
 *
 * Context: any. Does not sleep.
 */
static inline void pw_watch_get(struct pw_watch *watch)
{
	kref_get(&watch->ref);
}

/**
 * pw_watch_put() - drop a reference
 * @watch: The watch.
 *
 * Context: any. Does not sleep.
 */
void pw_watch_put(struct pw_watch *watch);

/**
 * pw_watch_pages() - return the length of a watch in pages
 * @watch: The watch, subscribed.
 *
 * Context: any. Does not sleep.
 * Return: number of pages, not 0.
 */
static inline unsigned long pw_watch_pages(const struct pw_watch *watch)
{
	return (watch->sub.interval_tree.last - watch->sub.interval_tree.start + 1) >>
	       PAGE_SHIFT;
}

/**
 * pw_watch_init() - create the slab cache of watches
 *
 * Context: module init, before the first watch.
 * Return: 0, -ENOMEM.
 */
int pw_watch_init(void);

/**
 * pw_watch_exit() - destroy the slab cache of watches
 *
 * Context: module exit, after the last watch.
 */
void pw_watch_exit(void);

#endif /* _PW_WATCH_H */
