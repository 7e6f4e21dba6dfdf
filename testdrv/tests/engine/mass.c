// SPDX-License-Identifier: MIT
/*
 * engine: invalidations that overlap a hundred thousand subscriptions
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "engine.h"

#define NR		100000UL
#define STRIDE		(2 * PAGE)
#define NR_THREADS	3UL
#define ROUNDS		3UL

static void mass(int fd, unsigned long request, struct pinwatch_test_mass *arg)
{
	CHECK_EQ(ioctl(fd, request, arg), 0);
}

TEST(engine_mass, .parallel = true)
{
	struct pinwatch_test_mass arg = { .nr = NR, .stride = STRIDE, .length = PAGE };
	struct task tasks[ROUNDS * NR_THREADS];
	struct pinwatch_stats before = pw_stats();
	unsigned int round, i, late = 0, slept = 0;
	struct native native;
	uint64_t expected = 0;
	int fd = driver_open();
	char *area;

	tasks_prepare(ROUNDS * NR_THREADS);
	native_add(&native, fd);
	area = mmap(NULL, NR * STRIDE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(area != MAP_FAILED);
	arg.start = (uintptr_t)area;
	mass(fd, PINWATCH_TEST_IOC_MASS_ADD, &arg);

	for (round = 0; round < ROUNDS; round++) {
		struct task *task = &tasks[round * NR_THREADS];

		/* Three overlapping ranges: the first 80 %, the last 80 %, all. */
		task_dontneed(&task[0], area, NR / 5 * 4 * STRIDE);
		task_dontneed(&task[1], area + NR / 5 * STRIDE, NR / 5 * 4 * STRIDE);
		task_dontneed(&task[2], area, NR * STRIDE);
		expected += NR / 5 * 4 * 2 + NR;
		for (i = 0; i < 50; i++) {
			late = sub_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING,
				       area + (NR / 50 * i) * STRIDE, PAGE).id;
			slept += sub_del(fd, late).sleeps;
		}
		for (i = 0; i < NR_THREADS; i++)
			task_join(&task[i]);
	}
	mass(fd, PINWATCH_TEST_IOC_MASS_READ, &arg);
	test_check(arg.nr == NR && arg.callbacks == expected,
		   "%lu subscriptions, each callback once (%llu)", NR,
		   (unsigned long long)arg.callbacks);
	test_check(arg.least == 2 * ROUNDS && arg.most == 3 * ROUNDS,
		   "each subscription was called once per range over the subscription");
	test_check(arg.busy == 0, "after all invalidations no read_begin waits (%u)",
		   arg.busy);
	test_note("%u removes met a callback of the removed subscription", slept);
	arg.nr = 0;
	mass(fd, PINWATCH_TEST_IOC_MASS_ADD, &arg);
	test_check(pw_stats().nr_subscriptions == before.nr_subscriptions,
		   "all subscriptions are removed");
	native_check(&native);
	close(fd);
}
