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
 * invalidation. So the veto is an mmu_interval_notifier of the kernel.
 *
 * The interval notifiers of other drivers wait for each invalidation that overlaps a
 * notifier in the kernel's tree. So a veto covers only the aligned block around the first
 * subscription that may sleep there: 64 MiB, or the smallest power of two that contains
 * the interval. A veto stays until the mm dies. So that the vetoes of an mm need little
 * memory, its blocks grow with the number of its vetoes.
 *
 * A subscription may be inserted after the kernel has called the tree and before it
 * calls the classic notifier: see sub_link_sleeper(). And the kernel defers the insert of a
 * veto while invalidations are in flight in the mm. Until then the veto refuses nothing.
 * insert does not wait for that, because its caller may hold a lock that a callback of
 * such an invalidation waits for. Instead the readers of the subscriptions wait until the
 * kernel has inserted the veto:
 *
 *   reaper				worker
 *
 *   kernel's tree: the veto is		mmu_interval_read_begin(veto)
 *     deferred, accept			  waits until no invalidation is in flight
 *   our start: skips the subscription
 *   ... end				  the kernel inserts the veto
 *					the veto is settled: its readers go on
 *
 *   [Required: no range that skipped a subscription is in flight when a reader of the
 *    subscription goes on (litmus veto-settled). A driver that establishes SPTEs without
 *    read_begin has no such guarantee, with the kernel's deferred insert neither.]
 *
 * A deferred veto takes no slot of invalidations. A stream of invalidations that overlap each
 * other in time can keep a veto deferred for ever. If vetoes had all slots then, the readers
 * of other subscriptions would wait for the vetoes. A reader waits for one veto, that of its
 * subscription, and not for a veto that is inserted later: so until the mm has no invalidation
 * in flight for the first time.
 */
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "core.h"
#include "trace.h"
#include "walk.h"

#define VETO_BLOCK_BITS		26	/* 64 MiB */
#define VETO_NR_SMALL		16	/* number of vetoes with blocks of that size */

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

static struct pw_veto *veto_of(struct interval_tree_node *node)
{
	return container_of(node, struct pw_veto, node);
}

/**
 * pw_veto_find() - find a veto whose block contains an interval
 * @pm: The mm.
 * @start: First byte.
 * @last: Last byte.
 *
 * Blocks are aligned powers of two, so at most 39 contain @start.
 *
 * Context: under pm->lock.
 * Return: the veto, a settled one if possible; %NULL if there is none.
 */
struct pw_veto *pw_veto_find(struct pw_mm *pm, unsigned long start, unsigned long last)
{
	struct interval_tree_node *node = pw_tree_first(&pm->vetoes, start, start);
	struct pw_veto *found = NULL;

	for (; node; node = pw_tree_next(node, start, start)) {
		if (node->last < last)
			continue;
		found = veto_of(node);
		if (list_empty(&found->unsettled_node))
			break;
	}
	return found;
}

/**
 * pw_veto_mark() - let the readers of a new subscription wait for the veto
 * @veto: A veto whose block contains the interval of @sub.
 * @sub: The subscription, just linked.
 *
 * Context: under pm->lock.
 */
void pw_veto_mark(struct pw_veto *veto, struct pinwatch_interval_notifier *sub)
{
	if (!list_empty(&veto->unsettled_node))
		sub->state |= PW_SUB_MULTI;
}

/**
 * pw_veto_deferred() - do the readers of a subscription have to wait for its veto?
 * @pm: The mm.
 * @sub: The subscription.
 *
 * Context: under pm->lock.
 * Return: true if @sub may sleep, and the kernel may have deferred its veto.
 */
bool pw_veto_deferred(struct pw_mm *pm, const struct pinwatch_interval_notifier *sub)
{
	struct pw_veto *veto;

	if (!(sub->state & PW_SUB_SLEEPS) || list_empty(&pm->unsettled))
		return false;
	veto = pw_veto_find(pm, sub->interval_tree.start, sub->interval_tree.last);
	return !list_empty(&veto->unsettled_node);
}

/* The veto is in the kernel's tree. Return: true if there is another one to wait for. */
static bool veto_settled(struct pw_veto *veto)
{
	struct pw_mm *pm = veto->pm;
	bool more;

	spin_lock(&pm->lock);
	list_del_init(&veto->unsettled_node);
	WRITE_ONCE(pm->seqs[PW_SLOT_VETO], pm->seqs[PW_SLOT_VETO] + 1);
	more = !list_empty(&pm->unsettled);
	spin_unlock(&pm->lock);
	pw_slot_wake(pm, PW_SLOT_VETO);
	return more;
}

static struct pw_veto *veto_first_unsettled(struct pw_mm *pm)
{
	struct pw_veto *veto;

	spin_lock(&pm->lock);
	veto = list_first_entry_or_null(&pm->unsettled, struct pw_veto, unsettled_node);
	spin_unlock(&pm->lock);
	return veto;
}

/*
 * The wait ends when no invalidation is in flight in the mm, or at release. The task that
 * made the list non-empty has reserved @pm.
 */
void pw_veto_settle_work(struct work_struct *work)
{
	struct pw_mm *pm = container_of(work, struct pw_mm, settle_work);
	struct pw_veto *veto;

	do {
		veto = veto_first_unsettled(pm);
		mmu_interval_read_begin(&veto->mni);
	} while (veto_settled(veto));
	pw_sub_unreserve(pm);
}

/* The kernel may have deferred the insert of @veto. */
static void veto_link(struct pw_veto *veto)
{
	struct pw_mm *pm = veto->pm;
	bool first;

	spin_lock(&pm->lock);
	pw_tree_insert(&pm->vetoes, &veto->node);
	pm->nr_vetoes++;
	first = list_empty(&pm->unsettled);
	pm->nr_subs += first;
	list_add_tail(&veto->unsettled_node, &pm->unsettled);
	spin_unlock(&pm->lock);
	if (first)
		pw_mm_queue(&pm->settle_work);
}

/*
 * The block size doubles whenever the number of vetoes has doubled, so 2^13 vetoes cover an
 * address space of 47 bits. Caller holds the mmap lock.
 */
static unsigned int veto_bits(const struct pw_mm *pm, unsigned long start, unsigned long last)
{
	unsigned int bits = VETO_BLOCK_BITS + fls64(pm->nr_vetoes / VETO_NR_SMALL);

	return max_t(unsigned int, fls64(start ^ last), bits);
}

static struct pw_veto *veto_alloc(void)
{
	return kzalloc(sizeof(struct pw_veto), GFP_KERNEL_ACCOUNT);
}

/* The task that queued the work has reserved @pm. */
void pw_veto_spare_work(struct work_struct *work)
{
	struct pw_mm *pm = container_of(work, struct pw_mm, spare_work);
	struct pw_veto *veto = veto_alloc();

	spin_lock(&pm->lock);
	pm->spare_veto = veto;
	pm->spare_pending = false;
	spin_unlock(&pm->lock);
	pw_sub_unreserve(pm);
}

static struct pw_veto *veto_take_spare(struct pw_mm *pm)
{
	struct pw_veto *veto;

	spin_lock(&pm->lock);
	veto = pm->spare_veto;
	pm->spare_veto = NULL;
	spin_unlock(&pm->lock);
	return veto;
}

/*
 * Let a worker allocate the spare veto if there is none: because it was taken, or because the
 * worker had no memory the last time.
 */
static void veto_refill(struct pw_mm *pm)
{
	bool queue;

	spin_lock(&pm->lock);
	queue = !pm->spare_veto && !pm->spare_pending;
	pm->spare_pending |= queue;
	pm->nr_subs += queue;
	spin_unlock(&pm->lock);
	if (queue)
		pw_mm_queue(&pm->spare_work);
}

/*
 * The first veto of an mm may wait for memory reclaim, under the mmap lock, too. It brings the
 * spare veto. Caller holds the mmap lock for writing: no other task allocates a veto.
 */
static struct pw_veto *veto_first(struct pw_mm *pm)
{
	if (!pm->spare_veto)
		pm->spare_veto = veto_alloc();
	return pm->spare_veto ? veto_alloc() : NULL;
}

/*
 * The caller of an insert under the mmap lock may hold a lock that callbacks take. Memory
 * reclaim may invalidate pages of the mm, and so wait for that lock.
 */
static struct pw_veto *veto_get(struct pw_mm *pm, bool locked)
{
	struct pw_veto *veto;

	if (!pm->nr_vetoes)
		return veto_first(pm);
	veto = kzalloc(sizeof(*veto), GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN);
	if (!veto)
		veto = locked ? veto_take_spare(pm) : veto_alloc();
	veto_refill(pm);
	return veto;
}

static struct pw_veto *veto_new(struct pw_mm *pm, unsigned long start, unsigned long last,
				bool locked)
{
	unsigned long mask = ULONG_MAX >> (BITS_PER_LONG - veto_bits(pm, start, last));
	struct pw_veto *veto = veto_get(pm, locked);

	if (!veto)
		return NULL;
	veto->pm = pm;
	veto->node.start = start & ~mask;
	veto->node.last = start | mask;
	return veto;
}

static int veto_call_insert(struct mm_struct *mm, void *data)
{
	struct pw_veto *veto = data;
	unsigned long start = veto->node.start, length = veto->node.last - start;

	/* The whole address space has no length: do without the last byte. */
	return mmu_interval_notifier_insert_locked(&veto->mni, mm, start,
						   length == ULONG_MAX ? length : length + 1,
						   &veto_ops);
}

/* Caller holds the mmap lock for writing: no two tasks insert at the same time. */
static int veto_insert(struct pw_mm *pm, unsigned long start, unsigned long last, bool locked)
{
	struct pw_veto *veto;
	int ret;

	spin_lock(&pm->lock);
	veto = pw_veto_find(pm, start, last);
	spin_unlock(&pm->lock);
	if (veto)
		return 0;
	veto = veto_new(pm, start, last, locked);
	if (!veto)
		return -ENOMEM;
	/* The first interval notifier in an mm takes every lock of the mm's mappings. */
	ret = pw_mm_call(pm->mn.mm, veto_call_insert, veto);
	if (ret)
		kfree(veto);
	else
		veto_link(veto);
	return ret;
}

/**
 * pw_veto_ensure() - let subscriptions that may sleep into an interval
 * @pm: The mm, registered and reserved. Caller holds mm_users.
 * @start: First byte.
 * @last: Last byte.
 * @locked: The caller holds the mmap lock for writing.
 *
 * Context: process context, no lock of the engine held. May sleep.
 * Return: 0; -ENOMEM; -EINTR if a fatal signal is pending.
 */
int pw_veto_ensure(struct pw_mm *pm, unsigned long start, unsigned long last, bool locked)
{
	struct mm_struct *mm = pm->mn.mm;
	int ret;

	if (!locked && mmap_write_lock_killable(mm))
		return -EINTR;
	ret = veto_insert(pm, start, last, locked);
	if (!locked)
		mmap_write_unlock(mm);
	return ret;
}

/**
 * pw_veto_remove() - remove the vetoes of a dead mm, or at module exit
 * @pm: The mm, without subscriptions and unregistered.
 *
 * Context: process context, sleeps; not in a callback.
 */
void pw_veto_remove(struct pw_mm *pm)
{
	struct interval_tree_node *node;

	while ((node = pw_tree_first(&pm->vetoes, 0, ULONG_MAX))) {
		pw_tree_erase(&pm->vetoes, node);
		mmu_interval_notifier_remove(&veto_of(node)->mni);
		kfree(veto_of(node));
	}
}
