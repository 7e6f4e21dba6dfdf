// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins: pin_user_pages_fast() in chunks, and the charges
 *
 * The size of a compound page is known once a page of it is pinned. So a compound page is
 * charged after pin_user_pages_fast(), and a chunk bounds what is pinned uncharged.
 *
 * Pages are not marked dirty when they are unpinned, because this module does not write
 * to them. A driver that writes to the pages has a pin of its own and marks them.
 */
#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "compound.h"
#include "limits.h"
#include "pin.h"

/*
 * Charge pages, look at their reference counts, test for signals and reschedule after so
 * many pages.
 */
#define PIN_CHUNK	64UL

/*
 * A pin adds 1024 to the reference count of a base page. The count is an int: beyond 2^31,
 * no task can take a reference any more. Each task adds at most 2^16 to the count before
 * it looks, so 2^14 tasks at once cannot reach 2^31.
 */
#define PIN_MAX_COUNT	BIT(30)

/*
 * Charge in advance, so that a pin beyond the limit fails before it makes pages present.
 * Pages of compound pages that are charged already cost nothing. At the limit, leave out
 * as many pages as these can be; pin_charge_base() charges what they are not.
 */
static int pin_reserve(struct pw_pin *pin, struct mm_struct *mm)
{
	unsigned long nr = pin->nr_pages - min(pin->nr_pages, pin->nr_spare);
	int err = pw_limits_charge_pin(pin->user, mm, nr);

	if (err) {
		unsigned long charged = pw_compound_charged(mm);

		nr -= min(nr, charged);
		if (charged)
			err = pw_limits_charge_pin(pin->user, mm, nr);
	}
	if (!err)
		pin->nr_spare += nr;
	return err;
}

static void pin_release_spare(struct pw_pin *pin, struct mm_struct *mm)
{
	/* The pin of a watch without PINWATCH_WATCH_F_PIN has no user. */
	if (pin->nr_spare)
		pw_limits_uncharge_pin(pin->user, mm, pin->nr_spare);
	pin->nr_spare = 0;
}

int pw_pin_alloc(struct pw_pin *pin, struct pw_user *user, struct mm_struct *mm,
		 unsigned long nr_pages, bool write)
{
	int err;

	if (nr_pages > pw_limits_max_pin_pages())
		return -EMSGSIZE;
	pin->user = user;
	pin->nr_pages = nr_pages;
	pin->write = write;
	err = pin_reserve(pin, mm);
	if (err)
		return err;
	pin->pages = kvmalloc_array(nr_pages, sizeof(*pin->pages),
				    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pin->pages) {
		pin_release_spare(pin, mm);
		return -ENOMEM;
	}
	return 0;
}

/*
 * Return: the number of pages, at most @nr, that begin with @pages[0] and are parts of
 * the same compound page; or that are all base pages.
 */
static unsigned long run_length(struct page **pages, unsigned long nr)
{
	struct page *head = PageCompound(pages[0]) ? compound_head(pages[0]) : NULL;
	unsigned long i;

	for (i = 1; i < nr; i++)
		if ((PageCompound(pages[i]) ? compound_head(pages[i]) : NULL) != head)
			break;
	return i;
}

static int pin_charge_base(struct pw_pin *pin, unsigned long nr)
{
	unsigned long paid = min(pin->nr_spare, nr);
	int err = pw_limits_charge_pin(pin->user, current->mm, nr - paid);

	if (err)
		return err;
	pin->nr_spare -= paid;
	pin->nr_base += nr;
	return 0;
}

static int pin_charge_run(struct pw_pin *pin, struct page *page, unsigned long nr)
{
	if (!PageCompound(page))
		return pin_charge_base(pin, nr);
	if (!pin->compounds)
		pin->compounds = pw_compound_get_table(current->mm);
	if (!pin->compounds)
		return -ENOMEM;
	return pw_compound_get(pin->compounds, pin->user, page, nr, &pin->nr_spare);
}

/* Charge @nr more pages, which are pinned. On failure, unpin the pages not charged. */
static int pin_charge(struct pw_pin *pin, unsigned long nr)
{
	struct page **pages;
	unsigned long run;
	int err;

	for (; nr; nr -= run) {
		pages = pin->pages + pin->nr_held;
		run = run_length(pages, nr);
		err = pin_charge_run(pin, pages[0], run);
		if (err) {
			unpin_user_pages(pages, nr);
			return err;
		}
		pin->nr_held += run;
	}
	return 0;
}

static bool is_saturated(struct page **pages, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		if ((unsigned int)page_count(pages[i]) > PIN_MAX_COUNT)
			return true;
	return false;
}

static int pin_take_chunk(struct pw_pin *pin, unsigned long start)
{
	unsigned int flags = FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
	struct page **pages = pin->pages + pin->nr_held;
	int got;

	if (fatal_signal_pending(current))
		return -EINTR;
	got = pin_user_pages_fast(start + (pin->nr_held << PAGE_SHIFT),
				  min(pin->nr_pages - pin->nr_held, PIN_CHUNK),
				  flags, pages);
	if (got <= 0)
		return got ?: -EFAULT;
	if (is_saturated(pages, got)) {
		unpin_user_pages(pages, got);
		return -EBUSY;
	}
	return pin_charge(pin, got);
}

int pw_pin_take(struct pw_pin *pin, unsigned long start)
{
	int err = pin_reserve(pin, current->mm);

	while (!err && pin->nr_held < pin->nr_pages) {
		err = pin_take_chunk(pin, start);
		cond_resched();
	}
	if (err)
		pw_pin_drop(pin);
	else
		pin_release_spare(pin, current->mm);
	return err;
}

/* The charge of a page never ends before the page is unpinned. */
static void pin_drop_run(struct pw_pin *pin, struct page **pages, unsigned long nr)
{
	struct pw_compound *compound = NULL;

	if (PageCompound(pages[0]))
		compound = pw_compound_put(pin->compounds, pages[0], nr);
	unpin_user_pages(pages, nr);
	pw_compound_uncharge(pin->compounds, compound);
}

void pw_pin_drop(struct pw_pin *pin)
{
	unsigned long nr, done;

	for (done = 0; done < pin->nr_held; done += nr) {
		nr = run_length(pin->pages + done, min(pin->nr_held - done, PIN_CHUNK));
		pin_drop_run(pin, pin->pages + done, nr);
		cond_resched();
	}
	pin->nr_held = 0;
	pin->nr_spare += pin->nr_base;
	pin->nr_base = 0;
}

void pw_pin_free(struct pw_pin *pin, struct mm_struct *mm)
{
	if (!pin->pages)
		return;
	pw_pin_drop(pin);
	pin_release_spare(pin, mm);
	pw_compound_put_table(pin->compounds);
	kvfree(pin->pages);
	pin->pages = NULL;
}
