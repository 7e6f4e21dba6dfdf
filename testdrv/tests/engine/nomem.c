// SPDX-License-Identifier: MIT
/*
 * engine: insert while its allocations fail, one at a time. Only on a debug kernel (nth.h), so
 * these tests run only by name or with --full.
 */
#include <sys/mman.h>
#include "engine.h"
#include "nth.h"

#define NR_PAGES	4UL
#define BLOCK	(64UL << 20)	/* of vetoes */

static int fd;
static struct pinwatch_test_add wanted;
static unsigned int flags;

static void with_driver(void)
{
	char *map = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(map != MAP_FAILED);
	fd = driver_open();
	wanted = (struct pinwatch_test_add){
		.engine = PINWATCH_TEST_PINWATCH, .behaviour = PINWATCH_TEST_COUNTING,
		.flags = flags, .start = (uintptr_t)map, .length = NR_PAGES * PAGE,
	};
}

/* The mm is registered. The next subscription is in another block. */
static void with_sub(void)
{
	with_driver();
	wanted.flags = 0;
	CHECK_EQ(sub_try_add(fd, &wanted), 0);
	wanted.flags = flags;
	wanted.start += BLOCK;
}

static int call_insert(void)
{
	struct pinwatch_test_add add = wanted;

	return sub_try_add(fd, &add);
}

static void sweep(unsigned int with, unsigned int least)
{
	const struct nth_case cases[] = {
		{ "insert, the first", with_driver, call_insert, least + 2 },
		{ "insert, the second", with_sub, call_insert, least },
	};

	flags = with;
	nth_sweep(&cases[0]);
	nth_sweep(&cases[1]);
}

/* The test module allocates the subscription. */
TEST(nomem_insert, .full = true, .seconds = 600)
{
	sweep(0, 1);
}

TEST(nomem_insert_locked, .full = true, .seconds = 600)
{
	sweep(PINWATCH_TEST_F_LOCKED, 1);
}

TEST(nomem_insert_sleeper, .full = true, .seconds = 600)
{
	sweep(PINWATCH_TEST_F_SLEEPS, 2);
}

TEST(nomem_insert_sleeper_locked, .full = true, .seconds = 600)
{
	sweep(PINWATCH_TEST_F_SLEEPS | PINWATCH_TEST_F_LOCKED, 1);
}

TEST(nomem_insert_two_pass, .full = true, .seconds = 600)
{
	sweep(PINWATCH_TEST_F_TWO_PASS, 1);
}

TEST(nomem_insert_filtered, .full = true, .seconds = 600)
{
	sweep(PINWATCH_TEST_F_OWNER, 1);
}
