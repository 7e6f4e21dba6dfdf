// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own interval notifiers, as far as their users can tell: one epoch
 * for the whole mm; inserts and removes wait for it to end while anything in the
 * tree is being invalidated; a callback that refuses ends its invalidation here.
 * In a list, not a tree: few are ever inserted.
 */
#include <linux/mmu_notifier.h>
#include "shim.h"
#include "work.h"

#define next_of(mni)	((mni)->interval_tree.rb.rb_right)
#define LINKED		((struct rb_node *)1)

void shim_itree_init(struct shim_itree *itree)
{
	memset(itree, 0, sizeof(*itree));
	spin_lock_init(&itree->lock);
	shim_wq_init(&itree->wq);
	itree->seq = 2;
}

static bool invalidating(struct shim_itree *itree)
{
	return itree->seq & 1;
}

static struct mmu_interval_notifier *entry(struct rb_node *rb)
{
	return rb ? container_of(rb, struct mmu_interval_notifier, interval_tree.rb) : NULL;
}

static bool is_linked(struct mmu_interval_notifier *mni)
{
	return mni->interval_tree.rb.parent == LINKED;
}

static void link_it(struct shim_itree *itree, struct mmu_interval_notifier *mni)
{
	mni->interval_tree.rb.parent = LINKED;
	next_of(mni) = itree->first ? &itree->first->interval_tree.rb : NULL;
	itree->first = mni;
}

static void unlink_it(struct shim_itree *itree, struct mmu_interval_notifier *mni)
{
	struct mmu_interval_notifier *prev = itree->first;

	mni->interval_tree.rb.parent = NULL;
	if (prev == mni) {
		itree->first = entry(next_of(mni));
		return;
	}
	while (entry(next_of(prev)) != mni)
		prev = entry(next_of(prev));
	next_of(prev) = next_of(mni);
}

static struct mmu_interval_notifier *overlap(struct mmu_interval_notifier *mni,
					     struct mmu_notifier_range *range)
{
	while (mni && (mni->interval_tree.start > range->end - 1 ||
		       mni->interval_tree.last < range->start))
		mni = entry(next_of(mni));
	return mni;
}

/* Return: false when a callback refused. The tree holds still meanwhile. */
static bool call_all(struct shim_itree *itree, struct mmu_notifier_range *range)
{
	struct mmu_interval_notifier *mni;
	unsigned long seq;

	spin_lock(&itree->lock);
	itree->active++;
	mni = overlap(itree->first, range);
	if (mni)
		WRITE_ONCE(itree->seq, itree->seq | 1);
	seq = itree->seq;
	spin_unlock(&itree->lock);
	for (; mni; mni = overlap(entry(next_of(mni)), range))
		if (!mni->ops->invalidate(mni, range, seq))
			return false;
	return true;
}

void shim_itree_end(struct mm_struct *mm)
{
	struct shim_itree *itree = &mm->itree;
	struct mmu_interval_notifier *mni;

	if (!READ_ONCE(itree->has_itree))
		return;
	spin_lock(&itree->lock);
	if (!itree->active)
		shim_die("an end without a start");
	if (--itree->active || !invalidating(itree)) {
		spin_unlock(&itree->lock);
		return;
	}
	WRITE_ONCE(itree->seq, itree->seq + 1);
	while (itree->deferred.first) {
		mni = container_of(itree->deferred.first, struct mmu_interval_notifier,
				   deferred_item);
		hlist_del_init_rcu(&mni->deferred_item);
		if (is_linked(mni))
			unlink_it(itree, mni);
		else
			link_it(itree, mni);
	}
	spin_unlock(&itree->lock);
	shim_wq_wake(&itree->wq);
}

int shim_itree_start(struct mmu_notifier_range *range)
{
	if (!READ_ONCE(range->mm->itree.has_itree) || call_all(&range->mm->itree, range))
		return 0;
	if (mmu_notifier_range_blockable(range))
		shim_die("an interval notifier refuses a blockable range");
	shim_itree_end(range->mm);
	return -EAGAIN;
}

void shim_itree_release(struct mm_struct *mm)
{
	struct mmu_notifier_range range = {
		.flags = MMU_NOTIFIER_RANGE_BLOCKABLE, .event = MMU_NOTIFY_RELEASE,
		.mm = mm, .end = ULONG_MAX,
	};

	if (!READ_ONCE(mm->itree.has_itree))
		return;
	shim_itree_start(&range);
	shim_itree_end(mm);
}

