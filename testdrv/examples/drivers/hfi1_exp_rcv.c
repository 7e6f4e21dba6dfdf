// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of hfi1's expected receive (drivers/infiniband/hw/hfi1/user_exp_rcv.c)
 *
 * The pattern: long-term pins, and a device that is programmed once. A buffer becomes one
 * entry (TID) for each page; the real driver makes one for each run of contiguous pages. An
 * invalidation ends a TID for good: the device refuses the page, and the program reads the
 * id and adds the page again.
 * A cover of the whole buffer, subscribed before the pages are pinned, tells whether an
 * invalidation collided with the setup. From its own subscription on, a TID notices.
 *
 * Invariant: after munmap() the device cannot use a TID of the range, and the program reads
 * the id of each exactly once. Then the page is unpinned.
 *
 * What the real driver does not do: it acts on UNMAP alone, so after MADV_DONTNEED or a
 * punched hole the device writes to pages that the process has lost. The model acts on
 * CLEAR too. The real callback takes a mutex even for the OOM reaper, and unpins pages. The
 * model's callback takes a spinlock, and pages are unpinned outside.
 */
#include <linux/list.h>
#include <linux/slab.h>
#include "model.h"

enum tid_state {
	TID_NEW,
	TID_PROGRAMMED,		/* the device may use the page */
	TID_INVALID,
};

/* A page; or the cover, which has no page. */
struct tid {
	struct pinwatch_interval_notifier sub;
	struct exp_rcv *rcv;
	struct page *page;		/* pinned */
	enum tid_state state;		/* under rcv->lock, like node */
	struct list_head node;		/* by state: in a list of a setup, tids, invalid */
	u32 id;
};

struct exp_rcv {
	struct model_file file;
	spinlock_t lock;		/* the callbacks take it */
	struct list_head tids;
	struct list_head invalid;	/* the program has not read the id yet */
	atomic_t next_id;
};

