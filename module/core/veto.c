// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: subscriptions that may have to sleep
 *
 * A range that is not blockable (the OOM reaper's, process_mrelease()'s) must
 * not reach a callback that would sleep: the notifier has to fail with -EAGAIN
 * instead, and the reaper comes back. But a classic notifier must not: when the
 * list of those fails, nobody ends the invalidation in the kernel's interval tree,
 * which is told first, and every mmu_interval_read_begin() and _remove() in that
 * mm sleeps for ever. What fails inside that tree, the kernel unwinds itself.
 * So the veto is a real mmu_interval_notifier over the whole mm. It comes with
 * the first such subscription and stays until the mm dies, and that mm's
 * invalidations pay for the kernel's tree from then on.
 *
 * The kernel calls the tree first and us second. In between a subscription may
 * be inserted, which the veto could not know of:
 *
 *   reaper					insert
 *
 *   veto: no sleeper overlaps; accept		link the subscription
 *     with mmu_interval_set_seq()		mmu_interval_read_begin(veto)
 *   our start: finds it, skips it		  waits for the reaper's end
 *   ... end					return
 *
 *   [Required: whoever inserts has no SPTEs before insert returns; so either the
 *    veto sees the subscription, or insert outlasts the invalidation.]
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
	/* After release they have been told, and are not called any more. */
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

/* With the mmap lock held for writing, which keeps two from inserting. */
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
	/* The first in an mm takes every lock of the mm's mappings. */
	ret = mmu_interval_notifier_insert_locked(&veto->mni, mm, 0, ULONG_MAX, &veto_ops);
	if (ret) {
		kfree(veto);
		return ret;
	}
	/* Pairs with the acquire in pw_veto_ensure(). */
	smp_store_release(&pm->veto, veto);
	return 0;
}

/**
 * pw_veto_ensure() - let subscriptions that may sleep into an mm
 * @pm: The mm, registered and reserved; mm_users is held.
 * @locked: The caller holds its mmap lock for writing.
 *
 * Context: sleeps, until the first time as long as invalidations are in flight in
 * the mm: the kernel defers an insert so long. Holds nothing of ours meanwhile.
 * Return: 0, -ENOMEM, -EINTR (a signal is pending).
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
	/* Everybody for himself: it costs little once the kernel has inserted it. */
	mmu_interval_read_begin(&pm->veto->mni);
	return 0;
}

/**
 * pw_veto_settle() - after a subscription that may sleep was linked
 * @pm: The mm.
 *
 * Waits for ranges that are not blockable and that the veto let pass before.
 * There are none but while the mm is being reaped.
 */
void pw_veto_settle(struct pw_mm *pm)
{
	mmu_interval_read_begin(&pm->veto->mni);
}

/**
 * pw_veto_remove() - the mm has died, or the module goes
 * @pm: The mm, without subscriptions and unregistered.
 *
 * Context: sleeps.
 */
void pw_veto_remove(struct pw_mm *pm)
{
	mmu_interval_notifier_remove(&pm->veto->mni);
	kfree(pm->veto);
	pm->veto = NULL;
}
