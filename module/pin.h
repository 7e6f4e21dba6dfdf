/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pins: pages of an address space that are pinned for long, and accounted there
 *
 * A pin has no lock. Before the watch is active, the task in WATCH_ADD owns the pin.
 * Then the watch owns the pin, until a task detaches it under pw_watch.lock; that task
 * is the owner from then on.
 */
#ifndef _PW_PIN_H
#define _PW_PIN_H

#include <linux/types.h>

struct mm_struct;
struct page;
struct pw_compound_table;
struct pw_user;

/**
 * struct pw_pin - pages of one watch
 * @pages: Array of @nr_pages pointers; NULL: no pin.
 * @user: Charged for the pages.
 * @nr_pages: Number of pages in the range.
 * @nr_held: Number of leading @pages that are pinned now.
 * @nr_base: Number of these that are not part of a compound page; charged for this pin.
 * @nr_spare: Number of pages charged for this pin in addition: for pages not pinned yet.
 * @compounds: Charges the compound pages. NULL until the pin has held such a page.
 * @write: Pinned for writing.
 */
struct pw_pin {
	struct page **pages;
	struct pw_user *user;
	unsigned long nr_pages;
	unsigned long nr_held;
	unsigned long nr_base;
	unsigned long nr_spare;
	struct pw_compound_table *compounds;
	bool write;
};

/**
 * pw_pin_alloc() - allocate a pin, without pinning pages
 * @pin: Zeroed.
 * @user: The user to charge. Not freed before the pin.
 * @mm: The address space; current->mm.
 * @nr_pages: Number of pages, not 0.
 * @write: Pin for writing.
 *
 * Charges @nr_pages pages in advance, since the pages may be base pages.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOMEM; -EMSGSIZE if @nr_pages exceeds max_pin_pages; -ENOBUFS or -EDQUOT as
 * pw_limits_charge_pin().
 */
int pw_pin_alloc(struct pw_pin *pin, struct pw_user *user, struct mm_struct *mm,
		 unsigned long nr_pages, bool write);

/**
 * pw_pin_take() - pin the pages
 * @pin: From pw_pin_alloc(), with no page pinned.
 * @start: Address of the first page in current->mm.
 *
 * Pinning may itself invalidate the range (break copy-on-write, replace a zero page), and
 * then the callback of the watch runs in this task.
 *
 * Base pages are charged for the pin, compound pages whole and once in the address space
 * (see compound.h).
 *
 * Context: process context, may sleep; takes the mmap lock. The caller may hold
 * pw_watch.op_lock, and no other lock.
 * Return: 0 if all pages are pinned. On failure no page is pinned: -EFAULT, -EINTR if a
 * fatal signal is pending, -ENOMEM, -ENOBUFS or -EDQUOT as pw_pin_alloc(), -EBUSY if the reference
 * count of a page is beyond 2^30, or an error of pin_user_pages_fast().
 */
int pw_pin_take(struct pw_pin *pin, unsigned long start);

/**
 * pw_pin_drop() - unpin the pages
 * @pin: The pin. pw_pin_take() may pin the pages again.
 *
 * Context: process context, may sleep.
 */
void pw_pin_drop(struct pw_pin *pin);

/**
 * pw_pin_free() - unpin the pages, and undo pw_pin_alloc()
 * @pin: The pin. Nothing happens if @pin->pages is NULL.
 * @mm: As for pw_pin_alloc(). The caller holds mm_count.
 *
 * Context: process context, may sleep: never in a callback.
 */
void pw_pin_free(struct pw_pin *pin, struct mm_struct *mm);

#endif /* _PW_PIN_H */
