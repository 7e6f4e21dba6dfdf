// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of xe's userptr with two passes (drivers/gpu/drm/xe/xe_userptr.c, 7.3)
 *
 * The pattern: the device caches entries in a TLB, and a flush of the TLB takes long: the
 * first pass starts the flush, the second waits for its end.
 *
 * Invariant: after the invalidation no TLB has an entry of the range, and an invalidation of
 * N VMAs takes the time of one flush, not of N.
 *
 * What the real driver does not do: of two invalidations at once, it does the later one in
 * one pass. The callbacks sleep: without PINWATCH_OPS_NEVER_SLEEPS, pinwatch calls them on
 * blockable ranges only.
 */
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "model.h"

#define FLUSH_MS	20
#define MAX_BINDS	100

struct vma {
	struct pinwatch_interval_notifier sub;
	struct vm *vm;
	struct mutex bind_mutex;	/* while pages are taken; not in the callbacks */
	spinlock_t lock;		/* the callbacks take it */
	bool tlb_valid;			/* written under lock; only a bind sets it */
	struct delayed_work flush_work;
	struct wait_queue_head flushed;
	struct list_head node;
	unsigned long pfns[];		/* of hmm_range_fault(); the device's while tlb_valid */
};

struct vm {
	struct model_file file;
	struct mutex mutex;		/* protects vmas */
	struct list_head vmas;		/* freed at close only */
	struct workqueue_struct *flush_wq;	/* reclaim may wait for a flush */
};

struct second_pass {
	struct pinwatch_interval_notifier_finish finish;
	struct vma *vma;
};

/* The device has flushed its TLB. */
static void flush_worker(struct work_struct *work)
{
	struct vma *vma = container_of(to_delayed_work(work), struct vma, flush_work);

	spin_lock(&vma->lock);
	WRITE_ONCE(vma->tlb_valid, false);	/* pairs with flush_wait() */
	spin_unlock(&vma->lock);
	wake_up_all(&vma->flushed);
}

/* No bind can come between: its read_begin() waits until this invalidation has ended. */
static void flush_wait(struct vma *vma)
{
	wait_event(vma->flushed, !READ_ONCE(vma->tlb_valid));
}

/* A flush that is pending already serves this invalidation, too. */
static bool vma_invalidate_start(struct pinwatch_interval_notifier *sub,
				 const struct mmu_notifier_range *range,
				 unsigned long cur_seq,
				 struct pinwatch_interval_notifier_finish **finish)
{
	struct vma *vma = container_of(sub, struct vma, sub);
	struct second_pass *pass;
	bool flush;

