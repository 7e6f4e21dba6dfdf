// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: threads, statistics and the verdict
 *
 * insmod starts the torture. It ends after the given time or at the first error: then the
 * parameter "done" reads Y. rmmod ends it, too, waits until each thread has made its step, and
 * prints one line with the verdict, "End of test: SUCCESS" or "End of test: FAILURE".
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include "torture.h"

static char *torture_type = "pinwatch";
module_param(torture_type, charp, 0444);
MODULE_PARM_DESC(torture_type, "pinwatch: of pinwatch.ko; delayed: a copy of the engine with delays; pinwatch_plain, delayed_plain: these with subscriptions of one kind; native: the kernel's; broken_retry, broken_late, broken_early, broken_mark, broken_remove, broken_put: the copy with a fault (pinwatch)");

static unsigned int seconds = 60;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "duration, in seconds; 0: until the module is unloaded (60)");

static unsigned int stat_seconds = 15;
module_param(stat_seconds, uint, 0444);
MODULE_PARM_DESC(stat_seconds, "time from one line of statistics to the next, in seconds (15)");

static unsigned int stall_seconds = 60;
module_param(stall_seconds, uint, 0444);
MODULE_PARM_DESC(stall_seconds, "a thread that makes no step in this time is a failure, in seconds (60)");

static unsigned int nr_readers = 4;
module_param(nr_readers, uint, 0444);
MODULE_PARM_DESC(nr_readers, "threads that read through shadow page tables, at most 64 (4)");

static unsigned int nr_invalidators = 3;
module_param(nr_invalidators, uint, 0444);
MODULE_PARM_DESC(nr_invalidators, "threads that replace pages, at most 64 (3)");

static unsigned int nr_inserters = 2;
module_param(nr_inserters, uint, 0444);
MODULE_PARM_DESC(nr_inserters, "threads that remove and insert subscriptions, at most 64 (2)");

static bool done;
module_param(done, bool, 0444);
MODULE_PARM_DESC(done, "read only: the torture has ended");

#define MAX_THREADS	64U	/* of a kind */
#define NAME		"pinwatch-torture: "

DEFINE_PER_CPU(struct pt_counts, pt_counts);

/* mm_users and mm_count of the mm of insmod, until the last phase */
struct mm_struct *pt_mm;
const struct pt_flavour *pt_flavour;

static atomic_t nr_errors = ATOMIC_INIT(0);
static unsigned long started;

/**
 * struct torture_thread - a thread
 * @task: The thread, with a reference of kthread_stop().
 * @step: What it does over and over.
 * @steps: Number of steps. Written by the thread.
 * @seen_steps: The number at @seen_at. Of the statistics.
 * @seen_at: When the number has changed last, in jiffies. Of the statistics.
 */
struct torture_thread {
	struct task_struct *task;
	void (*step)(void);
	unsigned long steps;
	unsigned long seen_steps;
	unsigned long seen_at;
};

static struct torture_thread threads[3 * MAX_THREADS];
static unsigned int nr_threads;
static struct task_struct *stats_task;

/**
 * pt_error() - note an error, which ends the torture
 * @format: The first errors are printed.
 */
void pt_error(const char *format, ...)
{
	struct va_format message = { .fmt = format };
	va_list args;

	if (atomic_inc_return(&nr_errors) > 5)
		return;
	va_start(args, format);
	message.va = &args;
	pr_alert(NAME "error: %pV\n", &message);
	va_end(args);
}

/* @since: In jiffies. */
static bool has_passed(unsigned int duration_seconds, unsigned long since)
{
	return time_after(jiffies, since + (unsigned long)duration_seconds * HZ);
}

static bool time_is_over(void)
{
	return seconds && has_passed(seconds, started);
}

static bool must_stop(void)
{
	return atomic_read(&nr_errors) || time_is_over();
}

static int thread_run(void *data)
{
	struct torture_thread *thread = data;

	kthread_use_mm(pt_mm);
	while (!kthread_should_stop()) {
		if (must_stop()) {
			schedule_timeout_interruptible(HZ / 10);
			continue;
		}
		thread->step();
		WRITE_ONCE(thread->steps, thread->steps + 1);
		pt_delay();
		cond_resched();
	}
	kthread_unuse_mm(pt_mm);
	return 0;
}

static u64 counted(enum pt_count which)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(pt_counts, cpu).nr[which]);
	return sum;
}

static unsigned int run_seconds(void)
{
	return (jiffies - started) / HZ;
}

static void print_counts(const char *what, unsigned int ran)
{
	pr_alert(NAME "%s: torture_type=%s seconds=%u errors=%d reads=%llu faults=%llu collisions=%llu no_page=%llu timeouts=%llu unmaps=%llu callbacks=%llu second_passes=%llu inserts=%llu puts=%llu\n",
		 what, pt_flavour->name, ran, atomic_read(&nr_errors), counted(PT_READS),
		 counted(PT_FAULTS), counted(PT_COLLISIONS), counted(PT_NO_PAGE),
		 counted(PT_BEGIN_TIMEOUTS), counted(PT_UNMAPS), counted(PT_CALLBACKS),
		 counted(PT_SECOND_PASSES), counted(PT_INSERTS), counted(PT_PUTS));
}

