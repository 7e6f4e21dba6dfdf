/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compound pages that the pins of an address space hold
 *
 * A pin of any part of a compound page (a huge page, a large folio) holds the memory of
 * the whole compound page, because the kernel cannot split a compound page that is
 * pinned. So a compound page is charged whole. It is charged once in an address space,
 * however many pins hold a part of it: the table of an address space has an entry for
 * each compound page, and the entry counts the pins.
 *
 * An entry is inserted after a page of the compound page has been pinned, and erased
 * before the last such pin is undone. So the head page of an entry identifies the
 * compound page, and neither the head nor the size changes.
 */
#ifndef _PW_COMPOUND_H
#define _PW_COMPOUND_H

struct mm_struct;
struct page;
struct pw_compound;
struct pw_compound_table;
struct pw_user;

/**
 * pw_compound_get_table() - find or allocate the table of an address space
 * @mm: The address space. The caller holds mm_count until it puts the table.
 *
 * Context: process context, may sleep.
 * Return: the table, with a reference for the caller; NULL if there is no memory.
 */
struct pw_compound_table *pw_compound_get_table(struct mm_struct *mm);

/**
 * pw_compound_put_table() - drop a reference
 * @table: From pw_compound_get_table(); or NULL. The caller has undone its pins.
 *
 * Context: process context, may sleep.
 */
void pw_compound_put_table(struct pw_compound_table *table);

/**
 * pw_compound_get() - count pinned pages of a compound page
 * @table: The table of the address space.
 * @user: The user to charge, if the compound page is new in @table.
 * @page: One of the pages. The caller has pinned the pages.
 * @nr: Number of pages.
 * @nr_spare: Number of pages for which the caller has charged more than it holds. If
 *	the compound page is new in @table, it is paid from these first.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOMEM; or an error of pw_limits_charge_pin().
 */
int pw_compound_get(struct pw_compound_table *table, struct pw_user *user,
		    struct page *page, unsigned long nr, unsigned long *nr_spare);

/**
 * pw_compound_put() - undo pw_compound_get(), before the pages are unpinned
 * @table: The table.
 * @page: As for pw_compound_get().
 * @nr: Number of pages. The calls for a compound page undo as many pages as were
 *	counted; their number may differ.
 *
 * Context: process context, may sleep: never in a callback.
 * Return: NULL if other pins hold the compound page. Otherwise, its erased entry, which
 * the caller passes to pw_compound_uncharge() after it has unpinned the pages.
 */
struct pw_compound *pw_compound_put(struct pw_compound_table *table, struct page *page,
				    unsigned long nr);

/**
 * pw_compound_uncharge() - end the charge of a compound page
 * @table: The table.
 * @compound: From pw_compound_put(); or NULL. Freed.
 *
 * Context: process context. Does not sleep.
 */
void pw_compound_uncharge(struct pw_compound_table *table, struct pw_compound *compound);

/**
 * pw_compound_charged() - return how much memory the compound pages of a table take
 * @mm: The address space. The caller holds mm_count.
 *
 * Context: process context. Does not sleep.
 * Return: number of pages, which may change at any time; 0 if @mm has no table.
 */
unsigned long pw_compound_charged(struct mm_struct *mm);

#endif /* _PW_COMPOUND_H */
