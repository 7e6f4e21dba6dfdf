// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generations: pages that user space maps read-only
 */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "generation.h"
#include "limits.h"

#define GENS_PER_PAGE	(PAGE_SIZE / sizeof(struct pinwatch_gen))

/**
 * struct pw_generation_set - the generations of one file
 * @ref: Held by the device file, and by the anonymous file of each mapping.
 * @mapping: All mappings of the set. The page cache of @mapping stays empty.
 * @lock: Protects the allocation of pages, and the page table entries of the mappings: an
 *	entry is established under @lock, and removed when the page that it maps is replaced.
 *	Taken inside the mmap lock.
 * @nr_pages: Length of @pages; constant.
 * @pages: The first one is constant. Each other is NULL until an id of the page is used; set
 *	once, then constant. page_private() is the charged user, with a reference; 0 for
 *	the first page, for which no user is charged.
 */
struct pw_generation_set {
	struct kref ref;
	struct address_space mapping;
	struct mutex lock;	/* allocation of pages, page table entries */
	unsigned long nr_pages;
	struct page *pages[];
};

/* Return: the first page of a set, with the word of the file; NULL. */
static struct page *file_page_alloc(void)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	struct pw_generation_file *words;

	if (!page)
		return NULL;
	set_page_private(page, 0);
	words = page_address(page);
	atomic64_set(&words[PW_GENERATION_FILE_ID].generation, 1);
	atomic_set(&words[PW_GENERATION_FILE_ID].generation32, 1);
	return page;
}

struct pw_generation_set *pw_generation_alloc(unsigned int nr)
{
	unsigned long nr_pages = DIV_ROUND_UP(nr, GENS_PER_PAGE);
	struct pw_generation_set *set;

	set = kvzalloc(struct_size(set, pages, nr_pages), GFP_KERNEL_ACCOUNT);
	if (!set)
		return NULL;
	kref_init(&set->ref);
	address_space_init_once(&set->mapping);
	mutex_init(&set->lock);
	set->nr_pages = nr_pages;
	set->pages[0] = file_page_alloc();
	if (set->pages[0])
		return set;
	kvfree(set);
	return NULL;
}

/* Charge the user of current. Return: the user, with a reference, or an ERR_PTR. */
static struct pw_user *page_charge(void)
{
	struct pw_user *user = pw_limits_get_user(current_cred());

	if (!user)
		return ERR_PTR(-ENOMEM);
	if (!pw_limits_charge_page(user))
		return user;
	pw_limits_put_user(user);
	return ERR_PTR(-EDQUOT);
}

static void page_uncharge(struct pw_user *user)
{
	if (!user)
		return;
	pw_limits_uncharge_pages(user, 1);
	pw_limits_put_user(user);
}

/* User space cannot take references to the page: see pw_generation_mmap(). */
static void page_free(struct page *page)
{
	struct pw_user *user = (struct pw_user *)page_private(page);

	set_page_private(page, 0);
	__free_page(page);
	page_uncharge(user);
}

