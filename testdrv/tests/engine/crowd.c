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

static void crowd(int fd, unsigned long request, struct pinwatch_test_mass *arg)
{
	if (ioctl(fd, request, arg))
		die("CROWD");
}

void engine_crowd(void)
{
	struct pinwatch_test_mass arg = { .nr = NR, .stride = STRIDE, .length = PAGE };
	struct task tasks[ROUNDS * NR_THREADS];
	struct pinwatch_stats before = pw_stats();
	unsigned int round, i, late = 0, slept = 0;
	struct neighbour neighbour;
	uint64_t expected = 0;
	int fd = lab_open();
	char *area;

	tasks_prepare(ROUNDS * NR_THREADS);
	neighbour_add(&neighbour, fd);
	area = mmap(NULL, NR * STRIDE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	arg.start = (uintptr_t)area;
	crowd(fd, PINWATCH_TEST_IOC_MASS_ADD, &arg);

	for (round = 0; round < ROUNDS; round++) {
		struct task *task = &tasks[round * NR_THREADS];

		/* The first 80 %, the last 80 %, all: over each other. */
		task_dontneed(&task[0], area, NR / 5 * 4 * STRIDE);
		task_dontneed(&task[1], area + NR / 5 * STRIDE, NR / 5 * 4 * STRIDE);
		task_dontneed(&task[2], area, NR * STRIDE);
		expected += NR / 5 * 4 * 2 + NR;
		for (i = 0; i < 50; i++) {
			late = lab_add(fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING,
				       area + (NR / 50 * i) * STRIDE, PAGE).id;
			slept += lab_del(fd, late).sleeps;
		}
		for (i = 0; i < NR_THREADS; i++)
			task_join(&task[i]);
	}
	crowd(fd, PINWATCH_TEST_IOC_MASS_READ, &arg);
	check(arg.nr == NR && arg.callbacks == expected,
	      "%lu subscriptions, each callback once (%llu)", NR,
	      (unsigned long long)arg.callbacks);
	check(arg.least == 2 * ROUNDS && arg.most == 3 * ROUNDS,
	      "each as often as it was hit");
	check(arg.busy == 0, "when all have ended no read_begin waits (%u)", arg.busy);
	remark("%u removes beside them met their own callback", slept);
	arg.nr = 0;
	crowd(fd, PINWATCH_TEST_IOC_MASS_ADD, &arg);
	check(pw_stats().nr_subscriptions == before.nr_subscriptions, "all are removed");
	neighbour_check(&neighbour);
	close(fd);
}
