// SPDX-License-Identifier: GPL-2.0-only
/*
 * VERIFY: compare a snapshot of the page tables with the pinned pages
 *
 * hmm_range_fault() without a request faults no page in. A VERIFY is one read section of
 * the watch's own subscription, and repeats if an invalidation collides. It holds
 * pw_watch.op_lock, so that only the reaper can detach the pin, and mm_users, so that
 * the reaper does not.
 *
 * For WATCH_REPIN, pw_verify_pin() compares in the same way within a read section of its
 * caller, and faults pages in.
 */
#include <linux/hmm.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/pinwatch.h>
#include "core/core.h"
#include "file.h"
#include "generation.h"
#include "verify.h"
#include "watch.h"

#define CHUNK			256UL	/* pages per snapshot */
#define VERIFY_MIN_TRIES	8
#define VERIFY_TIMEOUT		HZ

/**
 * struct verify - a VERIFY in progress
 * @watch: The watch, with op_lock held.
 * @mm: The address space of the watch.
 * @first: Index of the first page to verify, from the start of the watch.
 * @nr: Number of pages to verify, not 0.
 * @seq: The value of the read section.
 * @pages: The pinned pages; NULL without a pin.
 * @write: The pages are pinned for writing.
 * @hit: The watch was hit since valid_generation. Used if there is no pin.
 * @pfns: The snapshot of CHUNK pages.
 * @verdicts: One PINWATCH_VERDICT_* for each page.
 */
struct verify {
	struct pw_watch *watch;
	struct mm_struct *mm;
	unsigned long first;
	unsigned long nr;
	unsigned long seq;
	struct page **pages;
	bool write;
	bool hit;
	unsigned long *pfns;
	u8 *verdicts;
};

/* The verdict on page @index of the watch, if @pfn is mapped there */
static u8 verdict_mapped(const struct verify *v, unsigned long index, unsigned long pfn)
{
	if (!v->pages)
		return v->hit ? PINWATCH_VERDICT_UNKNOWN : PINWATCH_VERDICT_SAME;
	if (hmm_pfn_to_page(pfn) != v->pages[index])
		return PINWATCH_VERDICT_MOVED;
	return v->write && !(pfn & HMM_PFN_WRITE) ? PINWATCH_VERDICT_READ_ONLY :
						    PINWATCH_VERDICT_SAME;
}

/*
 * No page is mapped at @addr. Tell apart: no VMA, an unreadable VMA, a page that is
 * merely not present.
 */
static u8 verdict_unmapped(const struct vm_area_struct *vma, unsigned long addr,
			   unsigned long pfn)
{
	if (!vma || addr < vma->vm_start)
		return PINWATCH_VERDICT_GONE;
	if (pfn & HMM_PFN_ERROR || !(vma->vm_flags & VM_READ))
		return PINWATCH_VERDICT_UNKNOWN;
	return PINWATCH_VERDICT_NOT_PRESENT;
}

/* Caller holds the mmap lock. */
static void snapshot_verdicts(struct verify *v, unsigned long page, unsigned long nr,
			      unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(v->mm, addr);
	unsigned long i;

	for (i = 0; i < nr; i++, addr += PAGE_SIZE) {
		/* @vma is the first VMA that ends above @addr. */
		if (vma && addr >= vma->vm_end)
			vma = find_vma(v->mm, addr);
		v->verdicts[page - v->first + i] = v->pfns[i] & HMM_PFN_VALID ?
			verdict_mapped(v, page + i, v->pfns[i]) :
			verdict_unmapped(vma, addr, v->pfns[i]);
	}
}

static int snapshot_locked(struct verify *v, unsigned long page, unsigned long nr)
{
	unsigned long start = v->watch->sub.interval_tree.start + (page << PAGE_SHIFT);
	struct hmm_range range = {
		.notifier = &v->watch->sub.mni,
		.notifier_seq = v->seq,
		.start = start,
		.end = start + (nr << PAGE_SHIFT),
		.hmm_pfns = v->pfns,
	};
	int err;

	mmap_assert_locked(v->mm);
	memset(v->pfns, 0, nr * sizeof(*v->pfns));
	err = hmm_range_fault(&range);
	if (err)
		return err == -EBUSY ? -EAGAIN : err;
	snapshot_verdicts(v, page, nr, start);
	return 0;
}