static int insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
		  unsigned long start, unsigned long length,
		  const struct mmu_interval_notifier_ops *ops)
{
	struct shim_itree *itree = &mm->itree;

	mni->mm = mm;
	mni->ops = ops;
	mni->interval_tree.rb.parent = NULL;
	mni->interval_tree.start = start;
	if (!length || check_add_overflow(start, length - 1, &mni->interval_tree.last))
		return -EOVERFLOW;
	if (atomic_read(&mm->mm_users) <= 0)
		shim_die("an interval notifier into a dead mm");
	mmgrab(mm);
	spin_lock(&itree->lock);
	if (itree->active && invalidating(itree)) {
		hlist_add_head_rcu(&mni->deferred_item, &itree->deferred);
		mni->invalidate_seq = itree->seq;
	} else if (itree->active) {
		WRITE_ONCE(itree->seq, itree->seq | 1);
		link_it(itree, mni);
		mni->invalidate_seq = itree->seq;
	} else {
		link_it(itree, mni);
		mni->invalidate_seq = itree->seq - 1;
	}
	spin_unlock(&itree->lock);
	return 0;
}

/* With the mmap lock and every lock of the mm: nothing is in flight. */
static int grow_itree(struct mm_struct *mm)
{
	if (shim_self()->signal_pending || fatal_signal_pending(shim_self()))
		return -EINTR;
	shim_down_write(&mm->all_locks);
	WRITE_ONCE(mm->itree.has_itree, true);
	shim_up_write(&mm->all_locks);
	return 0;
}

int mmu_interval_notifier_insert(struct mmu_interval_notifier *mni, struct mm_struct *mm,
				 unsigned long start, unsigned long length,
				 const struct mmu_interval_notifier_ops *ops)
{
	int ret = 0;

	/* might_lock() */
	if (READ_ONCE(mm->mmap_lock.writer) == shim_self())
		shim_die("takes the mmap lock while it holds it");
	if (!READ_ONCE(mm->itree.has_itree)) {
		mmap_write_lock(mm);
		ret = grow_itree(mm);
		mmap_write_unlock(mm);
	}
	return ret ? : insert(mni, mm, start, length, ops);
}

int mmu_interval_notifier_insert_locked(struct mmu_interval_notifier *mni,
					struct mm_struct *mm,
					unsigned long start, unsigned long length,
					const struct mmu_interval_notifier_ops *ops)
{
	int ret = 0;

	mmap_assert_write_locked(mm);
	if (!READ_ONCE(mm->itree.has_itree))
		ret = grow_itree(mm);
	return ret ? : insert(mni, mm, start, length, ops);
}

/* Inside a callback of the mm's, this would wait for itself. */
static void may_wait(void)
{
	might_sleep();
	if (shim_self()->notifying)
		shim_die("waits for an invalidation inside a callback");
}

/* Under the lock: the sequence moves before the deferred ones have been dealt with. */
static bool seq_released(struct shim_itree *itree, unsigned long seq)
{
	bool released;

	spin_lock(&itree->lock);
	released = itree->seq != seq;
	spin_unlock(&itree->lock);
	return released;
}

void mmu_interval_notifier_remove(struct mmu_interval_notifier *mni)
{
	struct mm_struct *mm = mni->mm;
	struct shim_itree *itree = &mm->itree;
	unsigned long seq = 0;

	may_wait();
	spin_lock(&itree->lock);
	if (!invalidating(itree)) {
		unlink_it(itree, mni);
	} else if (!is_linked(mni)) {
		hlist_del_init_rcu(&mni->deferred_item);
	} else {
		hlist_add_head_rcu(&mni->deferred_item, &itree->deferred);
		seq = itree->seq;
	}
	spin_unlock(&itree->lock);
	if (seq)
		shim_wait_event(&itree->wq, seq_released(itree, seq), true);
	mmdrop(mm);
}

unsigned long mmu_interval_read_begin(struct mmu_interval_notifier *mni)
{
	struct shim_itree *itree = &mni->mm->itree;
	unsigned long seq;
	bool wait;

	may_wait();
	spin_lock(&itree->lock);
	seq = READ_ONCE(mni->invalidate_seq);
	wait = seq == itree->seq;
	spin_unlock(&itree->lock);
	if (wait)
		shim_wait_event(&itree->wq, READ_ONCE(itree->seq) != seq, true);
	return seq;
}
