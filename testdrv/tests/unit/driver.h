/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver whose callbacks a test controls, and short names for frequent calls. */
#ifndef _UNIT_DRIVER_H
#define _UNIT_DRIVER_H
#include <linux/mmu_notifier.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/moduleparam.h>
#include "core.h"
#include "test.h"

#define BASE	0x100000ul
#define PG(n)	(BASE + (n) * PAGE_SIZE)

#ifndef UNIT_SECONDS
#define UNIT_SECONDS	60	/* after which a test has failed */
#endif

/*
 * A test whose body is a fiber. FIBER_TEST() runs the body once, and changes the fiber only
 * when one blocks. RACE_TEST() runs the body under @nr_seeds random schedules.
 */
#define RACE_TEST(name, nr_seeds)					\
	static void body_##name(void);					\
	TEST(name, .seconds = UNIT_SECONDS)				\
	{								\
		fiber_test(body_##name, nr_seeds);			\
	}								\
	static void body_##name(void)

#define FIBER_TEST(name)	RACE_TEST(name, 0)

/*
 * Runs the body once for each of its steps, and changes the fiber at that step. So a task that
 * the body has spawned runs, as far as it can, at each point of the body.
 */
#define SWITCH_TEST(name)						\
	static void body_##name(void);					\
	TEST(name, .seconds = UNIT_SECONDS)				\
	{								\
		fiber_test_switches(body_##name);			\
	}								\
	static void body_##name(void)

void fiber_test(void (*body)(void), unsigned int nr_seeds);
void fiber_test_switches(void (*body)(void));

struct driver {
	struct pinwatch_interval_notifier sub;
	struct pinwatch_interval_notifier_finish finish;
	struct shim_wq wq;
	char name;			/* in order[]: first pass; upper case: second */
	bool refuse, hold, lie;
	bool one_pass, hold_finish;
	unsigned int hold_events;	/* BIT(event): hold that one */
	struct driver *puts;		/* the callback puts this driver */
	unsigned int calls, done, finishes, freed;
	enum mmu_notifier_event events[4];
	unsigned long start, end, seq;
};

extern const struct pinwatch_interval_notifier_ops ops, two_pass, sleeper;
extern struct mm_struct *mm;
extern char order[64];			/* names in the order of the calls */

struct pw_mm *check(void);		/* validates the mm; NULL: not registered */
int insert_ops(struct driver *d, unsigned int page, unsigned int pages,
	       const struct pinwatch_interval_notifier_ops *o);
int insert(struct driver *d, unsigned int page, unsigned int pages);
void remove_sub(struct driver *d);
void let(struct driver *d);		/* end all holds of d */
int start_range(struct mmu_notifier_range *r, unsigned long from, unsigned long to,
		enum mmu_notifier_event event, unsigned int flags, void *owner);
void start_at(struct mmu_notifier_range *r, unsigned long from, unsigned long to);
void start(struct mmu_notifier_range *r, unsigned int page, unsigned int pages);
int start_nonblock(struct mmu_notifier_range *r, unsigned int page, unsigned int pages);
void end(struct mmu_notifier_range *r);
void end_other(struct mmu_notifier_range *r);	/* start was called by another task */
void event(unsigned int page, unsigned int pages, enum mmu_notifier_event what, void *owner);
void release(void);

/* A call in another task */
struct reader {
	struct driver *d;
	unsigned long seq, timeout;
	struct task_struct *task;
	int ret;
	bool done;
};

void reader_start(struct reader *r, struct driver *d);
bool blocks(struct driver *d, struct reader *r);	/* does read_begin block? */
void task_start(struct reader *r, struct driver *d, void (*fn)(void *arg));
void remover_main(void *arg);		/* struct reader */
void release_main(void *arg);		/* struct reader */
void started_main(void *arg);		/* struct mmu_notifier_range: pages 0 to 19 */
#endif