static int snapshot(struct verify *v, unsigned long page, unsigned long nr)
{
	int err;

	if (mmap_read_lock_killable(v->mm))
		return -EINTR;
	err = snapshot_locked(v, page, nr);
	mmap_read_unlock(v->mm);
	return err;
}

/* Begin a read section. Return: -ESRCH if the address space is gone. */
static int verify_begin(struct verify *v)
{
	struct pw_watch *watch = v->watch;
	int err = 0;

	spin_lock(&watch->lock);
	if (watch->state == PW_WATCH_DEAD)
		err = -ESRCH;
	else if (watch->state != PW_WATCH_ACTIVE)
		err = -ENOENT;
	v->pages = watch->pin.pages;
	v->write = watch->pin.write;
	v->hit = pw_generation_read(watch->gen) != watch->valid_generation;
	spin_unlock(&watch->lock);
	return err ? : pinwatch_interval_read_begin_killable(&watch->sub, &v->seq);
}

/* End the section. Return: -EAGAIN if a hit came during it or in verify_begin(). */
static int verify_end(struct verify *v, u64 *generation)
{
	struct pw_watch *watch = v->watch;
	int err = 0;
	bool hit;

	spin_lock(&watch->lock);
	*generation = pw_generation_read(watch->gen);
	hit = *generation != watch->valid_generation;
	if (hit != v->hit || pinwatch_interval_read_retry(&watch->sub, v->seq))
		err = -EAGAIN;
	spin_unlock(&watch->lock);
	return err;
}

/* Caller holds mm_users: no release runs, so the reaper does not detach the pin. */
static int verify_once(struct verify *v, u64 *generation)
{
	unsigned long page, nr;
	int err = verify_begin(v);

	for (page = v->first; !err && page < v->first + v->nr; page += nr) {
		nr = min(v->first + v->nr - page, CHUNK);
		err = fatal_signal_pending(current) ? -EINTR : snapshot(v, page, nr);
		cond_resched();
	}
	return err ? : verify_end(v, generation);
}

static int verify_live(struct verify *v, u64 *generation)
{
	unsigned long deadline = jiffies + VERIFY_TIMEOUT;
	int err, tries = 0;

	do {
		err = verify_once(v, generation);
		if (fatal_signal_pending(current))
			return -EINTR;
	} while (err == -EAGAIN &&
		 (++tries < VERIFY_MIN_TRIES || time_before(jiffies, deadline)));
	return err;
}

/* The address space is gone: so is each page. */
static int verify_gone(struct verify *v, u64 *generation)
{
	struct pw_watch *watch = v->watch;
	int err = 0;

	memset(v->verdicts, PINWATCH_VERDICT_GONE, v->nr);
	spin_lock(&watch->lock);
	if (watch->state != PW_WATCH_ACTIVE && watch->state != PW_WATCH_DEAD)
		err = -ENOENT;
	*generation = pw_generation_read(watch->gen);
	spin_unlock(&watch->lock);
	return err;
}

/*
 * Return: 0 if @watch is subscribed, and then op_lock keeps the subscription; -ENOENT.
 * Caller holds op_lock.
 */
static int verify_subscribed(struct pw_watch *watch)
{
	int err;

	spin_lock(&watch->lock);
	err = watch->state == PW_WATCH_ACTIVE || watch->state == PW_WATCH_DEAD ? 0 : -ENOENT;
	spin_unlock(&watch->lock);
	return err;
}

/*
 * Hold mm_users, but not against the exit of the process: VERIFYs that follow each other
 * must not keep the memory of a dead process. @last: Out. The caller has to call mmput().
 */
static int verify_locked(struct verify *v, u64 *generation, bool *last)
{
	struct pw_mm *pm = v->watch->sub.pm;
	int err = verify_subscribed(v->watch);

	if (err)
		return err;
	if (!pw_mm_hold_users(pm))
		return verify_gone(v, generation);
	err = verify_live(v, generation);
	if (err == -ESRCH)
		err = verify_gone(v, generation);
	*last = pw_mm_drop_users(pm);
	return err;
}

static int verify_run(struct verify *v, u64 *generation)
{
	bool last = false;
	int err;

	if (mutex_lock_killable(&v->watch->op_lock))
		return -EINTR;
	err = verify_locked(v, generation, &last);
	mutex_unlock(&v->watch->op_lock);
	/* Without op_lock: the last mmput() runs release, which calls the subscription. */
	if (last)
		mmput(v->mm);
	return err;
}

