/* SPDX-License-Identifier: GPL-2.0-only */
/* State that stress.c shares with stress_driver.c. */
#ifndef _UNIT_STRESS_STATE_H
#define _UNIT_STRESS_STATE_H
#include <linux/mmu_notifier.h>
#include "core.h"
#include "stress.h"

#define NR_PAGES	40
#define NR_SLOTS	20
#define MAGIC		0x5ab5c41b7104eadful

struct obj {
	struct pinwatch_interval_notifier sub;
	unsigned long magic;
	spinlock_t user_lock;			/* spte[] */
	unsigned int first, last;		/* pages */
	const struct pinwatch_interval_notifier_ops *ops;
	unsigned long spte[NR_PAGES];		/* under user_lock; 0: none */
	unsigned int running;
};

struct pass {
	struct pinwatch_interval_notifier_finish finish;
	struct obj *obj;
};

/* Events by the filters that ignore them. No filter ignores WANTED. */
enum kind { WANTED, SOFT_DIRTY, OWN_MIGRATION, NR_KINDS };

/* Readers of the object hold rw for reading, insert and remove for writing. */
struct slot {
	struct shim_rwsem rw;
	struct obj *obj;
};

/* State of the pages before a task calls a function of the core that may sleep. */
struct expect {
	struct obj *obj;			/* NULL: the call must not sleep */
	unsigned long starts[NR_PAGES];
	unsigned int active[NR_PAGES];
};

extern struct stress {
	struct mm_struct *mm;
	unsigned long base;
	unsigned long version[NR_PAGES];
	unsigned long soft[NR_PAGES];		/* changed under SOFT_DIRTY */
	unsigned long starts[NR_KINDS][NR_PAGES];
	unsigned int active[NR_KINDS][NR_PAGES];
	struct slot slot[NR_SLOTS];
	unsigned int ops, max_depth, nest, nr_cpus, busy;
	u64 overflows;
	bool released, sleepers;
	long live;				/* number of objects */
} stress;

#define count(field)	((void)__atomic_fetch_add(&stress_stats.field, 1, __ATOMIC_RELAXED))
#define load(x)		__atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define add(x, n)	((void)__atomic_fetch_add(&(x), n, __ATOMIC_SEQ_CST))
#define REQUIRE(cond)	do { if (!(cond)) shim_die("%s: not (%s)", __func__, #cond); } while (0)

static inline unsigned long page_start(unsigned int page)
{
	return stress.base + page * PAGE_SIZE;
}

static inline unsigned long page_last(unsigned int page)
{
	return page_start(page) + PAGE_SIZE - 1;
}

/* stress_driver.c */
bool wants(const struct obj *o, enum kind kind);
unsigned long page_value(const struct obj *o, unsigned int p);
void check_sptes(struct obj *o);
void obj_free(struct pinwatch_interval_notifier *sub);

#define NR_OPS		10
#define NR_SLEEPERS	2			/* the last of all_ops */
extern const struct pinwatch_interval_notifier_ops all_ops[NR_OPS];
#endif
