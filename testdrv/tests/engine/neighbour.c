// SPDX-License-Identifier: MIT
/*
 * engine: another driver's mmu_interval_notifier beside a pinwatch sleeper elsewhere
 *
 * The kernel's read_begin and remove wait while an invalidation is in flight that overlaps
 * any notifier in the kernel's tree of the mm. For a subscription that may sleep, pinwatch
 * inserts such a notifier, the veto. Eight threads invalidate memory whose callback sleeps.
 * Neither the other driver's notifier nor the sleeper is in that memory, so the calls of
 * the other driver must not wait, as without the sleeper.
 */
#include <sys/mman.h>
#include <unistd.h>
#include "engine.h"
#include "invalidator.h"

#define SLEEP_US	20000
#define NR_RUNS		5
#define WATCHDOG_MS	5000
#define BLOCK		(64UL << 20)	/* of a veto */

/* Three single pages, and the invalidated pages, each in a block of its own */
struct places {
	int fd;
	char *neighbour;
	char *invalidated;
	char *sleeper;
};

static void places_init(struct places *places)
{
	char *map = mmap(NULL, 3 * BLOCK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(map != MAP_FAILED);
	places->fd = driver_open();
	places->neighbour = map;
	places->invalidated = map + BLOCK;
	places->sleeper = map + 2 * BLOCK;
}

/* Return: the time of read_begin and remove of the other driver, and their sleeps. */
static struct pinwatch_test_time neighbour_calls(const struct places *places, unsigned int id)
{
	struct pinwatch_test_time begin = sub_begin(places->fd, id).time;
	struct pinwatch_test_time del = sub_del(places->fd, id);

	return (struct pinwatch_test_time){ .ns = begin.ns + del.ns,
					    .sleeps = begin.sleeps + del.sleeps };
}

/*
 * The slow subscription is added last: pthread_create() takes the mmap lock for writing, and
 * on 5.10 threads that are in slow callbacks in turn can keep the lock for reading for ever.
 */
static struct pinwatch_test_time run_once(const struct places *places)
{
	struct invalidator invalidator;
	struct pinwatch_test_time time;
	unsigned int id, slow;

	id = sub_add(places->fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING,
		     places->neighbour, PAGE).id;
	invalidator_start(&invalidator, places->invalidated, INVALIDATOR_MAX_THREADS);
	invalidator_watch(&invalidator, WATCHDOG_MS);
	slow = sub_add_slow(places->fd, PINWATCH_TEST_PINWATCH, places->invalidated,
			    INVALIDATOR_MAX_THREADS * PAGE, SLEEP_US);
	sub_wait(places->fd, slow, INVALIDATOR_MAX_THREADS);
	time = neighbour_calls(places, id);
	sub_del(places->fd, slow);
	invalidator_stop(&invalidator);
	return time;
}

/* Return: the number of sleeps of all runs. */
static unsigned int run_all(const struct places *places, const char *what)
{
	struct pinwatch_test_time time;
	unsigned int i, sleeps = 0;

	for (i = 0; i < NR_RUNS; i++) {
		time = run_once(places);
		test_note("%s: %llu us, %u sleeps", what, (unsigned long long)time.ns / 1000,
			  time.sleeps);
		sleeps += time.sleeps;
	}
	return sleeps;
}

TEST(engine_neighbour_of_a_sleeper)
{
	struct pinwatch_test_add sleeper;
	struct places places;

	places_init(&places);
	/* The mm stays registered. */
	sub_add(places.fd, PINWATCH_TEST_PINWATCH, PINWATCH_TEST_COUNTING, places.neighbour, PAGE);
	test_check(!run_all(&places, "without a sleeper"),
		   "without a sleeper, the other driver does not wait");
	sleeper = (struct pinwatch_test_add){
		.behaviour = PINWATCH_TEST_COUNTING,
		.flags = PINWATCH_TEST_F_SLEEPS,
		.start = (uintptr_t)places.sleeper,
		.length = PAGE,
	};
	CHECK_EQ(sub_try_add(places.fd, &sleeper), 0);
	test_check(!run_all(&places, "beside a sleeper"),
		   "beside a sleeper elsewhere, the other driver does not wait");
	sub_del(places.fd, sleeper.id);
	test_check(!run_all(&places, "after a sleeper"),
		   "after the sleeper, the other driver does not wait");
	close(places.fd);
}
