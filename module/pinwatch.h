/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch: interval notifiers for mmu_notifier events, as a loadable module
 *
 * The kernel API. The semantics are those of the kernel's own
 * mmu_interval_notifier (mm/mmu_notifier.c) except where a comment below says
 * that they are stronger; a driver ports with s/mmu_interval_/pinwatch_interval_/g
 * and should add %PINWATCH_OPS_NEVER_SLEEPS to its ops if that is true of it.
 *
 * The pattern, unchanged from the original:
 *
 *	again:
 *		seq = pinwatch_interval_read_begin(sub);
 *		get_user_pages()/hmm_range_fault()	(never under user_lock)
 *		take(user_lock);
 *		if (pinwatch_interval_read_retry(sub, seq)) {
 *			release(user_lock);
 *			drop the pages;
 *			goto again;
 *		}
 *		establish the SPTEs;
 *		release(user_lock);
 *
 * where ops->invalidate() takes user_lock too, calls
 * pinwatch_interval_set_seq() under it, and tears the SPTEs down.
 */
#ifndef _PINWATCH_H
#define _PINWATCH_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/interval_tree.h>
#include <linux/llist.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>

#if BITS_PER_LONG != 64
#error "pinwatch is for 64-bit kernels only"
#endif

struct hmm_range;
struct pinwatch_interval_notifier;
struct pw_mm;

/**
 * define PINWATCH_OPS_NEVER_SLEEPS - the callbacks never have to sleep
 *
 * Declares that on a range for which mmu_notifier_range_blockable() is false
 * (the OOM reaper's, process_mrelease()'s) the callbacks do all their work
 * without sleeping and return true. On a blockable range they may sleep all the
 * same.
 *
 * Why it is asked for: a classic mmu_notifier that fails a non-blockable
 * invalidate_range_start() leaves other drivers' mmu_interval_notifiers in the
 * same mm invalidated for ever, so pinwatch's own notifier never fails. For a
 * subscription without this flag pinwatch makes such an invalidation fail
 * earlier, by one real mmu_interval_notifier over the whole mm, which is
 * inserted with the first of them and stays until the mm dies: the callbacks are
 * then never called for a range that is not blockable, and every invalidation
 * in that mm pays for the kernel's own tree as well.
 */
#define PINWATCH_OPS_NEVER_SLEEPS	BIT(0)

/**
 * struct pinwatch_interval_notifier_finish - the second pass of an invalidation
 * @link: Private to the engine from the return of ops->invalidate_start() until
 *	ops->invalidate_finish() is called.
 * @notifier: The subscription. Set by the engine.
 *
 * Provided by the driver, embedded in whatever it has to hand from one pass to
 * the other; from a pool, or allocated with GFP_NOWAIT. Callbacks of one
 * subscription can run in parallel: each invocation needs one of its own.
 */
struct pinwatch_interval_notifier_finish {
	struct llist_node link;
	struct pinwatch_interval_notifier *notifier;
};

/**
 * struct pinwatch_interval_notifier_ops - what a subscription does
 * @invalidate: Called, before the change is made, for each invalidation that
 *	overlaps the subscription's interval, at most once each. To accept it
 *	the callee calls pinwatch_interval_set_seq() with @cur_seq under the
 *	lock that it also holds around pinwatch_interval_read_retry(), and stops
 *	every use of its SPTEs in the overlap before it returns true. A callee
 *	that ignores an invalidation (its own migration, say) leaves the
 *	sequence alone and returns true. It never has a reason to return false:
 *	it is called for a range that is not blockable only if it declares
 *	%PINWATCH_OPS_NEVER_SLEEPS.
 *	Context: process context; may sleep if
 *	mmu_notifier_range_blockable(@range). ``current`` may be any task, with
 *	the mmap lock, i_mmap and anon_vma locks and the folio lock of an
 *	affected page held, and with PF_MEMALLOC set. Not allowed: taking any
 *	of those locks, get_user_pages(), hmm_range_fault(), an allocation that
 *	can reclaim (or a lock held elsewhere across one),
 *	pinwatch_interval_read_begin(), _insert() and _remove(). A callback that
 *	sleeps delays, under the kernel's one mmu_notifier SRCU, the exit of
 *	every process that has a notifier: keep it short.
 * @invalidate_start: The first of two passes, called instead of @invalidate if it
 *	is set. Under the same rules. May start what takes long (a TLB flush, say)
 *	and store in \*finish, which is NULL on entry, an object for the second
 *	pass; with NULL left there it does all the work, like @invalidate.
 * @invalidate_finish: The second pass, called once for each object that
 *	@invalidate_start left when it returned true, after the first pass of
 *	every subscription that the invalidation overlaps, in the order of the
 *	first passes. Must be set if @invalidate_start is.
 * @free: Called once after pinwatch_interval_notifier_put(), when nothing looks
 *	at the subscription any more. Any context that put is called from, or
 *	that of a callback; must not sleep.
 * @owner: MIGRATE and EXCLUSIVE invalidations whose range->owner is this are not
 *	wanted; NULL: no such filter.
 * @ignore_events: BIT(MMU_NOTIFY_...) of each event that is not wanted: neither
 *	called back nor waited for. MMU_NOTIFY_RELEASE cannot be among them.
 * @flags: %PINWATCH_OPS_NEVER_SLEEPS; other bits must be zero.
 *
 * The filters (@owner and @ignore_events) are looked at when a subscription is
 * inserted, and must not change while one is. Subscriptions that share a filter
 * are kept apart from others, and cost nothing to an event that it rejects; the
 * first %PINWATCH_NR_FILTERS different filters in an mm have that, further ones
 * are tested one subscription at a time.
 */
