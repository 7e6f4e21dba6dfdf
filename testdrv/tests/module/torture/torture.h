/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_torture: private definitions
 *
 * In the shape of the kernel's rcutorture: kthreads work on the memory of a process, which is
 * that of insmod, whose mm the module keeps.
 *
 *   invalidator	unmaps pages of the region, maps new pages, and writes a stamp into each
 *   reader		reads pages through shadow page tables, and fills these
 *   inserter		removes or puts, and inserts the subscriptions of the shadow page tables
 *
 * A stamp names its page and a generation. A new page has no stamp, but zeros. The invalidator
 * publishes what readers may see (struct pt_page), and the reader compares:
 *
 *   invalidator			reader
 *
 *   stamped = 0			seen = { unmapped, stamped }
 *   full barrier			lock; the stamp through the entry; unlock
 *   unmap generation g			the generation of the stamp < seen.unmapped?
 *   unmapped = g + 1 (release)		  failure: unmapped before the read began
 *   write the stamp g + 1		stamped == seen.stamped, not 0, and another stamp?
 *   stamped = g + 1 (release)		  failure: no unmapping began since, and the entry is old
 *
 * The shadow page table holds a reference to each page, so a stale entry still has its stamp.
 */
#ifndef _PT_TORTURE_H
#define _PT_TORTURE_H

#include <linux/atomic.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include "pinwatch.h"

#define PT_BLOCK_PAGES	8U	/* pages of the region that one invalidator owns at a time */
#define PT_MAX_BLOCKS	64U
#define PT_SHADOW_PAGES	32U	/* pages of a shadow page table, at most */
#define PT_MAX_SHADOWS	1024U

/* The fault of a broken_* flavour */
enum pt_fault {
	PT_FAULT_NONE,
	PT_FAULT_RETRY,		/* the reader does not call read_retry */
	PT_FAULT_LATE,		/* the engine does at the end what belongs to the start */
	PT_FAULT_EARLY,		/* the engine ends the invalidation when its start returns */
	PT_FAULT_MARK,		/* insert leaves out the mark of an invalidation in flight */
	PT_FAULT_REMOVE,	/* remove does not wait for a running callback */
	PT_FAULT_PUT,		/* put calls ops->free() before the last callback has returned */
};

union pt_torture_handle {
	struct pinwatch_interval_notifier pw;
	struct mmu_interval_notifier mni;
};

/* The functions of pinwatch.h: those of pinwatch.ko, or of the copy of the engine in here */
struct pt_api {
	int (*insert)(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
		      unsigned long start, unsigned long length,
		      const struct pinwatch_interval_notifier_ops *ops);
	void (*remove)(struct pinwatch_interval_notifier *sub);
	void (*put)(struct pinwatch_interval_notifier *sub);
	void (*wait_for_puts)(void);
	unsigned long (*begin)(struct pinwatch_interval_notifier *sub);
	int (*begin_killable)(struct pinwatch_interval_notifier *sub, unsigned long *seq);
	int (*begin_timeout)(struct pinwatch_interval_notifier *sub, unsigned long *seq,
			     unsigned long timeout);
};

/**
 * struct pt_flavour - an engine to torture
 * @name: The value of the parameter torture_type.
 * @api: The functions of pinwatch, or %NULL for the kernel's own notifier.
 * @plain: All subscriptions have one pass, never sleep and have no filter. For an mm with such
 *	subscriptions only, the engine has code of its own.
 * @fault: The fault that the flavour has. Only the copy of the engine can have a fault other
 *	than PT_FAULT_RETRY.
 */
struct pt_flavour {
	const char *name;
	const struct pt_api *api;
	bool plain;
	enum pt_fault fault;
};

/* Counters, summed over CPUs for the statistics */
enum pt_count {
	PT_READS,		/* through an entry */
	PT_FAULTS,		/* read sections that got a page */
	PT_COLLISIONS,		/* of these, read_retry returned true */
	PT_NO_PAGE,		/* read sections that found no page mapped */
	PT_BEGIN_TIMEOUTS,	/* read_begin_timeout gave up */
	PT_UNMAPS,
	PT_CALLBACKS,
	PT_SECOND_PASSES,
	PT_INSERTS,
	PT_PUTS,		/* instead of remove */
	PT_NR_COUNTS
};

struct pt_counts {
	u64 nr[PT_NR_COUNTS];
};

DECLARE_PER_CPU(struct pt_counts, pt_counts);
#define pt_count(which)	this_cpu_inc(pt_counts.nr[which])

/**
 * struct pt_seen - what a reader saw of a page before it read
 * @unmapped: Each stamp with a lower generation was unmapped before.
 * @stamped: The generation of the stamp, if the page was mapped; otherwise 0.
 */
struct pt_seen {
	u64 unmapped;
	u64 stamped;
};

/* main.c */
extern struct mm_struct *pt_mm;
extern const struct pt_flavour *pt_flavour;
void pt_error(const char *format, ...) __printf(1, 2);

/* delay.c */
void pt_delay_init(void);
unsigned int pt_random(unsigned int limit);
void pt_delay(void);
void pt_spin(void);
void pt_step(void);

/* memory.c */
int pt_memory_init(void);
void pt_memory_exit(void);
unsigned int pt_memory_pages(void);
unsigned long pt_memory_address(unsigned int index);
void pt_memory_unmap(void);
void pt_memory_range_end(const struct mmu_notifier_range *range);
void pt_memory_see(unsigned int index, struct pt_seen *seen);
void pt_memory_check(unsigned int index, const struct pt_seen *seen, u64 word);

/* order.c */
int pt_order_register_inner(void);
int pt_order_register_outer(void);
void pt_order_unregister(void);

/* shadow.c */
int pt_shadow_init(void);
void pt_shadow_exit(void);
void pt_shadow_read(void);
void pt_shadow_reinsert(void);
void pt_shadow_invalidate(union pt_torture_handle *handle,
			  const struct mmu_notifier_range *range, unsigned long cur_seq);
void pt_shadow_invalidated(union pt_torture_handle *handle);
void pt_shadow_freed(union pt_torture_handle *handle);
void pt_shadow_check_released(void);

/* flavour.c */
const struct pt_flavour *pt_flavour_find(const char *name);
int pt_flavour_insert(union pt_torture_handle *handle, unsigned long start,
		      unsigned long length);
bool pt_flavour_put(union pt_torture_handle *handle);
void pt_flavour_remove(union pt_torture_handle *handle);
void pt_flavour_barrier(void);
int pt_flavour_begin(union pt_torture_handle *handle, unsigned long *seq);
bool pt_flavour_retry(union pt_torture_handle *handle, unsigned long seq);
void pt_flavour_set_seq(union pt_torture_handle *handle, unsigned long seq);

/* engine.c */
extern const struct pt_api pt_engine_api;
int pt_engine_init(void);
void pt_engine_exit(void);

#endif /* _PT_TORTURE_H */