	spin_lock(&vma->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	flush = vma->tlb_valid;
	if (flush)
		queue_delayed_work(vma->vm->flush_wq, &vma->flush_work,
				   msecs_to_jiffies(FLUSH_MS));
	spin_unlock(&vma->lock);
	if (!flush)
		return true;
	atomic_long_inc(&vma->vm->file.nr_invalidated);
	pass = kmalloc(sizeof(*pass), GFP_NOWAIT | __GFP_NOMEMALLOC | __GFP_NOWARN);
	if (!pass) {
		flush_wait(vma);
		return true;
	}
	pass->vma = vma;
	*finish = &pass->finish;
	return true;
}

static void vma_invalidate_finish(struct pinwatch_interval_notifier_finish *finish)
{
	struct second_pass *pass = container_of(finish, struct second_pass, finish);

	flush_wait(pass->vma);
	kfree(pass);
}

static const struct pinwatch_interval_notifier_ops vma_ops = {
	.invalidate_start = vma_invalidate_start,
	.invalidate_finish = vma_invalidate_finish,
};

/* False: the device has no entries, and the VMA has to be bound. */
static bool vma_touch(struct vma *vma, struct model_access *access)
{
	unsigned long offset = access->addr - vma->sub.interval_tree.start;
	bool valid;

	spin_lock(&vma->lock);
	valid = vma->tlb_valid;
	if (valid)
		model_touch(hmm_pfn_to_page(vma->pfns[offset >> PAGE_SHIFT]), access);
	spin_unlock(&vma->lock);
	return valid;
}

static int vma_fault(struct vma *vma)
{
	struct hmm_range range = {
		.notifier = &vma->sub.mni,
		.start = vma->sub.interval_tree.start,
		.end = vma->sub.interval_tree.last + 1,
		.hmm_pfns = vma->pfns,
		.default_flags = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE,
	};
	int err;

	atomic_long_inc(&vma->vm->file.nr_taken);
	err = pinwatch_hmm_range_fault_unlocked_timeout(&range, HZ);
	if (err)
		return err;
	spin_lock(&vma->lock);
	if (pinwatch_interval_read_retry(&vma->sub, range.notifier_seq))
		err = -EAGAIN;
	else
		WRITE_ONCE(vma->tlb_valid, true);
	spin_unlock(&vma->lock);
	return err;
}

static int vma_bind(struct vma *vma)
{
	int err;

	mutex_lock(&vma->bind_mutex);
	err = READ_ONCE(vma->tlb_valid) ? 0 : vma_fault(vma);
	mutex_unlock(&vma->bind_mutex);
	return err;
}

static int vma_access(struct vma *vma, struct model_access *access)
{
	unsigned int i;
	int err;

	for (i = 0; i < MAX_BINDS; i++) {
		if (vma_touch(vma, access))
			return 0;
		err = vma_bind(vma);
		if (err && err != -EAGAIN && err != -EBUSY)
			return err;
	}
	return -EAGAIN;
}

static int vm_access(struct model_file *file, struct model_access *access)
{
	struct vm *vm = container_of(file, struct vm, file);
	struct vma *vma, *found = NULL;

	mutex_lock(&vm->mutex);
	list_for_each_entry(vma, &vm->vmas, node)
		if (model_covers(&vma->sub, access->addr))
			found = vma;
	mutex_unlock(&vm->mutex);
	return found ? vma_access(found, access) : -EFAULT;
}

static int vm_add(struct model_file *file, struct model_range *range)
{
	struct vm *vm = container_of(file, struct vm, file);
	struct vma *vma;
	int err;

	vma = kvzalloc(struct_size(vma, pfns, range->length >> PAGE_SHIFT), GFP_KERNEL_ACCOUNT);
	if (!vma)
		return -ENOMEM;
	vma->vm = vm;
	mutex_init(&vma->bind_mutex);
	spin_lock_init(&vma->lock);
	INIT_DELAYED_WORK(&vma->flush_work, flush_worker);
	init_waitqueue_head(&vma->flushed);
	err = pinwatch_interval_notifier_insert(&vma->sub, file->mm, range->addr,
						range->length, &vma_ops);
	if (err) {
		kvfree(vma);
		return err;
	}
	vma_bind(vma);	/* if this fails, the first access binds */
	mutex_lock(&vm->mutex);
	list_add(&vma->node, &vm->vmas);
	mutex_unlock(&vm->mutex);
	return 0;
}

static int vm_open(struct model_file *file)
{
	struct vm *vm = container_of(file, struct vm, file);

	mutex_init(&vm->mutex);
	INIT_LIST_HEAD(&vm->vmas);
	vm->flush_wq = alloc_workqueue("pinwatch_xe", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return vm->flush_wq ? 0 : -ENOMEM;
}

static void vm_close(struct model_file *file)
{
	struct vm *vm = container_of(file, struct vm, file);
	struct vma *vma, *next;

	list_for_each_entry_safe(vma, next, &vm->vmas, node) {
		pinwatch_interval_notifier_remove(&vma->sub);
		cancel_delayed_work_sync(&vma->flush_work);
		kvfree(vma);
	}
	destroy_workqueue(vm->flush_wq);
}

static struct model xe_model = {
	.name = "pinwatch_xe_userptr",
	.owner = THIS_MODULE,
	.size = sizeof(struct vm),
	.open = vm_open,
	.close = vm_close,
	.add = vm_add,
	.access = vm_access,
};

module_model(xe_model);

MODULE_DESCRIPTION("Model of the userptr of xe, with two passes");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
