// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: shadow page tables, each with a subscription
 *
 * As in a driver that mirrors memory: a callback drops entries, a reader that finds no entry gets
 * the page in a read section. Several shadow page tables cover the same page.
 */
#include <linux/completion.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "torture.h"

static unsigned int nr_shadows = 16;
module_param(nr_shadows, uint, 0444);
MODULE_PARM_DESC(nr_shadows, "shadow page tables, each with a subscription, 1 to 1024 (16)");

/**
 * struct pt_shadow - a shadow page table
 * @handle: The subscription.
 * @inserted_sem: Readers hold it for reading from read_begin to read_retry; insert and remove for
 *	writing. Not taken in callbacks.
 * @inserted: Under @inserted_sem.
 * @first: Index of the first page. Under @inserted_sem; constant while inserted.
 * @nr: Number of pages; likewise.
 * @gone: remove has returned, or put has freed: no callback may run.
 * @inside: Number of callbacks that run, or whose second pass is pending.
 * @freed: A put has come to its end.
 * @lock: The driver's: set_seq, read_retry and the members below. A leaf.
 * @released: A callback had MMU_NOTIFY_RELEASE.
 * @entries: By page, from @first on. Each holds a reference.
 */
struct pt_shadow {
	union pt_torture_handle handle;
	struct rw_semaphore inserted_sem;
	bool inserted;
	unsigned int first;
	unsigned int nr;
	bool gone;
	atomic_t inside;
	struct completion freed;
	spinlock_t lock;	/* set_seq, read_retry, released, entries */
	bool released;
	struct page *entries[PT_SHADOW_PAGES];
};

static struct pt_shadow *shadows;

/* Drop the entries of the pages from @start to @last. Caller holds shadow->lock. */
static void entries_drop(struct pt_shadow *shadow, unsigned long start, unsigned long last)
{
	unsigned int i;

	for (i = 0; i < shadow->nr; i++) {
		unsigned long address = pt_memory_address(shadow->first + i);

		if (!shadow->entries[i] || address > last || address + PAGE_SIZE - 1 < start)
			continue;
		put_page(shadow->entries[i]);
		shadow->entries[i] = NULL;
	}
}

static void check_not_gone(const struct pt_shadow *shadow, const char *when)
{
	if (READ_ONCE(shadow->gone))
		pt_error("the subscription has ended, and a callback %s", when);
}

/**
 * pt_shadow_invalidate() - the callback
 * @handle: The subscription.
 * @range: The range of the invalidation.
 * @cur_seq: The value to accept it with.
 *
 * pt_shadow_invalidated() has to follow, at once or in the second pass.
 */
void pt_shadow_invalidate(union pt_torture_handle *handle,
			  const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct pt_shadow *shadow = container_of(handle, struct pt_shadow, handle);
	bool blockable = mmu_notifier_range_blockable(range);

	atomic_inc(&shadow->inside);
	check_not_gone(shadow, "begins");
	if (blockable)
		pt_delay();
	spin_lock(&shadow->lock);
	pt_flavour_set_seq(handle, cur_seq);
	pt_spin();
	entries_drop(shadow, range->start, range->end - 1);
	shadow->released |= range->event == MMU_NOTIFY_RELEASE;
	spin_unlock(&shadow->lock);
	if (blockable)
		pt_delay();
	pt_count(PT_CALLBACKS);
}

void pt_shadow_invalidated(union pt_torture_handle *handle)
{
	struct pt_shadow *shadow = container_of(handle, struct pt_shadow, handle);

	check_not_gone(shadow, "ran");
	atomic_dec(&shadow->inside);
}

/* Caller holds shadow->lock. Return: false if there is no entry. */
static bool entry_read(struct pt_shadow *shadow, unsigned int i, u64 *word)
{
	struct page *page = shadow->entries[i];

	if (!page)
		return false;
	*word = READ_ONCE(*(u64 *)page_address(page));
	return true;
}

/* Return: false if there is no entry. */
static bool shadow_read(struct pt_shadow *shadow, unsigned int i)
{
	unsigned int index = shadow->first + i;
	struct pt_seen seen;
	bool found;
	u64 word;

	pt_memory_see(index, &seen);
	pt_delay();
	spin_lock(&shadow->lock);
	found = entry_read(shadow, i, &word);
	spin_unlock(&shadow->lock);
	if (!found)
		return false;
	pt_memory_check(index, &seen, word);
	pt_count(PT_READS);
	return true;
}

/* Make an entry, unless the read section has collided. Takes over the reference to @page. */
static void entry_make(struct pt_shadow *shadow, unsigned int i, struct page *page,
		       unsigned long seq)
{
	spin_lock(&shadow->lock);
	if (pt_flavour_retry(&shadow->handle, seq))
		pt_count(PT_COLLISIONS);
	else
		swap(shadow->entries[i], page);
	pt_spin();
	spin_unlock(&shadow->lock);
	if (page)
		put_page(page);
}

