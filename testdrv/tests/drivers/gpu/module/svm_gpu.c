// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_gpu: a GPU in software on drm_gpusvm, as xe is one in hardware
 *
 * Each open file is a GPU that shares the address space of its opener. The page table are the
 * DMA addresses of drm_gpusvm's ranges, which are physical addresses here. ioctl(2) maps, read(2)
 * and write(2) at an address access memory through the mapping, and fail with ENXIO if a page is
 * not mapped. The GPU holds no reference to a page.
 */
#include <drm/drm_drv.h>
#include <drm/drm_gpusvm.h>
#include <drm/drm_pagemap.h>
#include <linux/device/faux.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "pages.h"
#include "svm_gpu.h"

/**
 * struct svm - an open file
 * @gpusvm: The ranges.
 * @lock: See below.
 */
struct svm {
	struct drm_gpusvm gpusvm;
	struct mutex lock;	/* protects the ranges; taken before the notifier lock */
};

struct svm_range {
	struct drm_gpusvm_range range;
	struct drm_gpusvm_pages pages;
};

static const unsigned long svm_chunks[] = { SZ_2M, SZ_64K, SZ_4K };

static struct faux_device *svm_faux;
static struct drm_device *svm_drm;

static struct svm_range *to_svm_range(struct drm_gpusvm_range *range)
{
	return container_of(range, struct svm_range, range);
}

static unsigned long range_pages(struct drm_gpusvm_range *range)
{
	return drm_gpusvm_range_size(range) >> PAGE_SHIFT;
}

static struct drm_gpusvm_range *svm_range_alloc(struct drm_gpusvm *gpusvm)
{
	struct svm_range *range = kzalloc(sizeof(*range), GFP_KERNEL);

	if (!range)
		return NULL;
	drm_gpusvm_init_pages(&range->pages, svm_drm);
	return &range->range;
}

/* The range is in no list: an invalidation does not find it. */
static void svm_range_free(struct drm_gpusvm_range *range)
{
	drm_gpusvm_free_pages(range->gpusvm, &to_svm_range(range)->pages, range_pages(range));
	kfree(to_svm_range(range));
}

/* Caller holds the notifier lock for writing. */
static void svm_invalidate(struct drm_gpusvm *gpusvm, struct drm_gpusvm_notifier *notifier,
			   const struct mmu_notifier_range *mmu_range)
{
	struct drm_gpusvm_ctx ctx = { .in_notifier = true };
	struct drm_gpusvm_range *range = NULL;

	drm_gpusvm_for_each_range(range, notifier, mmu_range->start, mmu_range->end) {
		struct drm_gpusvm_pages *pages = &to_svm_range(range)->pages;

		drm_gpusvm_unmap_pages(gpusvm, pages, range_pages(range), &ctx);
		if (mmu_range->event == MMU_NOTIFY_UNMAP)
			drm_gpusvm_range_set_unmapped(range, pages, 1, mmu_range);
	}
}

static const struct drm_gpusvm_ops svm_ops = {
	.range_alloc = svm_range_alloc,
	.range_free = svm_range_free,
	.invalidate = svm_invalidate,
};

static bool range_is_unmapped(struct drm_gpusvm_range *range)
{
	struct drm_gpusvm_range_flags flags = { .__flags = READ_ONCE(range->flags.__flags) };

	return flags.unmapped;
}

/* Remove the ranges that were unmapped. Caller holds svm->lock. */
static void svm_collect(struct svm *svm)
{
	struct drm_gpusvm_notifier *notifier, *next_notifier;
	struct drm_gpusvm_range *range, *next;

	drm_gpusvm_for_each_notifier_safe(notifier, next_notifier, &svm->gpusvm, 0, LONG_MAX) {
		drm_gpusvm_for_each_range_safe(range, next, notifier, 0, LONG_MAX) {
			if (range_is_unmapped(range))
				drm_gpusvm_range_remove(&svm->gpusvm, range);
		}
	}
}

/* Map the range at @addr, within the bounds. Returns its end, or -errno. */
static long svm_map_range(struct svm *svm, unsigned long addr, unsigned long start,
			  unsigned long end)
{
	struct drm_gpusvm_ctx ctx = { };
	struct drm_gpusvm_range *range;
	int ret;

	range = drm_gpusvm_range_find_or_insert(&svm->gpusvm, addr, start, end, &ctx);
	if (IS_ERR(range))
		return PTR_ERR(range);
	ret = drm_gpusvm_get_pages(&svm->gpusvm, &to_svm_range(range)->pages, svm->gpusvm.mm,
				   &range->notifier->notifier, drm_gpusvm_range_start(range),
				   drm_gpusvm_range_end(range), &ctx);
	return ret ?: drm_gpusvm_range_end(range);
}