struct pinwatch_interval_notifier_ops {
	bool (*invalidate)(struct pinwatch_interval_notifier *sub,
			   const struct mmu_notifier_range *range,
			   unsigned long cur_seq);
	bool (*invalidate_start)(struct pinwatch_interval_notifier *sub,
				 const struct mmu_notifier_range *range,
				 unsigned long cur_seq,
				 struct pinwatch_interval_notifier_finish **finish);
	void (*invalidate_finish)(struct pinwatch_interval_notifier_finish *finish);
	void (*free)(struct pinwatch_interval_notifier *sub);
	const void *owner;
	unsigned int ignore_events;
	unsigned int flags;
};

#define PINWATCH_NR_FILTERS	3

/**
 * struct pinwatch_interval_notifier - a subscription to [start, last] of an mm
 *
 * Owned and allocated by the driver, embedded as a rule; initialised by
 * pinwatch_interval_notifier_insert(), and not to be freed, moved or inserted
 * again until pinwatch_interval_notifier_remove() has returned.
 *
 * It has the size and the layout of the kernel's handle, in whose place
 * hmm_range_fault() takes it (&sub->mni); it is never linked into the kernel's
 * own tree.
 *
 * @mni: The kernel's view: .interval_tree, .mm and .invalidate_seq.
 * @interval_tree: .start and .last (inclusive, bytes) may be read by the
 *	driver; constant while inserted.
 * @ops: As given at insert.
 * @mm: As given at insert; pinned by the engine (mm_count, not mm_users).
 * @pm: Private. The engine's state of @mm; constant while inserted.
 * @state: Private. Written under pm->lock, read without.
 * @invalidate_seq: Private, written by pinwatch_interval_set_seq() under the
 *	driver's lock and by insert. Bit 62 is always set: no value of the
 *	kernel's own sequence equals one of ours.
 */
struct pinwatch_interval_notifier {
	union {
		struct mmu_interval_notifier mni;
		struct {
			struct interval_tree_node interval_tree;
			const struct pinwatch_interval_notifier_ops *ops;
			struct mm_struct *mm;
			struct pw_mm *pm;
			u64 state;
			unsigned long invalidate_seq;
		};
	};
};

static_assert(sizeof(struct pinwatch_interval_notifier) ==
	      sizeof(struct mmu_interval_notifier));
static_assert(offsetof(struct pinwatch_interval_notifier, interval_tree) ==
	      offsetof(struct mmu_interval_notifier, interval_tree));
static_assert(offsetof(struct pinwatch_interval_notifier, mm) ==
	      offsetof(struct mmu_interval_notifier, mm));
static_assert(offsetof(struct pinwatch_interval_notifier, invalidate_seq) ==
	      offsetof(struct mmu_interval_notifier, invalidate_seq));

#ifdef CONFIG_MMU_NOTIFIER
int pinwatch_interval_notifier_insert(struct pinwatch_interval_notifier *sub,
				      struct mm_struct *mm, unsigned long start,
				      unsigned long length,
				      const struct pinwatch_interval_notifier_ops *ops);
int pinwatch_interval_notifier_insert_locked(struct pinwatch_interval_notifier *sub,
					     struct mm_struct *mm,
					     unsigned long start,
					     unsigned long length,
					     const struct pinwatch_interval_notifier_ops *ops);
