// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: subscriptions that may have to sleep
 *
 * A non-blockable range (of the OOM reaper or process_mrelease()) must not reach a
 * callback that may sleep. The notifier has to fail with -EAGAIN instead; the reaper
 * tries again. But a classic notifier must not fail. The kernel calls its own interval
 * tree before the classic notifiers. When a classic notifier fails, the kernel does not
 * end the invalidation in the tree, and every mmu_interval_read_begin() and _remove() in
 * that mm sleeps for ever. When a notifier in the tree fails, the kernel does end the
 * invalidation. So the veto is an mmu_interval_notifier of the kernel over the whole mm.
 * It is inserted with the first subscription that may sleep, and stays until the mm
 * dies. From then on each invalidation in that mm searches the kernel's tree, too.
 *
 * A subscription may be inserted after the kernel has called the tree and before it
 * calls the classic notifier. The veto cannot know of that subscription:
 *
 *   reaper					insert
 *
 *   veto: no sleeper overlaps; accept		link the subscription
 *     with mmu_interval_set_seq()		mmu_interval_read_begin(veto)
 *   our start: finds it, skips it		  waits for the reaper's end
 *   ... end					return
 *
 *   [Required: a driver has no SPTEs before insert returns; so either the veto sees
 *    the subscription, or insert returns after the end of the invalidation.]
 */
#include <linux/mmu_notifier.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "core.h"
#include "trace.h"

struct pw_veto {
	struct mmu_interval_notifier mni;
	struct pw_mm *pm;
};

static bool veto_invalidate(struct mmu_interval_notifier *mni,
			    const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	struct pw_mm *pm = container_of(mni, struct pw_veto, mni)->pm;
	bool refuse;

	if (likely(mmu_notifier_range_blockable(range)))
		return true;
	spin_lock(&pm->lock);
	/* After release, no subscription is called any more. */
	refuse = pm->registered && pw_walk_has_sleeper(pm, range);
	if (!refuse)
		mmu_interval_set_seq(mni, cur_seq);
	spin_unlock(&pm->lock);
	if (refuse) {
		pw_stat_inc(vetoes);
		trace_pinwatch_veto(range);
	}
	return !refuse;
}

static const struct mmu_interval_notifier_ops veto_ops = {
	.invalidate = veto_invalidate,
};

static int veto_call_insert(struct mm_struct *mm, void *data)
{
	struct pw_veto *veto = data;

	return mmu_interval_notifier_insert_locked(&veto->mni, mm, 0, ULONG_MAX, &veto_ops);
}

/* Caller holds the mmap lock for writing: no two tasks insert at the same time. */
static int veto_insert(struct pw_mm *pm)
{
	struct mm_struct *mm = pm->mn.mm;
	struct pw_veto *veto;
	int ret;

	if (pm->veto)
		return 0;
	veto = kzalloc(sizeof(*veto), GFP_KERNEL_ACCOUNT);
	if (!veto)
		return -ENOMEM;
	veto->pm = pm;
	/* The first interval notifier in an mm takes every lock of the mm's mappings. */
	ret = pw_mm_call(mm, veto_call_insert, veto);
	if (ret) {
		kfree(veto);
		return ret;
	}
	/*
	 * Pairs with the acquire in pw_veto_ensure(): a task that sees the pointer must
	 * not see an uninitialised veto.
	 */
	smp_store_release(&pm->veto, veto);
	return 0;
}

/**
 * pw_veto_ensure() - let subscriptions that may sleep into an mm
 * @pm: The mm, registered and reserved. Caller holds mm_users.
 * @locked: The caller holds the mmap lock for writing.
 *
 * Context: process context, no lock of the engine held. May sleep: the kernel defers the
 * insert of the veto while invalidations are in flight in the mm.
 * Return: 0; -ENOMEM; -EINTR if a fatal signal is pending.
 */
int pw_veto_ensure(struct pw_mm *pm, bool locked)
{
	struct mm_struct *mm = pm->mn.mm;
	int ret;

	/* Pairs with the release in veto_insert(). */
	if (!smp_load_acquire(&pm->veto)) {
		if (!locked && mmap_write_lock_killable(mm))
			return -EINTR;
		ret = veto_insert(pm);
		if (!locked)
			mmap_write_unlock(mm);
		if (ret)
			return ret;
	}
	/* Wait for the deferred insert. Cheap after the kernel has inserted the veto. */
	mmu_interval_read_begin(&pm->veto->mni);
	return 0;
}

/**
 * pw_veto_settle() - wait for non-blockable ranges that the veto has accepted
 * @pm: The mm.
 *
 * Called after a subscription that may sleep was linked. Such ranges exist only while
 * the mm is being reaped.
 *
 * Context: process context, sleeps; no lock of the engine held.
 */
void pw_veto_settle(struct pw_mm *pm)
{
	mmu_interval_read_begin(&pm->veto->mni);
}

/**
 * pw_veto_remove() - remove the veto of a dead mm, or at module exit
 * @pm: The mm, without subscriptions and unregistered.
 *
 * Context: process context, sleeps; not in a callback.
 */
void pw_veto_remove(struct pw_mm *pm)
{
	mmu_interval_notifier_remove(&pm->veto->mni);
	kfree(pm->veto);
	pm->veto = NULL;
}
