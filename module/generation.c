// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generations: pages shared with user space, read-only there
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
 * @ref: The device file, and each mapping's anonymous file.
 * @user: Constant.
 * @touch_lock: Inside the mmap lock. Protects @is_touched and @nr_charged.
 * @is_touched: A page was touched that no watch had used; that one is free.
 * @nr_charged: Pages that @user was charged for.
 * @nr_pages: Length of @pages; constant.
 * @pages: NULL until first used; set once, by cmpxchg, and then constant.
 */
struct pw_generation_set {
	struct kref ref;
	struct pw_user *user;
	struct mutex touch_lock;
	bool is_touched;
	int nr_charged;
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
	mutex_init(&set->touch_lock);
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
	pw_limits_uncharge_pages(set->user, set->nr_charged);
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
 * A thread that adds a watch and threads that fault may race for a page. @made: Out.
 * It is this caller's.
 */
static struct page *set_page(struct pw_generation_set *set, unsigned long index,
			     bool *made)
{
	struct page *page = READ_ONCE(set->pages[index]);
	struct page *old;

	*made = false;
	if (page)
		return page;
	page = alloc_page(PW_GFP_USER_MAPPED | __GFP_ZERO);
	if (!page)
		return NULL;
	old = cmpxchg(&set->pages[index], NULL, page);
	*made = !old;
	if (!old)
		return page;
	__free_page(page);
	return old;
}

struct pinwatch_gen *pw_generation_slot(struct pw_generation_set *set, u32 id)
{
	struct pinwatch_gen *gens;
	struct page *page;
	bool made;

	page = set_page(set, id / GENS_PER_PAGE, &made);
	if (!page)
		return NULL;
	gens = page_address(page);
	return gens + id % GENS_PER_PAGE;
}

void pw_generation_copy(struct pw_generation_set *set, u32 id, struct pinwatch_gen *gen)
{
	/* Pairs with the cmpxchg in set_page(). */
	struct page *page = smp_load_acquire(&set->pages[id / GENS_PER_PAGE]);
	struct pinwatch_gen *from;

	*gen = (struct pinwatch_gen){};
	if (!page)
		return;
	from = (struct pinwatch_gen *)page_address(page) + id % GENS_PER_PAGE;
	gen->generation = READ_ONCE(from->generation);
	gen->generation32 = (u32)gen->generation;
}

/*
 * No watch has used it: it is paid for, and stays so when one does. Under @touch_lock,
 * or who comes second to the free page would be refused it.
 */
static vm_fault_t set_touch(struct pw_generation_set *set, unsigned long index)
{
	bool paid = set->is_touched;
	struct page *page;
	bool made;

	if (READ_ONCE(set->pages[index]))
		return 0;
	/* A watch may have used it by now. */
	if (paid && pw_limits_charge_page(set->user))
		return READ_ONCE(set->pages[index]) ? 0 : VM_FAULT_SIGBUS;
	page = set_page(set, index, &made);
	if (made)
		set->is_touched = true;
	if (paid && made)
		set->nr_charged++;
	else if (paid)
		pw_limits_uncharge_pages(set->user, 1);
	return page ? 0 : VM_FAULT_OOM;
}

static vm_fault_t set_fault(struct vm_fault *vmf)
{
	struct pw_generation_set *set = vmf->vma->vm_file->private_data;
	vm_fault_t ret = 0;

	if (vmf->pgoff >= set->nr_pages)
		return VM_FAULT_SIGBUS;
	if (!READ_ONCE(set->pages[vmf->pgoff])) {
		mutex_lock(&set->touch_lock);
		ret = set_touch(set, vmf->pgoff);
		mutex_unlock(&set->touch_lock);
	}
	if (ret)
		return ret;
	/* As in pw_generation_copy(). */
	vmf->page = smp_load_acquire(&set->pages[vmf->pgoff]);
	get_page(vmf->page);
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

/* Holds the module for as long as a mapping is there. */
static const struct file_operations set_fops = {
	.owner = THIS_MODULE,
	.release = set_release,
	.llseek = noop_llseek,
};

int pw_generation_mmap(struct pw_generation_set *set, struct vm_area_struct *vma)
{
	struct file *filp;

	/* A file opened read-only loses VM_SHARED on the way here. */
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
