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
 * ADDING: in the file's table, so that the id is taken, and subscribed, but
 * nobody has been told of it. Belongs to the task in WATCH_ADD; WATCH_DEL does
 * not find it. A hit only makes the adder take the pages again.
 *
 * ACTIVE: set together with the generation that WATCH_ADD returns, under the
 * lock under which the adder saw that the pages are still true. From then on
 * each hit advances the generation and merges an event. WATCH_REPIN exchanges the
 * pin in the same way.
 *
 * DEAD: the address space was released. The pages are unpinned by the file's
 * reaper, because a callback must not and because a child or another process
 * may keep the file open for ever. The id stays until WATCH_DEL or close.
 *
 * DELETING: set by the one deleter (WATCH_DEL, the last close, or WATCH_ADD that
 * could not deliver its result), who then owns the subscription, the pin and the
 * id. The id is freed last: no two watches ever write to one generation.
 *
 * Who can hold a reference: the file's table, from allocation until the id is
 * freed; a task in any of the WATCH_ calls; a reader that has popped its event;
 * the reaper while it looks at it. The engine and the dirty list hold none: the
 * table's is dropped after both have let go.
 *
 * Locks, outer to inner; what is on one line is never held together:
 *
 *	pw_watch.op_lock	a mutex: WATCH_REPIN, VERIFY and the deleter, who must not
 *			remove the subscription under a read section of the others.
 *			Under it: pinning and unpinning, read_begin, allocations, the
 *			mmap lock. How long a fault takes is up to user space: whoever
 *			waits for it can be killed. Never in a callback.
 *	pw_watch.lock	(the engine's "user lock") state, pin once ACTIVE, event,
 *			the writing of the generation. Taken in callbacks.
 *	pw_event_queue.lock	the dirty list. Taken in callbacks.
 *	xa_lock of pw_file.watches, users_lock, the wait queue's lock: leaves
 *
 * Only the wait queue's lock and the two above it are taken in callbacks, and
 * nothing is allocated under any of them.
 */
#ifndef _PW_WATCH_H
#define _PW_WATCH_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/pinwatch.h>
#include "event.h"
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
 * struct pw_stack - where the last hit came from
 * @nr: Entries in use. All is under pw_watch.lock.
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
 * @sub: The subscription; inserted by the adder, removed by the deleter.
 * @file: Constant. Outlives the watch: calls on it and its reaper hold it.
 * @gen: Constant once subscribed. The word of @id.
 * @cookie: Constant.
 * @stack: Constant; NULL without PINWATCH_WATCH_F_STACK.
 * @ref: See above.
 * @id: Constant once subscribed. Its index in the table.
 * @flags: Constant. PINWATCH_WATCH_F_*.
 * @ignore_events: Constant. PINWATCH_EVENT_* that are not queued.
 * @op_lock: See above.
 * @lock: What follows.
 * @state: See above.
 * @touched_shift: Constant. See pw_hit_touched_shift().
 * @reaped: The reaper took the pin.
 * @armed: Events are queued.
 * @seen: PINWATCH_EVENT_* of all hits.
 * @valid_generation: The generation when the pages were true last.
 * @hits: How often it was hit while active.
 * @causes: PINWATCH_CAUSE_* of all hits.
 * @time_ns: CLOCK_MONOTONIC of the last hit.
 * @pin: The adder's while ADDING.
 * @event: What is pending.
 * @dirty: Under pw_event_queue.lock. On the dirty list, or empty.
 */
struct pw_watch {
	struct pinwatch_interval_notifier sub;
	struct pw_file *file;
	struct pinwatch_gen *gen;
	u64 cookie;
	struct pw_stack *stack;
	struct kref ref;
	u32 id;
	u32 flags;
	u32 ignore_events;
	struct mutex op_lock;	/* repin, verify, delete */

	spinlock_t lock;	/* what follows */
	u8 state;
	u8 touched_shift;
	bool reaped;
	bool armed;
	u32 seen;
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
 * @watch: The watch, with a reference of the caller's.
 *
 * Waits for a WATCH_REPIN or VERIFY of it that is going on.
 *
 * Context: process context, may sleep; no lock held, not in a callback.
 * Return: 0 with the pages unpinned and the id free, -ENOENT (it is being added,
 * or somebody else deletes it), -EINTR (a fatal signal while it waited).
 */
int pw_watch_del(struct pw_watch *watch);

/**
 * pw_watch_del_idle() - delete a watch of a file on which no call is going on
 * @watch: The watch, with a reference of the caller's.
 *
 * Context: process context, may sleep; no lock held, not in a callback.
 */
void pw_watch_del_idle(struct pw_watch *watch);

/**
 * pw_watch_alloc() - a watch in the table, with an id and a share of the limits
 * @file: The file.
 * @args: What is asked for; checked.
 * @length: Bytes of the range, whole pages.
 *
 * Context: process context, may sleep.
 * Return: the watch, ADDING and neither subscribed nor with a generation; an
 * ERR_PTR of -EDQUOT, -ENOSPC, -ENOMEM.
 */
struct pw_watch *pw_watch_alloc(struct pw_file *file,
				const struct pinwatch_watch_add *args,
				unsigned long length);

/**
 * pw_watch_unlink() - the reverse
 * @watch: With no subscription, no pin and no event left.
 *
 * Context: process context. Does not sleep.
 */
void pw_watch_unlink(struct pw_watch *watch);

/* Of each watch's subscription. */
extern const struct pinwatch_interval_notifier_ops pw_watch_ops;

/**
 * pw_watch_reap() - unpin a watch if its address space is gone
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
 * Return: the watch with a reference, which was subscribed, though it may be deleted
 * any time; NULL.
 */
struct pw_watch *pw_watch_find_ready(struct pw_file *file, u32 id);

/**
 * pw_watch_get() - take a reference
 * @watch: The watch, in its file's table and kept there by a lock, or referenced.
 *
 * Context: any. Does not sleep.
 */
static inline void pw_watch_get(struct pw_watch *watch)
{
	kref_get(&watch->ref);
}

/**
 * pw_watch_put() - give a reference back
 * @watch: The watch.
 *
 * Context: any. Does not sleep.
 */
void pw_watch_put(struct pw_watch *watch);

/**
 * pw_watch_pages() - the length of a watch
 * @watch: Once subscribed.
 *
 * Context: any. Does not sleep.
 * Return: pages.
 */
static inline unsigned long pw_watch_pages(const struct pw_watch *watch)
{
	return (watch->sub.interval_tree.last - watch->sub.interval_tree.start + 1) >>
	       PAGE_SHIFT;
}

/**
 * pw_watch_init() - before the first watch
 *
 * Context: module init.
 * Return: 0, -ENOMEM.
 */
int pw_watch_init(void);

/**
 * pw_watch_exit() - after the last
 *
 * Context: module exit.
 */
void pw_watch_exit(void);

#endif /* _PW_WATCH_H */
