// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_faults: mistakes of a driver, one a boot, that a debug kernel must report
 *
 * insmod makes the mistake that the parameter fault names. None of them does harm: no task
 * ever waits for another, memory is only leaked, or read after it was freed. Only a detector
 * of the kernel notices (scripts/check/slow/debug).
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "pinwatch.h"

#define RACE_MS	5000	/* KCSAN looks at few accesses */

static char *fault = "";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "begin, remove, reclaim, atomic, freed, leak or race");

#define NR_LOST		2048
#define LOST_BYTES	64

static DEFINE_MUTEX(lock);	/* taken by callbacks */
static struct pinwatch_interval_notifier *left;	/* to remove on exit, or NULL */

static bool faults_invalidate(struct pinwatch_interval_notifier *sub,
			      const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	mutex_lock(&lock);
	pinwatch_interval_set_seq(sub, cur_seq);
	mutex_unlock(&lock);
	return true;
}

static const struct pinwatch_interval_notifier_ops faults_ops = {
	.invalidate = faults_invalidate,
};

/* Subscribe to a new page of the process. */
static int subscribe(struct pinwatch_interval_notifier *sub)
{
	unsigned long page = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, 0);

	if (IS_ERR_VALUE(page))
		return (int)page;
	return pinwatch_interval_notifier_insert(sub, current->mm, page, PAGE_SIZE, &faults_ops);
}

/* Let the callback run, so that lockdep learns which lock it takes. */
static int unmap(const struct pinwatch_interval_notifier *sub)
{
	return vm_munmap(sub->interval_tree.start, PAGE_SIZE);
}

/* read_begin waits for callbacks, which take the lock. */
static int fault_begin(struct pinwatch_interval_notifier *sub)
{
	int ret = unmap(sub);

	mutex_lock(&lock);
	pinwatch_interval_read_begin(sub);
	mutex_unlock(&lock);
	return ret;
}

/* remove waits for callbacks, which take the lock. */
static int fault_remove(struct pinwatch_interval_notifier *sub)
{
	int ret = unmap(sub);

	mutex_lock(&lock);
	pinwatch_interval_notifier_remove(sub);
	mutex_unlock(&lock);
	left = NULL;
	return ret;
}

/*
 * The allocation can wait for reclaim, reclaim for a callback, and a callback for the lock. In
 * this boot the callback runs when insmod exits, and never in an invalidation: the order of
 * reclaim and callbacks is what insert has told.
 */
static int fault_reclaim(struct pinwatch_interval_notifier *sub)
{
	void *object;

	mutex_lock(&lock);
	object = kmalloc(sizeof(*sub), GFP_KERNEL);
	mutex_unlock(&lock);
	kfree(object);
	return 0;
}

/* read_begin may sleep, though it does not this time. */
static int fault_atomic(struct pinwatch_interval_notifier *sub)
{
	static DEFINE_SPINLOCK(spin);	/* protects nothing */

	spin_lock(&spin);
	pinwatch_interval_read_begin(sub);
	spin_unlock(&spin);
	return 0;
}

static noinline void drop(struct pinwatch_interval_notifier *sub)
{
	pinwatch_interval_notifier_remove(sub);
	left = NULL;
	kfree(sub);
}

static int fault_freed(struct pinwatch_interval_notifier *sub)
{
	drop(sub);
	/* The mistake. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return READ_ONCE(sub->interval_tree.start) ? 0 : -EFAULT;
}

/*
 * Many objects: kmemleak does not report one whose address is still on some stack, or in a sheaf
 * that the allocator (since 6.18) took it from and has not filled again.
 */
static int fault_leak(struct pinwatch_interval_notifier *sub)
{
	void **lost = kcalloc(NR_LOST, sizeof(*lost), GFP_KERNEL);
	unsigned int i;

	if (!lost)
		return -ENOMEM;
	for (i = 0; i < NR_LOST; i++)
		lost[i] = kmalloc(LOST_BYTES, GFP_KERNEL);
	kfree(lost);
	return 0;
}

static unsigned long counter;

static int race_count(void *data)
{
	while (!kthread_should_stop()) {
		counter++;
		cond_resched();
	}
	return 0;
}

/* Two threads count without a lock. */
static int fault_race(struct pinwatch_interval_notifier *sub)
{
	struct task_struct *threads[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = kthread_run(race_count, NULL, "pinwatch_race");
	msleep(RACE_MS);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		if (!IS_ERR(threads[i]))
			kthread_stop(threads[i]);
	return 0;
}

static const struct {
	const char *name;
	int (*make)(struct pinwatch_interval_notifier *sub);
} faults[] = {
	{ "begin", fault_begin },
	{ "remove", fault_remove },
	{ "reclaim", fault_reclaim },
	{ "atomic", fault_atomic },
	{ "freed", fault_freed },
	{ "leak", fault_leak },
	{ "race", fault_race },
};

static int __init faults_init(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(fault, faults[i].name))
			break;
	if (i == ARRAY_SIZE(faults))
		return -EINVAL;
	left = kzalloc(sizeof(*left), GFP_KERNEL);
	if (!left)
		return -ENOMEM;
	ret = subscribe(left);
	if (ret) {
		kfree(left);
		return ret;
	}
	return faults[i].make(left);
}
module_init(faults_init);

static void __exit faults_exit(void)
{
	if (left)
		pinwatch_interval_notifier_remove(left);
	kfree(left);
}
module_exit(faults_exit);

MODULE_DESCRIPTION("Mistakes of a driver, to test what a debug kernel reports");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("GPL v2");
