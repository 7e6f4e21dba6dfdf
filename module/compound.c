// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compound pages: a table for each address space, each entry charged once
 */
#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include "compound.h"
#include "limits.h"

/**
 * struct pw_compound - a compound page that is pinned in an address space
 * @user: Charged for the page; constant. Holds a reference, because the pin of another
 *	user's file in the same address space may be the last pin.
 * @nr_pages: Number of pages charged for it: all pages of the compound page. Constant.
 * @nr_pins: Number of pins of its pages, under pw_compound_table.lock; not 0.
 */
struct pw_compound {
	struct pw_user *user;
	unsigned long nr_pages;
	unsigned long nr_pins;
};

/**
 * struct pw_compound_table - the pinned compound pages of an address space
 * @node: Under tables_lock. In the hash of all tables.
 * @mm: Constant. Holds no reference: each pin that holds the table holds mm_count.
 * @refs: Under tables_lock. References of pins.
 * @lock: Serialises changes of @entries with the charges. Held over allocations.
 * @nr_charged: Written under @lock. Number of pages charged for @entries.
 * @entries: struct pw_compound, by the frame number of the head page.
 */
struct pw_compound_table {
	struct hlist_node node;
	struct mm_struct *mm;
	unsigned int refs;
	struct mutex lock;	/* entries, with their charges */
	unsigned long nr_charged;
	struct xarray entries;
};

static DEFINE_SPINLOCK(tables_lock);
static DEFINE_HASHTABLE(tables, 8);

static struct pw_compound_table *tables_find(struct mm_struct *mm)
{
	struct pw_compound_table *table;

	lockdep_assert_held(&tables_lock);
	hash_for_each_possible(tables, table, node, (unsigned long)mm)
		if (table->mm == mm)
			return table;
	return NULL;
}

static struct pw_compound_table *table_alloc(struct mm_struct *mm)
{
	struct pw_compound_table *table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);

	if (!table)
		return NULL;
	table->mm = mm;
	mutex_init(&table->lock);
	xa_init_flags(&table->entries, XA_FLAGS_ACCOUNT);
	return table;
}

/* Take a reference on the table of @mm; @fresh becomes the table if there is none yet. */
static struct pw_compound_table *tables_get(struct mm_struct *mm,
					    struct pw_compound_table *fresh)
{
	struct pw_compound_table *table;

	spin_lock(&tables_lock);
	table = tables_find(mm);
	if (!table && fresh) {
		hash_add(tables, &fresh->node, (unsigned long)mm);
		table = fresh;
	}
	if (table)
		table->refs++;
	spin_unlock(&tables_lock);
	return table;
}

struct pw_compound_table *pw_compound_get_table(struct mm_struct *mm)
{
	struct pw_compound_table *table, *fresh;

	table = tables_get(mm, NULL);
	if (table)
		return table;
	fresh = table_alloc(mm);
	if (!fresh)
		return NULL;
	table = tables_get(mm, fresh);
	if (table != fresh)
		kfree(fresh);
	return table;
}

void pw_compound_put_table(struct pw_compound_table *table)
{
	bool last;

	if (!table)
		return;
	spin_lock(&tables_lock);
	last = !--table->refs;
	if (last)
		hash_del(&table->node);
	spin_unlock(&tables_lock);
	if (!last)
		return;
	WARN_ON_ONCE(!xa_empty(&table->entries));
	xa_destroy(&table->entries);
	kfree(table);
}

static void table_add_charged(struct pw_compound_table *table, long nr)
{
	/* pw_compound_charged() reads without the lock. */
	WRITE_ONCE(table->nr_charged, table->nr_charged + nr);
}

/* The pages of @nr_spare are charged to @user, too. */
static struct pw_compound *table_insert(struct pw_compound_table *table,
					struct pw_user *user, struct page *head,
					unsigned long *nr_spare)
{
	struct pw_compound *compound = kzalloc(sizeof(*compound), GFP_KERNEL_ACCOUNT);
	unsigned long paid;
	int err;

	lockdep_assert_held(&table->lock);
	if (!compound)
		return ERR_PTR(-ENOMEM);
	compound->nr_pages = compound_nr(head);
	paid = min(*nr_spare, compound->nr_pages);
	err = pw_limits_charge_pin(user, table->mm, compound->nr_pages - paid);
	if (err)
		goto err_free;
	err = xa_err(xa_store(&table->entries, page_to_pfn(head), compound,
			      GFP_KERNEL_ACCOUNT));
	if (err)
		goto err_uncharge;
	*nr_spare -= paid;
	compound->user = user;
	pw_limits_hold_user(user);
	table_add_charged(table, compound->nr_pages);
	return compound;

err_uncharge:
	pw_limits_uncharge_pin(user, table->mm, compound->nr_pages - paid);
err_free:
	kfree(compound);
	return ERR_PTR(err);
}

int pw_compound_get(struct pw_compound_table *table, struct pw_user *user,
		    struct page *page, unsigned long nr, unsigned long *nr_spare)
{
	struct page *head = compound_head(page);
	struct pw_compound *compound;

	mutex_lock(&table->lock);
	compound = xa_load(&table->entries, page_to_pfn(head));
	if (!compound)
		compound = table_insert(table, user, head, nr_spare);
	if (!IS_ERR(compound))
		compound->nr_pins += nr;
	mutex_unlock(&table->lock);
	return PTR_ERR_OR_ZERO(compound);
}

struct pw_compound *pw_compound_put(struct pw_compound_table *table, struct page *page,
				    unsigned long nr)
{
	unsigned long index = page_to_pfn(compound_head(page));
	struct pw_compound *compound;

	mutex_lock(&table->lock);
	compound = xa_load(&table->entries, index);
	if (!WARN_ON_ONCE(!compound)) {
		compound->nr_pins -= nr;
		if (compound->nr_pins) {
			compound = NULL;
		} else {
			xa_erase(&table->entries, index);
			table_add_charged(table, -compound->nr_pages);
		}
	}
	mutex_unlock(&table->lock);
	return compound;
}

void pw_compound_uncharge(struct pw_compound_table *table, struct pw_compound *compound)
{
	if (!compound)
		return;
	pw_limits_uncharge_pin(compound->user, table->mm, compound->nr_pages);
	pw_limits_put_user(compound->user);
	kfree(compound);
}

unsigned long pw_compound_charged(struct mm_struct *mm)
{
	struct pw_compound_table *table;
	unsigned long nr = 0;

	spin_lock(&tables_lock);
	table = tables_find(mm);
	if (table)
		nr = READ_ONCE(table->nr_charged);
	spin_unlock(&tables_lock);
	return nr;
}