static bool tid_invalidate(struct pinwatch_interval_notifier *sub,
			   const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct tid *tid = container_of(sub, struct tid, sub);
	struct exp_rcv *rcv = tid->rcv;

	spin_lock(&rcv->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	if (tid->state == TID_PROGRAMMED) {
		list_move_tail(&tid->node, &rcv->invalid);
		atomic_long_inc(&rcv->file.nr_invalidated);
	}
	tid->state = TID_INVALID;
	spin_unlock(&rcv->lock);
	return true;
}

/* A pinned page stays where it is, unless the mapping loses it: UNMAP and CLEAR. */
static const struct pinwatch_interval_notifier_ops tid_ops = {
	.invalidate = tid_invalidate,
	.ignore_events = BIT(MMU_NOTIFY_PROTECTION_VMA) | BIT(MMU_NOTIFY_PROTECTION_PAGE) |
			 BIT(MMU_NOTIFY_SOFT_DIRTY) | BIT(MMU_NOTIFY_MIGRATE),
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

/* Caller has made @tid unreachable for the device. remove() waits for a callback. */
static void tid_free(struct tid *tid)
{
	pinwatch_interval_notifier_remove(&tid->sub);
	model_unpin(&tid->rcv->file, &tid->page, 1);
	kfree(tid);
}

static void tids_free(struct list_head *tids)
{
	struct tid *tid, *next;

	list_for_each_entry_safe(tid, next, tids, node)
		tid_free(tid);
}

/* On success, the pin of @page belongs to the new TID. */
static int tid_make(struct exp_rcv *rcv, unsigned long addr, struct page *page,
		    struct list_head *tids)
{
	struct tid *tid = kzalloc(sizeof(*tid), GFP_KERNEL);
	int err;

	if (!tid)
		return -ENOMEM;
	tid->rcv = rcv;
	tid->page = page;
	tid->id = atomic_inc_return(&rcv->next_id);
	err = pinwatch_interval_notifier_insert(&tid->sub, rcv->file.mm, addr, PAGE_SIZE,
						&tid_ops);
	if (err) {
		kfree(tid);
		return err;
	}
	list_add_tail(&tid->node, tids);
	return 0;
}

/*
 * An invalidation that started after read_begin(), and before a TID was subscribed, has
 * called the cover. A later one calls the TID, maybe before it calls the cover.
 */
static int tids_program(struct exp_rcv *rcv, struct tid *cover, unsigned long seq,
			struct list_head *tids)
{
	struct tid *tid;
	bool retry;

	spin_lock(&rcv->lock);
	retry = pinwatch_interval_read_retry(&cover->sub, seq);
	list_for_each_entry(tid, tids, node)
		retry = retry || tid->state == TID_INVALID;
	if (!retry) {
		list_for_each_entry(tid, tids, node)
			tid->state = TID_PROGRAMMED;
		list_splice_tail_init(tids, &rcv->tids);
	}
	spin_unlock(&rcv->lock);
	return retry ? -EAGAIN : 0;
}

/* A collision is returned to the program, as in the real driver. */
static int buffer_setup(struct exp_rcv *rcv, struct tid *cover, struct page **pages,
			unsigned long addr, unsigned long nr_pages)
{
	LIST_HEAD(tids);
	unsigned long seq, i;
	int err;

	err = pinwatch_interval_read_begin_killable(&cover->sub, &seq);
	if (!err)
		err = model_pin(&rcv->file, addr, nr_pages, pages);
	if (err)
		return err;
	for (i = 0; i < nr_pages && !err; i++)
		err = tid_make(rcv, addr + (i << PAGE_SHIFT), pages[i], &tids);
	if (err)	/* no TID owns the last page */
		model_unpin(&rcv->file, pages + i - 1, nr_pages - i + 1);
	else
		err = tids_program(rcv, cover, seq, &tids);
	tids_free(&tids);
	return err;
}

static int exp_rcv_add(struct model_file *file, struct model_range *range)
{
	struct exp_rcv *rcv = container_of(file, struct exp_rcv, file);
	struct tid cover = { .rcv = rcv };
	unsigned long nr_pages = range->length >> PAGE_SHIFT;
	struct page **pages = kvmalloc_array(nr_pages, sizeof(*pages), GFP_KERNEL);
	int err = -ENOMEM;

	if (pages)
		err = pinwatch_interval_notifier_insert(&cover.sub, file->mm, range->addr,
							range->length, &tid_ops);
	if (!err) {
		err = buffer_setup(rcv, &cover, pages, range->addr, nr_pages);
		pinwatch_interval_notifier_remove(&cover.sub);
	}
	kvfree(pages);
	return err;
}

static int exp_rcv_next(struct model_file *file, u32 *id)
{
	struct exp_rcv *rcv = container_of(file, struct exp_rcv, file);
	struct tid *tid;

	spin_lock(&rcv->lock);
	tid = list_first_entry_or_null(&rcv->invalid, struct tid, node);
	if (tid)
		list_del(&tid->node);
	spin_unlock(&rcv->lock);
	if (!tid)
		return -ENODATA;
	*id = tid->id;
	tid_free(tid);
	return 0;
}

static int exp_rcv_access(struct model_file *file, struct model_access *access)
{
	struct exp_rcv *rcv = container_of(file, struct exp_rcv, file);
	struct tid *tid;
	int ret = -EFAULT;

	spin_lock(&rcv->lock);
	list_for_each_entry(tid, &rcv->tids, node) {
		if (!model_covers(&tid->sub, access->addr))
			continue;
		model_touch(tid->page, access);
		ret = 0;
		break;
	}
	spin_unlock(&rcv->lock);
	return ret;
}

static int exp_rcv_open(struct model_file *file)
{
	struct exp_rcv *rcv = container_of(file, struct exp_rcv, file);

	spin_lock_init(&rcv->lock);
	INIT_LIST_HEAD(&rcv->tids);
	INIT_LIST_HEAD(&rcv->invalid);
	return 0;
}

/* A callback moves a TID between the lists until remove() has returned. */
static void exp_rcv_close(struct model_file *file)
{
	struct exp_rcv *rcv = container_of(file, struct exp_rcv, file);
	struct tid *tid;

	spin_lock(&rcv->lock);
	list_for_each_entry(tid, &rcv->tids, node)
		tid->state = TID_INVALID;
	list_splice_tail_init(&rcv->tids, &rcv->invalid);
	spin_unlock(&rcv->lock);
	tids_free(&rcv->invalid);
}

static struct model exp_rcv_model = {
	.name = "pinwatch_hfi1_exp_rcv",
	.owner = THIS_MODULE,
	.size = sizeof(struct exp_rcv),
	.open = exp_rcv_open,
	.close = exp_rcv_close,
	.add = exp_rcv_add,
	.next = exp_rcv_next,
	.access = exp_rcv_access,
};

module_model(exp_rcv_model);

MODULE_DESCRIPTION("Model of the expected receive of hfi1");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