/* A read section. */
static void shadow_fault(struct pt_shadow *shadow, unsigned int i)
{
	unsigned long seq, address = pt_memory_address(shadow->first + i);
	unsigned int flags = pt_random(2) ? FOLL_WRITE : 0;
	struct page *page;

	if (pt_flavour_begin(&shadow->handle, &seq)) {
		pt_count(PT_BEGIN_TIMEOUTS);
		return;
	}
	pt_delay();
	if (get_user_pages_fast(address, 1, flags, &page) != 1) {
		pt_count(PT_NO_PAGE);
		return;
	}
	pt_count(PT_FAULTS);
	pt_delay();
	entry_make(shadow, i, page, seq);
}

/**
 * pt_shadow_read() - read a page through a shadow page table: a step of a reader
 *
 * Context: a kthread after kthread_use_mm(). Sleeps.
 */
void pt_shadow_read(void)
{
	struct pt_shadow *shadow = &shadows[pt_random(nr_shadows)];
	unsigned int i;

	if (!down_read_trylock(&shadow->inserted_sem))
		return;
	if (shadow->inserted) {
		i = pt_random(shadow->nr);
		if (!shadow_read(shadow, i)) {
			shadow_fault(shadow, i);
			pt_delay();
			shadow_read(shadow, i);
		}
	}
	up_read(&shadow->inserted_sem);
}

/* remove has returned, or put calls ops->free(). */
static void shadow_has_ended(struct pt_shadow *shadow)
{
	unsigned int inside;

	if (READ_ONCE(shadow->gone))
		pt_error("a subscription ends twice");
	WRITE_ONCE(shadow->gone, true);
	inside = atomic_read(&shadow->inside);
	if (inside)
		pt_error("the subscription has ended, and %u callbacks run", inside);
}

/* ops->free() */
void pt_shadow_freed(union pt_torture_handle *handle)
{
	struct pt_shadow *shadow = container_of(handle, struct pt_shadow, handle);

	shadow_has_ended(shadow);
	complete(&shadow->freed);
}

/* Caller holds shadow->inserted_sem for writing. */
static void shadow_remove(struct pt_shadow *shadow)
{
	if (pt_flavour_put(&shadow->handle)) {
		wait_for_completion(&shadow->freed);
	} else {
		pt_flavour_remove(&shadow->handle);
		shadow_has_ended(shadow);
	}
	shadow->inserted = false;
	pt_delay();
	spin_lock(&shadow->lock);
	entries_drop(shadow, 0, ULONG_MAX);
	spin_unlock(&shadow->lock);
}

/* Caller holds shadow->inserted_sem for writing. */
static int shadow_insert(struct pt_shadow *shadow)
{
	unsigned int pages = pt_memory_pages();
	int ret;

	shadow->first = pt_random(pages);
	shadow->nr = 1 + pt_random(min(PT_SHADOW_PAGES, pages - shadow->first));
	WRITE_ONCE(shadow->gone, false);
	ret = pt_flavour_insert(&shadow->handle, pt_memory_address(shadow->first),
				shadow->nr * PAGE_SIZE);
	shadow->inserted = !ret;
	pt_count(PT_INSERTS);
	return ret;
}

/**
 * pt_shadow_reinsert() - remove a subscription and insert it elsewhere: a step of an inserter
 *
 * Context: process context, sleeps.
 */
void pt_shadow_reinsert(void)
{
	struct pt_shadow *shadow = &shadows[pt_random(nr_shadows)];
	int ret;

	down_write(&shadow->inserted_sem);
	if (shadow->inserted)
		shadow_remove(shadow);
	pt_delay();
	ret = shadow_insert(shadow);
	/* The first read soon: while what was in flight at insert still is. */
	downgrade_write(&shadow->inserted_sem);
	if (!ret)
		shadow_fault(shadow, pt_random(shadow->nr));
	up_read(&shadow->inserted_sem);
	if (ret)
		pt_error("insert: error %d", ret);
	pt_delay();
}

/* After the mm was released: each callback must have had RELEASE, and have dropped all entries. */
void pt_shadow_check_released(void)
{
	unsigned int i, j;

	for (i = 0; i < nr_shadows; i++) {
		struct pt_shadow *shadow = &shadows[i];

		if (!shadow->inserted)
			continue;
		if (!shadow->released)
			pt_error("the mm was released, and subscription %u was not told", i);
		for (j = 0; j < shadow->nr; j++)
			if (shadow->entries[j])
				pt_error("the mm was released, and an entry is left");
	}
}

/**
 * pt_shadow_init() - insert a subscription for each shadow page table
 *
 * Return: 0 or an errno. pt_shadow_exit() undoes a part as well.
 */
int pt_shadow_init(void)
{
	unsigned int i;
	int ret = 0;

	nr_shadows = clamp(nr_shadows, 1U, PT_MAX_SHADOWS);
	shadows = kvcalloc(nr_shadows, sizeof(*shadows), GFP_KERNEL);
	if (!shadows)
		return -ENOMEM;
	for (i = 0; i < nr_shadows; i++) {
		init_rwsem(&shadows[i].inserted_sem);
		spin_lock_init(&shadows[i].lock);
		init_completion(&shadows[i].freed);
	}
	for (i = 0; !ret && i < nr_shadows; i++)
		ret = shadow_insert(&shadows[i]);
	return ret;
}

void pt_shadow_exit(void)
{
	unsigned int i;

	for (i = 0; shadows && i < nr_shadows; i++)
		if (shadows[i].inserted)
			shadow_remove(&shadows[i]);
	kvfree(shadows);
}
