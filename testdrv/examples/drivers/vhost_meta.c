// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of vhost's accelerated metadata (drivers/vhost/vhost.c of 5.2, reverted)
 *
 * The pattern: a kernel thread reads and writes small rings of the process directly. The
 * pages are taken without keeping a reference, since an invalidation removes the map before
 * the pages go. Without a map, each access copies from or to user space.
 *
 * Invariant: after an invalidation nothing uses the pages of the map, pages that were
 * written are dirty, and the copy always makes progress.
 *
 * What the real driver did not do: it counted invalidations in flight from their starts and
 * ends, so a lost end refused the map for ever; and its callback waited for readers, which
 * it could not do for the OOM reaper. The sequence of the subscription replaces the count,
 * and the readers hold the spinlock that the callback takes.
 */
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "model.h"

struct ring {
	struct pinwatch_interval_notifier sub;
	struct vq *vq;
	struct mutex map_mutex;	/* while pages are taken; not in the callback */
	spinlock_t lock;	/* the callback takes it */
	bool mapped;		/* written under lock, like written; set under map_mutex only */
	bool written;
	struct list_head node;
	unsigned long nr_pages;
	struct page *pages[];	/* used while mapped, without references */
};

struct vq {
	struct model_file file;
	struct mutex mutex;	/* protects rings */
	struct list_head rings;	/* freed at close only */
};

/* The process still has the pages: the kernel unmaps them after this callback. */
static void ring_unmap(struct ring *ring)
{
	unsigned long i;

	lockdep_assert_held(&ring->lock);
	for (i = 0; ring->written && i < ring->nr_pages; i++)
		set_page_dirty(ring->pages[i]);
	ring->written = false;
	WRITE_ONCE(ring->mapped, false);	/* pairs with ring_map() */
}

static bool ring_invalidate(struct pinwatch_interval_notifier *sub,
			    const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct ring *ring = container_of(sub, struct ring, sub);

	spin_lock(&ring->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	if (ring->mapped) {
		ring_unmap(ring);
		atomic_long_inc(&ring->vq->file.nr_invalidated);
	}
	spin_unlock(&ring->lock);
	return true;
}

static const struct pinwatch_interval_notifier_ops ring_ops = {
	.invalidate = ring_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

/* The references of pin_user_pages_fast() are needed until the map is established only. */
static void ring_establish(struct ring *ring, unsigned long seq)
{
	int got = pin_user_pages_fast(ring->sub.interval_tree.start, ring->nr_pages, FOLL_WRITE,
				      ring->pages);

	if (got == ring->nr_pages) {
		spin_lock(&ring->lock);
		if (!pinwatch_interval_read_retry(&ring->sub, seq))
			WRITE_ONCE(ring->mapped, true);
		spin_unlock(&ring->lock);
	}
	if (got > 0)
		unpin_user_pages(ring->pages, got);
}

/* Try once: an access without a map copies. */
static void ring_map(struct ring *ring)
{
	unsigned long seq;

	mutex_lock(&ring->map_mutex);
	if (!READ_ONCE(ring->mapped) &&
	    !pinwatch_interval_read_begin_killable(&ring->sub, &seq)) {
		atomic_long_inc(&ring->vq->file.nr_taken);
		ring_establish(ring, seq);
	}
	mutex_unlock(&ring->map_mutex);
}

static bool ring_touch(struct ring *ring, struct model_access *access)
{
	unsigned long offset = access->addr - ring->sub.interval_tree.start;
	bool mapped;

	spin_lock(&ring->lock);
	mapped = ring->mapped;
	if (mapped) {
		model_touch(ring->pages[offset >> PAGE_SHIFT], access);
		if (access->flags & MODEL_ACCESS_WRITE)
			ring->written = true;
	}
	spin_unlock(&ring->lock);
	return mapped;
}

static int user_copy(struct model_access *access)
{
	u64 __user *word = u64_to_user_ptr(access->addr);

	if (access->flags & MODEL_ACCESS_WRITE)
		return put_user(access->value, word);
	return get_user(access->value, word);
}

static int vq_access(struct model_file *file, struct model_access *access)
{
	struct vq *vq = container_of(file, struct vq, file);
	struct ring *ring, *found = NULL;

	mutex_lock(&vq->mutex);
	list_for_each_entry(ring, &vq->rings, node)
		if (model_covers(&ring->sub, access->addr))
			found = ring;
	mutex_unlock(&vq->mutex);
	if (!found)
		return -EFAULT;
	if (ring_touch(found, access))
		return 0;
	ring_map(found);
	return ring_touch(found, access) ? 0 : user_copy(access);
}

static int vq_add(struct model_file *file, struct model_range *range)
{
	struct vq *vq = container_of(file, struct vq, file);
	unsigned long nr_pages = range->length >> PAGE_SHIFT;
	struct ring *ring;
	int err;

	ring = kvzalloc(struct_size(ring, pages, nr_pages), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return -ENOMEM;
	ring->vq = vq;
	ring->nr_pages = nr_pages;
	mutex_init(&ring->map_mutex);
	spin_lock_init(&ring->lock);
	err = pinwatch_interval_notifier_insert(&ring->sub, file->mm, range->addr,
						range->length, &ring_ops);
	if (err) {
		kvfree(ring);
		return err;
	}
	mutex_lock(&vq->mutex);
	list_add(&ring->node, &vq->rings);
	mutex_unlock(&vq->mutex);
	return 0;
}

static int vq_open(struct model_file *file)
{
	struct vq *vq = container_of(file, struct vq, file);

	mutex_init(&vq->mutex);
	INIT_LIST_HEAD(&vq->rings);
	return 0;
}

/* The map ends before remove(): until then, a callback keeps its pages valid. */
static void vq_close(struct model_file *file)
{
	struct vq *vq = container_of(file, struct vq, file);
	struct ring *ring, *next;

	list_for_each_entry_safe(ring, next, &vq->rings, node) {
		spin_lock(&ring->lock);
		if (ring->mapped)
			ring_unmap(ring);
		spin_unlock(&ring->lock);
		pinwatch_interval_notifier_remove(&ring->sub);
		kvfree(ring);
	}
}

static struct model vhost_model = {
	.name = "pinwatch_vhost_meta",
	.owner = THIS_MODULE,
	.size = sizeof(struct vq),
	.open = vq_open,
	.close = vq_close,
	.add = vq_add,
	.access = vq_access,
};

module_model(vhost_model);

MODULE_DESCRIPTION("Model of the accelerated metadata of vhost");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