static void check_progress(void)
{
	unsigned int i;

	for (i = 0; i < nr_threads; i++) {
		struct torture_thread *thread = &threads[i];
		unsigned long steps = READ_ONCE(thread->steps);

		if (steps != thread->seen_steps) {
			thread->seen_steps = steps;
			thread->seen_at = jiffies;
		} else if (has_passed(stall_seconds, thread->seen_at)) {
			pt_error("%s has made no step for %u seconds", thread->task->comm,
				 stall_seconds);
		}
	}
}

static int stats_thread(void *unused)
{
	unsigned long printed = jiffies;

	while (!kthread_should_stop() && !must_stop()) {
		schedule_timeout_interruptible(HZ / 2);
		check_progress();
		if (has_passed(stat_seconds, printed)) {
			print_counts("Statistics", run_seconds());
			printed = jiffies;
		}
	}
	WRITE_ONCE(done, true);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int thread_start(void (*step)(void), const char *kind, unsigned int number)
{
	struct torture_thread *thread = &threads[nr_threads];
	struct task_struct *task;

	thread->step = step;
	thread->seen_at = jiffies;
	task = kthread_run(thread_run, thread, "pw_%s/%u", kind, number);
	if (IS_ERR(task))
		return PTR_ERR(task);
	thread->task = task;
	nr_threads++;
	return 0;
}

static int threads_start(unsigned int nr, void (*step)(void), const char *kind)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < min(nr, MAX_THREADS); i++)
		ret = thread_start(step, kind, i);
	return ret;
}

static int start_all(void)
{
	int ret;

	started = jiffies;
	ret = threads_start(nr_invalidators, pt_memory_unmap, "invalidator");
	if (!ret)
		ret = threads_start(nr_inserters, pt_shadow_reinsert, "inserter");
	if (!ret)
		ret = threads_start(nr_readers, pt_shadow_read, "reader");
	if (ret)
		return ret;
	stats_task = kthread_run(stats_thread, NULL, "pw_stats");
	return PTR_ERR_OR_ZERO(stats_task);
}

/* A run in which nothing happened proves nothing. */
static void check_counts(void)
{
	static const char * const names[PT_NR_COUNTS] = {
		[PT_READS] = "read", [PT_FAULTS] = "fault", [PT_COLLISIONS] = "collision",
		[PT_UNMAPS] = "unmap", [PT_CALLBACKS] = "callback", [PT_INSERTS] = "insert",
	};
	unsigned int i;

	if (atomic_read(&nr_errors) || pt_flavour->fault)
		return;
	for (i = 0; i < PT_NR_COUNTS; i++)
		if (names[i] && !counted(i))
			pt_error("there was no %s", names[i]);
	if (pt_flavour->api && !counted(PT_PUTS))
		pt_error("there was no put");
	if (pt_flavour->api && !pt_flavour->plain && !counted(PT_SECOND_PASSES))
		pt_error("there was no second pass");
}

static void stop_all(void)
{
	unsigned int i;

	if (!IS_ERR_OR_NULL(stats_task))
		kthread_stop(stats_task);
	for (i = 0; i < nr_threads; i++)
		kthread_stop(threads[i].task);
}

/*
 * The last user of the mm goes: release, with all subscriptions inserted. Only the task that
 * drops the last reference knows when release has ended.
 */
static void release_mm(void)
{
	bool last = atomic_read(&pt_mm->mm_users) == 1;

	mmput(pt_mm);
	if (last)
		pt_shadow_check_released();
	else
		pr_alert(NAME "the mm has another user: release is not checked\n");
}

/* After stop_all(). Also undoes a part of torture_start(). */
static void torture_end(void)
{
	release_mm();
	pt_shadow_exit();
	pt_flavour_barrier();
	pt_order_unregister();
	pt_memory_exit();
	pt_engine_exit();
	mmdrop(pt_mm);
}

static int torture_start(void)
{
	int ret = pt_memory_init();

	if (!ret)
		ret = pt_order_register_inner();
	if (!ret)
		ret = pt_shadow_init();
	if (!ret)
		ret = pt_order_register_outer();
	if (!ret)
		ret = start_all();
	return ret;
}

static int __init torture_init(void)
{
	int ret;

	pt_flavour = pt_flavour_find(torture_type);
	if (!pt_flavour) {
		pr_alert(NAME "no torture_type \"%s\"\n", torture_type);
		return -EINVAL;
	}
	pt_delay_init();
	ret = pt_engine_init();
	if (ret)
		return ret;
	pt_mm = current->mm;
	mmgrab(pt_mm);
	mmget(pt_mm);
	pr_alert(NAME "Start of test: torture_type=%s seconds=%u nr_readers=%u nr_invalidators=%u nr_inserters=%u\n",
		 pt_flavour->name, seconds, nr_readers, nr_invalidators, nr_inserters);
	ret = torture_start();
	if (ret) {
		pr_alert(NAME "cannot start: error %d\n", ret);
		stop_all();
		torture_end();
	}
	return ret;
}

static void __exit torture_exit(void)
{
	unsigned int ran = min(run_seconds(), seconds ?: UINT_MAX);

	stop_all();
	check_counts();
	torture_end();
	print_counts(atomic_read(&nr_errors) ? "End of test: FAILURE" :
					       "End of test: SUCCESS", ran);
}

module_init(torture_init);
module_exit(torture_exit);

MODULE_DESCRIPTION("Torture of pinwatch: shadow page tables over pages that are replaced");
MODULE_AUTHOR("The pinwatch developers");
MODULE_LICENSE("GPL v2");
