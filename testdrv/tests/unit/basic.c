// SPDX-License-Identifier: GPL-2.0-only
/*
 * basic [NAME]: tests of the behaviour that the kernel-doc of pinwatch.h documents
 *
 * A test runs in a fiber. shim_settle() runs the other fibers until each of them
 * blocks, so that no test depends on time. A RACE runs under many random schedules.
 */
#include "driver.h"

static const struct test *const all[] = {
	tests_engine, tests_pass, tests_filter, tests_life, tests_veto,
};

/* After the test: module exit, with the mm registered or released. No allocation is left. */
static void test_main(void *arg)
{
	bool released;

	*shim_param_idle_ms = 1000;
	memset(order, 0, sizeof(order));
	mm = shim_mm_alloc();
	shim_self()->cpu = 0;
	shim_self()->mm = mm;
	(*(void (*const *)(void))arg)();
	released = !atomic_read(&mm->mm_users);
	pinwatch_interval_notifier_barrier();
	pw_core_exit();
	if (!released)
		mmput(mm);
	else
		mmdrop(mm);
	shim_flush();
	ok(!shim_nr_allocs());
}

static void run_test(const struct test *t)
{
	struct shim_run run = { .random = t->seeds };

	tap_test(t->name);
	do {
		tap_seed = ++run.seed;
		shim_begin(&run);
		shim_spawn("test", test_main, (void *)&t->fn);
		shim_join();
		shim_end();
	} while (run.seed < t->seeds);
}

int main(int argc, char **argv)
{
	const struct test *t;
	unsigned int i;

	tap_begin("basic", 60);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (t = all[i]; t->name; t++)
			if (argc <= 1 || !strcmp(argv[1], t->name))
				run_test(t);
	return tap_end();
}
