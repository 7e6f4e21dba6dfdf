// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generations: pages that user space maps read-only
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include "generation.h"
#include "limits.h"

#define GENS_PER_PAGE	(PAGE_SIZE / sizeof(struct pinwatch_gen))

/**
 * struct pw_generation_set - the generations of one file
 * @ref: Held by the device file, and by the anonymous file of each mapping.
 * @user: Charged for the pages; constant.
 * @lock: Protects @nr_made and the allocation of pages. Taken inside the mmap lock.
 * @nr_made: Number of allocated pages. @user was charged for all but the first.
 * @nr_pages: Length of @pages; constant.
 * @pages: NULL until first used or touched; set once, then constant.
 */
struct pw_generation_set {
	struct kref ref;
	struct pw_user *user;
	struct mutex lock;	/* allocation of pages */
	int nr_made;
	unsigned long nr_pages;
	struct page *pages[];
};

struct pw_generation_set *pw_generation_alloc(unsigned int nr, struct pw_user *user)
{
	unsigned long nr_pages = DIV_ROUND_UP(nr, GENS_PER_PAGE);
	struct pw_generation_set *set;

	set = kvzalloc(struct_size(set, pages, nr_pages), GFP_KERNEL_ACCOUNT);
	if (!set)
		return NULL;
	kref_init(&set->ref);
	mutex_init(&set->lock);
	set->nr_pages = nr_pages;
	set->user = user;
	pw_limits_hold_user(user);
	return set;
}

static void set_free(struct kref *ref)
{
	struct pw_generation_set *set = container_of(ref, struct pw_generation_set, ref);
	unsigned long i;

	for (i = 0; i < set->nr_pages; i++)
		if (set->pages[i])
			put_page(set->pages[i]);
	if (set->nr_made)
		pw_limits_uncharge_pages(set->user, set->nr_made - 1);
	pw_limits_put_user(set->user);
	kvfree(set);
}

void pw_generation_put(struct pw_generation_set *set)
{
	kref_put(&set->ref, set_free);
}

unsigned long pw_generation_size(const struct pw_generation_set *set)
{
	return set->nr_pages << PAGE_SHIFT;
}

/*
 * Caller holds @lock. Otherwise two threads that touch the free first page at once could
 * have the loser charged for the page, and refused.
 */
static struct page *set_make_page(struct pw_generation_set *set, unsigned long index)
{
	bool paid = set->nr_made;
	struct page *page;

	if (paid && pw_limits_charge_page(set->user))
		return ERR_PTR(-EDQUOT);
	page = alloc_page(PW_GFP_USER_MAPPED | __GFP_ZERO);
	if (!page) {
		if (paid)
			pw_limits_uncharge_pages(set->user, 1);
		return ERR_PTR(-ENOMEM);
	}
	set->nr_made++;
	/*
	 * Pairs with the acquires in set_page() and pw_generation_copy(): a task that
	 * sees the page must not see its memory before it was zeroed.
	 */
	smp_store_release(&set->pages[index], page);
	return page;
}

static struct page *set_page(struct pw_generation_set *set, unsigned long index)
{
	/* Pairs with the release in set_make_page(). */
	struct page *page = smp_load_acquire(&set->pages[index]);

	if (page)
		return page;
	mutex_lock(&set->lock);
	page = set->pages[index] ?: set_make_page(set, index);
	mutex_unlock(&set->lock);
	return page;
}

struct pinwatch_gen *pw_generation_slot(struct pw_generation_set *set, u32 id)
{
	struct page *page = set_page(set, id / GENS_PER_PAGE);
	struct pinwatch_gen *gens;

	if (IS_ERR(page))
		return ERR_CAST(page);
	gens = page_address(page);
	return gens + id % GENS_PER_PAGE;
}

void pw_generation_copy(struct pw_generation_set *set, u32 id, struct pinwatch_gen *gen)
{
	/* Pairs with the release in set_make_page(). */
	struct page *page = smp_load_acquire(&set->pages[id / GENS_PER_PAGE]);
	struct pinwatch_gen *from;

	*gen = (struct pinwatch_gen){};
	if (!page)
		return;
	from = (struct pinwatch_gen *)page_address(page) + id % GENS_PER_PAGE;
	gen->generation = READ_ONCE(from->generation);
	gen->generation32 = (u32)gen->generation;
}

static vm_fault_t set_fault(struct vm_fault *vmf)
{
	struct pw_generation_set *set = vmf->vma->vm_file->private_data;
	struct page *page;

	if (vmf->pgoff >= set->nr_pages)
		return VM_FAULT_SIGBUS;
	page = set_page(set, vmf->pgoff);
	if (IS_ERR(page))
		return page == ERR_PTR(-ENOMEM) ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct set_vm_ops = {
	.fault = set_fault,
};

static int set_release(struct inode *inode, struct file *filp)
{
	pw_generation_put(filp->private_data);
	return 0;
}

/* A mapping keeps the module loaded. */
static const struct file_operations set_fops = {
	.owner = THIS_MODULE,
	.release = set_release,
	.llseek = noop_llseek,
};

int pw_generation_mmap(struct pw_generation_set *set, struct vm_area_struct *vma)
{
	struct file *filp;

	/* VM_MAYSHARE: mmap() clears VM_SHARED if the file was opened read-only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	if (vma->vm_pgoff >= set->nr_pages ||
	    vma_pages(vma) > set->nr_pages - vma->vm_pgoff)
		return -EINVAL;

	kref_get(&set->ref);
	filp = anon_inode_getfile("[pinwatch]", &set_fops, set, O_RDONLY);
	if (IS_ERR(filp)) {
		pw_generation_put(set);
		return PTR_ERR(filp);
	}
	vma_set_file(vma, filp);
	fput(filp);

	vm_flags_clear(vma, VM_MAYWRITE);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	vma->vm_ops = &set_vm_ops;
	return 0;
}
