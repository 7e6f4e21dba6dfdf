// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins: pin_user_pages_fast() in chunks, accounted in mm->pinned_vm as RDMA does
 *
 * mm->pinned_vm is used and not mm->locked_vm, because pinned_vm needs no lock.
 *
 * Pages are not marked dirty when they are unpinned, because this module does not write
 * to them. A driver that writes to the pages has a pin of its own and marks them.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "limits.h"
#include "pin.h"

/* Test for signals and reschedule after so many pages. */
#define PIN_CHUNK	1024UL

static int pin_account(struct mm_struct *mm, unsigned long nr_pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	s64 pinned = atomic64_read(&mm->pinned_vm);

	/* Never exceed the limit, not even briefly: other drivers account here, too. */
	do {
		if (pinned + nr_pages > limit && !capable(CAP_IPC_LOCK))
			return -ENOMEM;
	} while (!atomic64_try_cmpxchg(&mm->pinned_vm, &pinned, pinned + nr_pages));
	atomic_long_add(nr_pages, &pw_counters.pinned_pages);
	return 0;
}

static void pin_unaccount(struct mm_struct *mm, unsigned long nr_pages)
{
	atomic64_sub(nr_pages, &mm->pinned_vm);
	atomic_long_sub(nr_pages, &pw_counters.pinned_pages);
}

int pw_pin_alloc(struct pw_pin *pin, struct mm_struct *mm,
		 unsigned long nr_pages, bool write)
{
	int err;

	if (nr_pages > pw_limits_max_pin_pages())
		return -ENOMEM;
	err = pin_account(mm, nr_pages);
	if (err)
		return err;
	pin->pages = kvmalloc_array(nr_pages, sizeof(*pin->pages),
				    GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pin->pages) {
		pin_unaccount(mm, nr_pages);
		return -ENOMEM;
	}
	pin->nr_pages = nr_pages;
	pin->nr_held = 0;
	pin->write = write;
	return 0;
}

int pw_pin_take(struct pw_pin *pin, unsigned long start)
{
	unsigned int flags = FOLL_LONGTERM | (pin->write ? FOLL_WRITE : 0);
	int got;

	while (pin->nr_held < pin->nr_pages) {
		got = fatal_signal_pending(current) ? -EINTR :
			pin_user_pages_fast(start + (pin->nr_held << PAGE_SHIFT),
					    min(pin->nr_pages - pin->nr_held, PIN_CHUNK),
					    flags, pin->pages + pin->nr_held);
		if (got <= 0) {
			pw_pin_drop(pin);
			return got ?: -EFAULT;
		}
		pin->nr_held += got;
		cond_resched();
	}
	return 0;
}

void pw_pin_drop(struct pw_pin *pin)
{
	unsigned long nr, done;

	for (done = 0; done < pin->nr_held; done += nr) {
		nr = min(pin->nr_held - done, PIN_CHUNK);
		unpin_user_pages(pin->pages + done, nr);
		cond_resched();
	}
	pin->nr_held = 0;
}

void pw_pin_free(struct pw_pin *pin, struct mm_struct *mm)
{
	if (!pin->pages)
		return;
	pw_pin_drop(pin);
	pin_unaccount(mm, pin->nr_pages);
	kvfree(pin->pages);
	pin->pages = NULL;
}