void pinwatch_interval_notifier_remove(struct pinwatch_interval_notifier *sub);
void pinwatch_interval_notifier_put(struct pinwatch_interval_notifier *sub);
void pinwatch_interval_notifier_barrier(void);
unsigned long pinwatch_interval_read_begin(struct pinwatch_interval_notifier *sub);
int pinwatch_interval_read_begin_killable(struct pinwatch_interval_notifier *sub,
					  unsigned long *seq);
int pinwatch_interval_read_begin_timeout(struct pinwatch_interval_notifier *sub,
					 unsigned long *seq, unsigned long timeout);
int pinwatch_hmm_range_fault_unlocked_timeout(struct hmm_range *range,
					      unsigned long timeout);
#else
/*
 * Without the kernel's notifiers there is no pinwatch either; what uses it still
 * compiles, and is told at insert.
 */
static inline int
pinwatch_interval_notifier_insert(struct pinwatch_interval_notifier *sub,
				  struct mm_struct *mm, unsigned long start,
				  unsigned long length,
				  const struct pinwatch_interval_notifier_ops *ops)
{
	return -EOPNOTSUPP;
}

static inline int
pinwatch_interval_notifier_insert_locked(struct pinwatch_interval_notifier *sub,
					 struct mm_struct *mm, unsigned long start,
					 unsigned long length,
					 const struct pinwatch_interval_notifier_ops *ops)
{
	return -EOPNOTSUPP;
}

static inline void
pinwatch_interval_notifier_remove(struct pinwatch_interval_notifier *sub)
{
}

static inline void
pinwatch_interval_notifier_put(struct pinwatch_interval_notifier *sub)
{
}

static inline void
pinwatch_interval_notifier_barrier(void)
{
}

static inline unsigned long
pinwatch_interval_read_begin(struct pinwatch_interval_notifier *sub)
{
	return 0;
}

static inline int
pinwatch_interval_read_begin_killable(struct pinwatch_interval_notifier *sub,
				      unsigned long *seq)
{
	return -EOPNOTSUPP;
}

static inline int
pinwatch_interval_read_begin_timeout(struct pinwatch_interval_notifier *sub,
				     unsigned long *seq, unsigned long timeout)
{
	return -EOPNOTSUPP;
}

static inline int
pinwatch_hmm_range_fault_unlocked_timeout(struct hmm_range *range,
					  unsigned long timeout)
{
	return -EOPNOTSUPP;
}
#endif /* CONFIG_MMU_NOTIFIER */

/**
 * pinwatch_interval_set_seq() - accept an invalidation
 * @sub: The subscription that ops->invalidate() was called for.
 * @cur_seq: The value that ops->invalidate() was called with.
 *
 * Makes every read section that began before fail its
 * pinwatch_interval_read_retry(), and every one that begins before the
 * invalidation has ended wait.
 *
 * Context: only inside ops->invalidate(), under the driver's lock. Does not
 * sleep.
 */
static inline void
pinwatch_interval_set_seq(struct pinwatch_interval_notifier *sub,
			  unsigned long cur_seq)
{
	/* Pairs with the acquire in pinwatch_interval_read_begin(). */
	WRITE_ONCE(sub->invalidate_seq, cur_seq);
}

/**
 * pinwatch_interval_read_retry() - end a read section
 * @sub: The subscription.
 * @seq: What pinwatch_interval_read_begin() returned.
 *
 * Context: under the lock that ops->invalidate() holds around
 * pinwatch_interval_set_seq(). Does not sleep.
 * Return: true when an invalidation collided with the section: drop what was
 * read, and begin anew. false: what was read is true, and stays so for as long
 * as the lock is held.
 */
static inline bool
pinwatch_interval_read_retry(struct pinwatch_interval_notifier *sub,
			     unsigned long seq)
{
	return sub->invalidate_seq != seq;
}

/**
 * pinwatch_interval_check_retry() - has a read section collided already?
 * @sub: The subscription.
 * @seq: What pinwatch_interval_read_begin() returned.
 *
 * A hint, without the lock, for long sections that want to stop early.
 *
 * Context: any. Does not sleep.
 * Return: true when pinwatch_interval_read_retry() would certainly return
 * true; false says nothing.
 */
static inline bool
pinwatch_interval_check_retry(struct pinwatch_interval_notifier *sub,
			      unsigned long seq)
{
	/* Pairs with the WRITE_ONCE in pinwatch_interval_set_seq(). */
	return READ_ONCE(sub->invalidate_seq) != seq;
}

#endif /* _PINWATCH_H */