static void set_free(struct kref *ref)
{
	struct pw_generation_set *set = container_of(ref, struct pw_generation_set, ref);
	unsigned long i;

	for (i = 0; i < set->nr_pages; i++)
		if (set->pages[i])
			page_free(set->pages[i]);
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

u32 pw_generation_nr(const struct pw_generation_set *set)
{
	return set->nr_pages * GENS_PER_PAGE;
}

struct pw_generation_file *pw_generation_of_file(const struct pw_generation_set *set)
{
	struct pw_generation_file *words = page_address(set->pages[0]);

	return words + PW_GENERATION_FILE_ID;
}

/*
 * Caller holds @lock. Otherwise a fault could establish an entry for the zero page after
 * unmap_mapping_range(), and the mapping would show 0 for ever.
 */
static struct page *set_make_page(struct pw_generation_set *set, unsigned long index)
{
	struct pw_user *user;
	struct page *page;

	lockdep_assert_held(&set->lock);
	user = page_charge();
	if (IS_ERR(user))
		return ERR_CAST(user);
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page) {
		page_uncharge(user);
		return ERR_PTR(-ENOMEM);
	}
	set_page_private(page, (unsigned long)user);
	/*
	 * First: another WATCH_ADD that sees the page may return, and then no mapping may
	 * show the zero page any more.
	 */
	unmap_mapping_range(&set->mapping, (loff_t)index << PAGE_SHIFT, PAGE_SIZE, 1);
	/*
	 * Pairs with the acquires in set_page() and set_find_page(): a task that sees the
	 * page must not see its memory before it was zeroed.
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

/* Return: the page, or NULL if no id of the page was used. */
static struct page *set_find_page(const struct pw_generation_set *set, unsigned long index)
{
	/* Pairs with the release in set_make_page(). */
	return smp_load_acquire(&set->pages[index]);
}

void pw_generation_copy(struct pw_generation_set *set, u32 id, struct pinwatch_gen *gen)
{
	struct page *page = set_find_page(set, id / GENS_PER_PAGE);
	struct pinwatch_gen *from;

	*gen = (struct pinwatch_gen){};
	if (!page)
		return;
	from = (struct pinwatch_gen *)page_address(page) + id % GENS_PER_PAGE;
	/*
	 * A caller that has copied the word of the file copies the words of watches next.
	 * Pairs with pw_generation_end(): these must not be older.
	 */
	gen->generation = smp_load_acquire(&from->generation);
	gen->generation32 = (u32)gen->generation;
}

/* A page without a used id reads as the zero page, which costs nothing. */
static vm_fault_t set_fault(struct vm_fault *vmf)
{
	struct pw_generation_set *set = vmf->vma->vm_file->private_data;
	struct page *page;
	vm_fault_t ret;

	if (vmf->pgoff >= set->nr_pages)
		return VM_FAULT_SIGBUS;
	mutex_lock(&set->lock);
	page = set->pages[vmf->pgoff] ?: ZERO_PAGE(vmf->address);
	ret = vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(page));
	mutex_unlock(&set->lock);
	return ret;
}

/* For debuggers, because get_user_pages() does not work on the mapping. */
static int set_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len,
		      int write)
{
	struct pw_generation_set *set = vma->vm_file->private_data;
	unsigned long index = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
	unsigned long offset = offset_in_page(addr);
	struct page *page;

	if (write || index >= set->nr_pages)
		return -EACCES;
	len = min_t(unsigned long, len, PAGE_SIZE - offset);
	page = set_find_page(set, index);
	if (page)
		memcpy(buf, page_address(page) + offset, len);
	else
		memset(buf, 0, len);
	return len;
}

static const struct vm_operations_struct set_vm_ops = {
	.fault = set_fault,
	.access = set_access,
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

/*
 * All anonymous files share one inode, and its address space has the mappings of other
 * drivers, too. So the files of a set have an address space of their own, in which
 * set_make_page() can remove the entries of a page. Every caller stores the same values.
 */
static void set_adopt(struct pw_generation_set *set, struct file *filp)
{
	struct inode *inode = file_inode(filp);

	WRITE_ONCE(set->mapping.host, inode);
	WRITE_ONCE(set->mapping.a_ops, inode->i_mapping->a_ops);
	filp->f_mapping = &set->mapping;
}

/*
 * VM_PFNMAP: the page table entries hold no reference, and user space cannot take one by
 * get_user_pages(). So a page is freed together with the set, and until then its user stays
 * charged; and no number of mappings can saturate the count of the zero page.
 */
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
	set_adopt(set, filp);
	vma_set_file(vma, filp);
	fput(filp);

	vm_flags_clear(vma, VM_MAYWRITE);
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	vma->vm_ops = &set_vm_ops;
	return 0;
}
