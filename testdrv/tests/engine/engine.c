// SPDX-License-Identifier: MIT
/*
 * engine: the counters of pinwatch, and the check after each test that nothing is left
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "engine.h"

#define PATIENCE_S	15

struct pinwatch_stats pw_stats(void)
{
	struct pinwatch_stats stats = { .size = sizeof(stats) };
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, PINWATCH_IOC_GET_STATS, &stats), 0);
	close(fd);
	return stats;
}

/* Wait until a count has grown. */
static void await(uint64_t waits, uint64_t remove_waits)
{
	time_t end = time(NULL) + PATIENCE_S;
	struct pinwatch_stats stats;

	do {
		stats = pw_stats();
		if (stats.waits > waits || stats.remove_waits > remove_waits)
			return;
		sched_yield();
	} while (time(NULL) < end);
	FAIL("no task waits");
}

void await_waits(uint64_t count)
{
	await(count, UINT64_MAX);
}

void await_remove_waits(uint64_t count)
{
	await(UINT64_MAX, count);
}

/* Wait until no subscription and no registered mm is left. Grace periods delay the end. */
static bool settles(void)
{
	time_t end = time(NULL) + PATIENCE_S;
	struct pinwatch_stats stats;

	do {
		stats = pw_stats();
		if (!stats.nr_mms && !stats.nr_subscriptions)
			return true;
		sched_yield();
	} while (time(NULL) < end);
	return false;
}

void test_setup(void)
{
	if (!settles())
		FAIL("another program uses pinwatch");
}

const char *test_check_after(void)
{
	return settles() ? NULL : "the test left registrations or subscriptions behind";
}

char *map_pages(size_t nr)
{
	char *map = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	CHECK(map != MAP_FAILED);
	madvise(map, nr * PAGE, MADV_NOHUGEPAGE);
	for (i = 0; i < nr; i++)
		map[i * PAGE] = 1;
	return map;
}
