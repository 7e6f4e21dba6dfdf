// SPDX-License-Identifier: GPL-2.0-only
/*
 * basic [NAME]: tests of the behaviour that the kernel-doc of pinwatch.h documents
 *
 * A test runs in a fiber. shim_settle() runs the other fibers until each of them
 * blocks, so that no test depends on time. A RACE_TEST() runs under many random schedules.
 */
#include <linux/workqueue.h>
#include "driver.h"

/* After the test: module exit, with the mm registered or released. No allocation is left. */
static void test_main_fiber(void *arg)
{
	bool released;

	*shim_param_idle_ms = 1000;
	pw_filter_from = 256;
	pw_filter_table_max = 1024;
	nr_cpu_ids = SHIM_NR_CPUS;
	memset(order, 0, sizeof(order));
	mm = shim_mm_alloc();
	shim_self()->cpu = 0;
	shim_self()->mm = mm;
	CHECK(!pw_core_init());
	(*(void (*const *)(void))arg)();
	released = !atomic_read(&mm->mm_users);
	pinwatch_interval_notifier_barrier();
	pw_core_exit();
	CHECK(!shim_nr_workqueues);
	if (!released)
		mmput(mm);
	else
		mmdrop(mm);
	shim_flush();
	CHECK(!shim_nr_allocs());
}

/* Return: the number of steps. */
static unsigned long fiber_run(const struct shim_run *run, void (*body)(void))
{
	unsigned long steps;

	shim_begin(run);
	shim_spawn("test", test_main_fiber, (void *)&body);
	shim_join();
	steps = shim_steps();
	shim_end();
	return steps;
}

void fiber_test(void (*body)(void), unsigned int nr_seeds)
{
	struct shim_run run = { .random = nr_seeds };

	do {
		test_seed_is(++run.seed);
		fiber_run(&run, body);
	} while (run.seed < nr_seeds);
}

void fiber_test_switches(void (*body)(void))
{
	struct shim_run run = { .seed = 1 };

	do
		run.switch_at[0]++;
	while (fiber_run(&run, body) > run.switch_at[0]);
}
