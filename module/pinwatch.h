/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch: interval notifiers for mmu_notifier events, as a loadable module
 *
 * The kernel API. It has the semantics of the kernel's mmu_interval_notifier
 * (mm/mmu_notifier.c), except where a comment below gives a stronger guarantee. To port a
 * driver, run s/mmu_interval_/pinwatch_interval_/g, and set %PINWATCH_OPS_NEVER_SLEEPS in
 * its ops if the callbacks never sleep on a non-blockable range. The description of each
 * exported function stands at its definition in core/.
 *
 * Use a subscription like the kernel's:
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
 * ops->invalidate() takes user_lock, calls pinwatch_interval_set_seq() under user_lock,
 * and tears down the SPTEs.
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
 * The driver declares that on a range for which mmu_notifier_range_blockable() is false
 * (of the OOM reaper or process_mrelease()) the callbacks do all their work without
 * sleeping and return true. On a blockable range the callbacks may sleep.
 *
 * Reason for the flag: a classic mmu_notifier that fails a non-blockable
 * invalidate_range_start() leaves the mmu_interval_notifiers of other drivers in the same
 * mm invalidated for ever, so the classic notifier of pinwatch never fails. For
 * subscriptions without this flag, pinwatch makes such an invalidation fail earlier, by an
 * mmu_interval_notifier of the kernel over the aligned block of 64 MiB around the
 * subscription, or the smallest larger block that contains the interval. After the first 16
 * in an mm, the blocks are larger. That notifier is inserted with the first such subscription
 * in the block and stays until the mm dies. The callbacks are then never called for a
 * non-blockable range. Every invalidation in that mm also searches the kernel's tree, and the
 * mmu_interval_notifiers of other drivers wait for invalidations that overlap the block. If
 * invalidations are in flight when that notifier is inserted, the remove of other drivers
 * waits once until none is, as after each insert of the kernel's. A driver that establishes
 * SPTEs without pinwatch_interval_read_begin() can miss a non-blockable invalidation that
 * began before the kernel has inserted that notifier.
 */
#define PINWATCH_OPS_NEVER_SLEEPS	BIT(0)

/**
 * struct pinwatch_interval_notifier_finish - a pending second pass
 * @link: Private to the engine from the return of ops->invalidate_start() until
 *	ops->invalidate_finish() is called.
 * @notifier: The subscription. Set by the engine.
 *
 * The driver provides the object, from a pool or allocated with GFP_NOWAIT, and may embed
 * it in a structure with the data of its second pass. Callbacks of one subscription can
 * run in parallel: each call needs an object of its own.
 */
struct pinwatch_interval_notifier_finish {
	struct llist_node link;
	struct pinwatch_interval_notifier *notifier;
};

