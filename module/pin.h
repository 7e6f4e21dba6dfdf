/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pins: pages taken from an address space for long, and accounted there
 *
 * A pin has no lock. Its owner is the task that adds the watch, until the watch
 * is active; then whoever detached it from the watch under the watch's lock.
 */
#ifndef _PW_PIN_H
#define _PW_PIN_H

#include <linux/types.h>

struct mm_struct;
struct page;

/**
 * struct pw_pin - pages of one watch
 * @pages: Room for @nr_pages; NULL: there is no pin.
 * @nr_pages: Pages accounted in mm->pinned_vm.
 * @nr_held: The first so many of @pages are pinned now.
 * @write: Pinned for writing.
 */
struct pw_pin {
	struct page **pages;
	unsigned long nr_pages;
	unsigned long nr_held;
	bool write;
};

/**
 * pw_pin_alloc() - allocate and account a pin, without taking pages
 * @pin: Zeroed.
 * @mm: Whose pages; current->mm.
 * @nr_pages: How many, not 0.
 * @write: To write to them.
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM (no memory, more than max_pin_pages, or RLIMIT_MEMLOCK
 * would be exceeded without CAP_IPC_LOCK).
 */
int pw_pin_alloc(struct pw_pin *pin, struct mm_struct *mm,
		 unsigned long nr_pages, bool write);

/**
 * pw_pin_take() - pin the pages
 * @pin: From pw_pin_alloc(), with no page held.
 * @start: The first page's address in current->mm.
 *
 * Pinning may invalidate the very range (copy-on-write is broken, a zero page
 * replaced), and so call back its own watch in this task.
 *
 * Context: process context, may sleep, takes the mmap lock: no lock may be held.
 * Return: 0 with all pages pinned; with none -EFAULT, -EINTR (fatal signal) or
 * what pin_user_pages_fast() returned.
 */
int pw_pin_take(struct pw_pin *pin, unsigned long start);

/**
 * pw_pin_drop() - unpin
 * @pin: The pin; may hold pages or not. It can be taken again.
 *
 * Context: process context, may sleep.
 */
void pw_pin_drop(struct pw_pin *pin);

/**
 * pw_pin_free() - unpin, give the account back, free
 * @pin: The pin; one without pages is left alone.
 * @mm: As at pw_pin_alloc(); only mm_count need be held.
 *
 * Context: process context, may sleep: never in a callback.
 */
void pw_pin_free(struct pw_pin *pin, struct mm_struct *mm);

#endif /* _PW_PIN_H */