static long svm_ioctl(struct file *file, unsigned int command, unsigned long arg)
{
	struct svm *svm = file->private_data;
	struct svm_gpu_map map;
	long addr, end;

	if (command != SVM_GPU_MAP)
		return -ENOTTY;
	if (copy_from_user(&map, (void __user *)arg, sizeof(map)))
		return -EFAULT;
	if (map.start >= TASK_SIZE || map.length > TASK_SIZE - map.start)
		return -EINVAL;
	end = map.start + map.length;
	mutex_lock(&svm->lock);
	svm_collect(svm);
	for (addr = map.start; addr >= 0 && addr < end;)
		addr = svm_map_range(svm, addr, map.start, end);
	mutex_unlock(&svm->lock);
	return min(addr, 0L);
}

/* The page at @pos in the mapping of the range, or NULL. Caller holds the notifier lock. */
static void *range_page(struct svm *svm, struct drm_gpusvm_range *range, u64 pos)
{
	struct drm_gpusvm_pages *pages = &to_svm_range(range)->pages;
	u64 start = drm_gpusvm_range_start(range);
	struct drm_pagemap_addr *addr;

	if (!drm_gpusvm_pages_valid(&svm->gpusvm, pages))
		return NULL;
	for (addr = pages->dma_addr; pos - start >= PAGE_SIZE << addr->order; addr++)
		start += PAGE_SIZE << addr->order;
	return phys_to_virt(addr->addr + (pos - start));
}

/* Caller holds svm->lock and the notifier lock. */
static void *svm_page(struct svm *svm, u64 pos)
{
	struct drm_gpusvm_notifier *notifier;
	struct drm_gpusvm_range *range;

	notifier = drm_gpusvm_notifier_find(&svm->gpusvm, pos, pos + 1);
	range = notifier ? drm_gpusvm_range_find(notifier, pos, pos + 1) : NULL;
	return range ? range_page(svm, range, pos) : NULL;
}

static int svm_copy(struct file *file, u64 pos, void *buffer, size_t length, bool write)
{
	struct svm *svm = file->private_data;
	void *page;

	mutex_lock(&svm->lock);
	drm_gpusvm_notifier_lock(&svm->gpusvm);
	page = svm_page(svm, pos);
	if (page)
		memcpy(write ? page : buffer, write ? buffer : page, length);
	drm_gpusvm_notifier_unlock(&svm->gpusvm);
	mutex_unlock(&svm->lock);
	return page ? 0 : -ENXIO;
}

static ssize_t svm_read(struct file *file, char __user *user, size_t length, loff_t *pos)
{
	return pages_transfer(file, user, length, *pos, false, svm_copy);
}

static ssize_t svm_write(struct file *file, const char __user *user, size_t length, loff_t *pos)
{
	return pages_transfer(file, (char __user *)user, length, *pos, true, svm_copy);
}

static int svm_open(struct inode *inode, struct file *file)
{
	struct svm *svm = kzalloc(sizeof(*svm), GFP_KERNEL);
	int ret;

	if (!svm)
		return -ENOMEM;
	mutex_init(&svm->lock);
	ret = drm_gpusvm_init(&svm->gpusvm, "svm_gpu", current->mm, 0, TASK_SIZE, SZ_512M, &svm_ops,
			      svm_chunks, ARRAY_SIZE(svm_chunks));
	if (ret)
		kfree(svm);
	else
		file->private_data = svm;
	return ret;
}

static int svm_release(struct inode *inode, struct file *file)
{
	struct svm *svm = file->private_data;

	drm_gpusvm_fini(&svm->gpusvm);
	kfree(svm);
	return 0;
}

static const struct file_operations svm_fops = {
	.owner = THIS_MODULE,
	.open = svm_open,
	.release = svm_release,
	.read = svm_read,
	.write = svm_write,
	.unlocked_ioctl = svm_ioctl,
};

static struct miscdevice svm_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "svm_gpu",
	.fops = &svm_fops,
	.mode = 0600,
};

static const struct drm_driver svm_driver = {
	.name = "svm_gpu",
	.desc = "GPU in software",
};

static int __init svm_init(void)
{
	int ret;

	svm_faux = faux_device_create("svm_gpu", NULL, NULL);
	if (!svm_faux)
		return -ENODEV;
	ret = dma_coerce_mask_and_coherent(&svm_faux->dev, DMA_BIT_MASK(64));
	if (ret)
		goto err_faux;
	svm_drm = drm_dev_alloc(&svm_driver, &svm_faux->dev);
	ret = PTR_ERR_OR_ZERO(svm_drm);
	if (ret)
		goto err_faux;
	ret = misc_register(&svm_device);
	if (!ret)
		return 0;
	drm_dev_put(svm_drm);
err_faux:
	faux_device_destroy(svm_faux);
	return ret;
}
module_init(svm_init);

static void __exit svm_exit(void)
{
	misc_deregister(&svm_device);
	drm_dev_put(svm_drm);
	faux_device_destroy(svm_faux);
}
module_exit(svm_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A GPU in software on drm_gpusvm, for tests");