/**
 * struct pinwatch_interval_notifier_ops - callbacks and filters of a subscription
 * @invalidate: Called before the kernel changes the page tables, at most once for each
 *	invalidation that overlaps the interval of the subscription. To accept the
 *	invalidation, the callback calls pinwatch_interval_set_seq() with @cur_seq,
 *	under the lock that the driver holds around pinwatch_interval_read_retry(), and
 *	stops every use of its SPTEs in the overlap before it returns true. To ignore the
 *	invalidation (because the driver itself migrates, for example), the callback
 *	returns true without calling pinwatch_interval_set_seq(). The callback must not
 *	return false: it is called for a non-blockable range only with
 *	%PINWATCH_OPS_NEVER_SLEEPS.
 *	Context: process context; may sleep if mmu_notifier_range_blockable(@range).
 *	``current`` may be any task, with the mmap lock, i_mmap and anon_vma locks and
 *	the folio lock of an affected page held, and with PF_MEMALLOC set. Not allowed:
 *	taking any of these locks, get_user_pages(), hmm_range_fault(), an allocation
 *	that can reclaim, taking a lock that another task holds during such an
 *	allocation, pinwatch_interval_read_begin(),
 *	pinwatch_interval_notifier_insert() and pinwatch_interval_notifier_remove(). A
 *	callback that sleeps delays the exit of every process that has a notifier,
 *	because the kernel has one SRCU domain for all mmu_notifiers: keep it short.
 * @invalidate_start: The first of two passes. Called instead of @invalidate if set,
 *	under the same rules. May start a long operation (a TLB flush, for example) and
 *	store an object for the second pass in \*finish. \*finish is NULL on entry; if the
 *	callback leaves NULL, there is no second pass, and the callback has to do all the
 *	work of @invalidate.
 * @invalidate_finish: The second pass. Called once for each object that
 *	@invalidate_start stored if it returned true, after the first pass of every
 *	subscription that the invalidation overlaps, in the order of the first passes.
 *	Must be set if @invalidate_start is set.
 * @free: Called once after pinwatch_interval_notifier_put(), when the engine does not
 *	use the subscription any more. May be NULL. Context: that of the put, or that of
 *	a callback; must not sleep.
 * @owner: Ignore MIGRATE and EXCLUSIVE invalidations whose range->owner is @owner; NULL:
 *	ignore none.
 * @ignore_events: BIT(MMU_NOTIFY_...) of each event to ignore: the callbacks are not
 *	called and readers do not wait. Must not contain MMU_NOTIFY_RELEASE.
 * @flags: %PINWATCH_OPS_NEVER_SLEEPS; other bits must be 0.
 *
 * The filters (@owner and @ignore_events) are evaluated when a subscription is inserted,
 * and must not change while a subscription uses them. The engine keeps subscriptions that
 * share a filter in a tree of their own: an event that the filter rejects does not search
 * the tree. This holds for %PINWATCH_NR_FILTERS different filters in an mm at a time; for
 * further filters, the engine tests each subscription.
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
 * The driver allocates the subscription, usually embedded in an object of its own.
 * pinwatch_interval_notifier_insert() initialises all members. The driver must not free,
 * move or insert the subscription again until pinwatch_interval_notifier_remove() has
 * returned or ops->free() is called.
 *
 * The structure has the size and the layout of struct mmu_interval_notifier, so that
 * &sub->mni can be passed to hmm_range_fault(). It is never in the kernel's tree.
 *
 * @mni: The kernel's view: .interval_tree, .mm and .invalidate_seq.
 * @interval_tree: The driver may read .start and .last: the first and the last byte.
 *	Constant while inserted.
 * @ops: From insert.
 * @mm: From insert. The engine holds mm_count, not mm_users.
 * @pm: Private. The engine's state of @mm; constant while inserted.
 * @state: Private. Written under pm->lock, read without.
 * @invalidate_seq: Private. Written by insert, and by pinwatch_interval_set_seq() under
 *	the driver's lock. Bit 62 is always set, and never set in the kernel's sequence.
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
 * Without CONFIG_MMU_NOTIFIER there is no pinwatch. Drivers compile all the same, and
 * insert fails.
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
 * Every read section that began before collides: its pinwatch_interval_read_retry()
 * returns true. Every read section that begins before the end of the invalidation waits
 * for that end.
 *
 * Context: only inside ops->invalidate() or ops->invalidate_start(), under the driver's
 * lock. Does not sleep.
 */
static inline void
pinwatch_interval_set_seq(struct pinwatch_interval_notifier *sub,
			  unsigned long cur_seq)
{
	/*
	 * Pairs with the acquire in pinwatch_interval_read_begin() and the READ_ONCE in
	 * pinwatch_interval_check_retry(): neither may see a torn value.
	 */
	WRITE_ONCE(sub->invalidate_seq, cur_seq);
}

/**
 * pinwatch_interval_read_retry() - end a read section
 * @sub: The subscription.
 * @seq: The value that pinwatch_interval_read_begin() returned.
 *
 * Context: under the lock that ops->invalidate() holds around
 * pinwatch_interval_set_seq(). Does not sleep.
 * Return: true if an invalidation collided with the section: the driver has to discard
 * the pages that it read, and begin again. false: the pages are current, and stay current
 * until the driver drops the lock.
 */
static inline bool
pinwatch_interval_read_retry(struct pinwatch_interval_notifier *sub,
			     unsigned long seq)
{
	return sub->invalidate_seq != seq;
}

/**
 * pinwatch_interval_check_retry() - test early whether a read section has collided
 * @sub: The subscription.
 * @seq: The value that pinwatch_interval_read_begin() returned.
 *
 * Lets a long read section stop early, without the driver's lock.
 *
 * Context: any. Does not sleep.
 * Return: true if pinwatch_interval_read_retry() would return true. After false,
 * pinwatch_interval_read_retry() is still needed, and may return true.
 */
static inline bool
pinwatch_interval_check_retry(struct pinwatch_interval_notifier *sub,
			      unsigned long seq)
{
	/* Pairs with the WRITE_ONCE in pinwatch_interval_set_seq(): no torn value. */
	return READ_ONCE(sub->invalidate_seq) != seq;
}

#endif /* _PINWATCH_H */