static int verify_result(const struct verify *v, struct pinwatch_watch_verify *args)
{
	unsigned long i;

	args->nr_pages = v->nr;
	args->verdict = PINWATCH_VERDICT_SAME;
	memset(args->nr, 0, sizeof(args->nr));
	for (i = 0; i < v->nr; i++) {
		args->nr[v->verdicts[i]]++;
		args->verdict = max_t(u32, args->verdict, v->verdicts[i]);
	}
	if (args->verdicts &&
	    copy_to_user(u64_to_user_ptr(args->verdicts), v->verdicts, v->nr))
		return -EFAULT;
	return 0;
}

static int verify_range(struct verify *v, const struct pinwatch_watch_verify *args)
{
	unsigned long length = pw_watch_pages(v->watch);

	if (args->first_page >= length || args->nr_pages > length - args->first_page ||
	    args->nr_pages > PINWATCH_VERIFY_MAX)
		return -EINVAL;
	v->first = args->first_page;
	v->nr = args->nr_pages ? : min_t(u64, length - v->first, PINWATCH_VERIFY_MAX);
	return 0;
}

static int verify_watch(struct pw_watch *watch, struct pinwatch_watch_verify *args)
{
	struct verify v = { .watch = watch, .mm = watch->file->mm };
	int err = verify_range(&v, args);

	if (err)
		return err;
	v.pfns = kmalloc_array(CHUNK, sizeof(*v.pfns), GFP_KERNEL_ACCOUNT);
	v.verdicts = kvmalloc(v.nr, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	err = v.pfns && v.verdicts ? verify_run(&v, &args->generation) : -ENOMEM;
	if (!err)
		err = verify_result(&v, args);
	kvfree(v.verdicts);
	kfree(v.pfns);
	return err;
}

int pw_verify_watch(struct pw_file *file, struct pinwatch_watch_verify *args)
{
	struct pw_watch *watch;
	int err;

	if (args->reserved)
		return -EINVAL;
	watch = pw_watch_find_ready(file, args->id);
	if (!watch)
		return -ENOENT;
	err = verify_watch(watch, args);
	pw_watch_put(watch);
	return err;
}

/* @page: Index of the first of @nr pages, at most CHUNK, from the start of the watch. */
static int pin_fault(struct pw_watch *watch, unsigned long seq, unsigned long page,
		     unsigned long nr, unsigned long *pfns)
{
	unsigned long start = watch->sub.interval_tree.start + (page << PAGE_SHIFT);
	bool write = watch->pin.write && !(watch->flags & PINWATCH_WATCH_F_PAGES);
	struct hmm_range range = {
		.notifier = &watch->sub.mni,
		.notifier_seq = seq,
		.start = start,
		.end = start + (nr << PAGE_SHIFT),
		.hmm_pfns = pfns,
		.default_flags = HMM_PFN_REQ_FAULT | (write ? HMM_PFN_REQ_WRITE : 0),
	};
	int err;

	if (mmap_read_lock_killable(watch->sub.mm))
		return -EINTR;
	err = hmm_range_fault(&range);
	mmap_read_unlock(watch->sub.mm);
	if (err == -EBUSY)
		return -EAGAIN;
	/* The mapping does not permit writing: pinning would fail with EFAULT. */
	return err == -EPERM ? -EFAULT : err;
}

static int pin_compare(const struct pw_pin *pin, unsigned long page, unsigned long nr,
		       const unsigned long *pfns)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		if (hmm_pfn_to_page(pfns[i]) != pin->pages[page + i])
			return -EREMCHG;
	return 0;
}

int pw_verify_pin(struct pw_watch *watch, unsigned long seq)
{
	unsigned long *pfns, page, nr, nr_pages = watch->pin.nr_pages;
	int err = 0;

	pfns = kmalloc_array(CHUNK, sizeof(*pfns), GFP_KERNEL_ACCOUNT);
	if (!pfns)
		return -ENOMEM;
	for (page = 0; !err && page < nr_pages; page += nr) {
		nr = min(nr_pages - page, CHUNK);
		err = fatal_signal_pending(current) ? -EINTR :
						      pin_fault(watch, seq, page, nr, pfns);
		if (!err)
			err = pin_compare(&watch->pin, page, nr, pfns);
		cond_resched();
	}
	kfree(pfns);
	return err;
}
