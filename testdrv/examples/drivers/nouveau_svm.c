// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Model of nouveau's shared virtual memory (drivers/gpu/drm/nouveau/nouveau_svm.c)
 *
 * The pattern: the device shares the whole address space. Nothing is registered: the device
 * faults, the fault takes one page without a pin, and an invalidation removes the entries of
 * its range. The same pattern serves on-demand paging of RDMA (umem_odp).
 *
 * Invariant: after an invalidation no entry of its range is left, or the entry is the page
 * that is mapped now. A fault waits for invalidations of its chunk only.
 *
 * What the real driver does not do: it has a classic notifier for the whole address space
 * and, for each fault, an interval that is inserted and removed. This is right only while
 * the kernel calls the interval before the classic notifier. The model has one subscription
 * for each chunk that has had a fault, which removes the entries and makes faults retry.
 *
 * The callback takes a mutex, so its ops do not have PINWATCH_OPS_NEVER_SLEEPS, and
 * pinwatch calls it on blockable ranges only. With ops->owner, pinwatch leaves out the
 * migrations that the driver starts itself with migrate_vma.pgmap_owner = svm.
 */
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include "model.h"

#define CHUNK_PAGES		64
#define CHUNK_SIZE		(CHUNK_PAGES * PAGE_SIZE)
#define MAX_FAULTS		100

struct chunk {
	struct pinwatch_interval_notifier sub;
	struct svm *svm;
	unsigned long entries[CHUNK_PAGES];	/* HMM_PFN_*, 0: none; under svm->lock */
};

struct svm {
	struct model_file file;
	struct mutex lock;		/* the callbacks take it; nothing allocates under it */
	struct mutex chunks_lock;	/* serialises the making of chunks */
	struct xarray chunks;		/* by address / CHUNK_SIZE; freed at close only */
	struct pinwatch_interval_notifier_ops ops;
};

static bool chunk_invalidate(struct pinwatch_interval_notifier *sub,
			     const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct chunk *chunk = container_of(sub, struct chunk, sub);
	unsigned long start = max(range->start, sub->interval_tree.start);
	unsigned long last = min(range->end - 1, sub->interval_tree.last);
	unsigned long i, end = (last - sub->interval_tree.start) >> PAGE_SHIFT;

	mutex_lock(&chunk->svm->lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	for (i = (start - sub->interval_tree.start) >> PAGE_SHIFT; i <= end; i++)
		chunk->entries[i] = 0;
	mutex_unlock(&chunk->svm->lock);
	atomic_long_inc(&chunk->svm->file.nr_invalidated);
	return true;
}

static struct chunk *chunk_make(struct svm *svm, unsigned long index)
{
	struct chunk *chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	int err;

	if (!chunk)
		return ERR_PTR(-ENOMEM);
	chunk->svm = svm;
	err = pinwatch_interval_notifier_insert(&chunk->sub, svm->file.mm, index * CHUNK_SIZE,
						CHUNK_SIZE, &svm->ops);
	if (err)
		goto err_free;
	err = xa_err(xa_store(&svm->chunks, index, chunk, GFP_KERNEL_ACCOUNT));
	if (err)
		goto err_remove;
	return chunk;

err_remove:
	pinwatch_interval_notifier_remove(&chunk->sub);
err_free:
	kfree(chunk);
	return ERR_PTR(err);
}

static struct chunk *chunk_get(struct svm *svm, unsigned long addr)
{
	unsigned long index = addr / CHUNK_SIZE;
	struct chunk *chunk = xa_load(&svm->chunks, index);

	if (chunk)
		return chunk;
	mutex_lock(&svm->chunks_lock);
	chunk = xa_load(&svm->chunks, index) ?: chunk_make(svm, index);
	mutex_unlock(&svm->chunks_lock);
	return chunk;
}

/* The section collided if this returns -EAGAIN: an entry may never be installed then. */
static int entry_install(struct chunk *chunk, const struct hmm_range *range)
{
	unsigned long i = (range->start - chunk->sub.interval_tree.start) >> PAGE_SHIFT;
	int ret = -EAGAIN;

	mutex_lock(&chunk->svm->lock);
	if (!pinwatch_interval_read_retry(&chunk->sub, range->notifier_seq)) {
		chunk->entries[i] = range->hmm_pfns[0];
		ret = 0;
	}
	mutex_unlock(&chunk->svm->lock);
	return ret;
}

static int chunk_fault(struct chunk *chunk, const struct model_access *access)
{
	bool write = access->flags & MODEL_ACCESS_WRITE;
	unsigned long pfn = 0;
	struct hmm_range range = {
		.notifier = &chunk->sub.mni,
		.start = access->addr & PAGE_MASK,
		.end = (access->addr & PAGE_MASK) + PAGE_SIZE,
		.hmm_pfns = &pfn,
		.default_flags = HMM_PFN_REQ_FAULT | (write ? HMM_PFN_REQ_WRITE : 0),
	};
	int err;

	atomic_long_inc(&chunk->svm->file.nr_taken);
	err = pinwatch_hmm_range_fault_unlocked_timeout(&range, HZ);
	return err ?: entry_install(chunk, &range);
}

/* The device uses an entry, or faults: -ENOENT. */
static int chunk_touch(struct chunk *chunk, struct model_access *access)
{
	unsigned long needs = access->flags & MODEL_ACCESS_WRITE ? HMM_PFN_WRITE : HMM_PFN_VALID;
	unsigned long i = (access->addr - chunk->sub.interval_tree.start) >> PAGE_SHIFT;
	int ret = -ENOENT;

	mutex_lock(&chunk->svm->lock);
	if (chunk->entries[i] & needs) {
		model_touch(hmm_pfn_to_page(chunk->entries[i]), access);
		ret = 0;
	}
	mutex_unlock(&chunk->svm->lock);
	return ret;
}

static int svm_access(struct model_file *file, struct model_access *access)
{
	struct svm *svm = container_of(file, struct svm, file);
	struct chunk *chunk = chunk_get(svm, access->addr);
	unsigned int i;
	int ret;

	if (IS_ERR(chunk))
		return PTR_ERR(chunk);
	for (i = 0; i < MAX_FAULTS; i++) {
		ret = chunk_touch(chunk, access);
		if (ret != -ENOENT)
			return ret;
		ret = chunk_fault(chunk, access);
		if (ret && ret != -EAGAIN && ret != -EBUSY)
			return ret;
	}
	return -EAGAIN;
}

static int svm_open(struct model_file *file)
{
	struct svm *svm = container_of(file, struct svm, file);

	mutex_init(&svm->lock);
	mutex_init(&svm->chunks_lock);
	xa_init(&svm->chunks);
	svm->ops.invalidate = chunk_invalidate;
	svm->ops.owner = svm;
	return 0;
}

static void svm_close(struct model_file *file)
{
	struct svm *svm = container_of(file, struct svm, file);
	struct chunk *chunk;
	unsigned long index;

	xa_for_each(&svm->chunks, index, chunk) {
		pinwatch_interval_notifier_remove(&chunk->sub);
		kfree(chunk);
	}
	xa_destroy(&svm->chunks);
}

static struct model svm_model = {
	.name = "pinwatch_nouveau_svm",
	.owner = THIS_MODULE,
	.size = sizeof(struct svm),
	.open = svm_open,
	.close = svm_close,
	.access = svm_access,
};

module_model(svm_model);

MODULE_DESCRIPTION("Model of the shared virtual memory of nouveau");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("Dual MIT/GPL");
