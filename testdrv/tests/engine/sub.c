// SPDX-License-Identifier: MIT
/*
 * engine: the ioctls of /dev/pinwatch_test
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "engine.h"

#define PATIENCE_MS	15000

static int last_fd = -1;

int driver_open(void)
{
	int fd = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	last_fd = fd;
	return fd;
}

/* A failed test releases callbacks and tasks that are held, so that close can return. */
void test_abort(void)
{
	unsigned long id;

	for (id = 0; id < PINWATCH_TEST_MAX_SUBS; id++)
		ioctl(last_fd, PINWATCH_TEST_IOC_RELEASE, id);
	ioctl(last_fd, PINWATCH_TEST_IOC_RELEASE, (unsigned long)PINWATCH_TEST_STALL);
}

int sub_try_add(int fd, struct pinwatch_test_add *add)
{
	return ioctl(fd, PINWATCH_TEST_IOC_ADD, add) ? -errno : 0;
}

struct pinwatch_test_add sub_add(int fd, unsigned int engine, unsigned int behaviour,
				 char *start, size_t length)
{
	struct pinwatch_test_add add = {
		.engine = engine,
		.behaviour = behaviour,
		.start = (uintptr_t)start,
		.length = length,
	};

	CHECK_EQ(sub_try_add(fd, &add), 0);
	return add;
}

unsigned int sub_add_with(int fd, struct pinwatch_test_add add)
{
	CHECK_EQ(sub_try_add(fd, &add), 0);
	return add.id;
}

unsigned int sub_add_slow(int fd, unsigned int engine, char *start, size_t length,
			  unsigned int sleep_us)
{
	return sub_add_with(fd, (struct pinwatch_test_add) {
		.engine = engine,
		.behaviour = PINWATCH_TEST_SLOW,
		.sleep_us = sleep_us,
		.start = (uintptr_t)start,
		.length = length,
	});
}

struct pinwatch_test_time sub_del(int fd, unsigned int id)
{
	struct pinwatch_test_del del = { .id = id };

	CHECK_EQ(ioctl(fd, PINWATCH_TEST_IOC_DEL, &del), 0);
	return del.time;
}

struct pinwatch_test_read sub_read(int fd, unsigned int id)
{
	struct pinwatch_test_read read = { .id = id };

	CHECK_EQ(ioctl(fd, PINWATCH_TEST_IOC_READ, &read), 0);
	return read;
}

struct pinwatch_test_begin sub_begin(int fd, unsigned int id)
{
	struct pinwatch_test_begin begin = { .id = id };

	CHECK_EQ(ioctl(fd, PINWATCH_TEST_IOC_BEGIN, &begin), 0);
	return begin;
}

int sub_try_begin(int fd, struct pinwatch_test_begin *begin)
{
	return ioctl(fd, PINWATCH_TEST_IOC_BEGIN, begin) ? -errno : 0;
}

bool sub_retry(int fd, unsigned int id, uint64_t seq)
{
	struct pinwatch_test_begin retry = { .id = id, .seq = seq };

	CHECK_EQ(ioctl(fd, PINWATCH_TEST_IOC_RETRY, &retry), 0);
	return retry.retry;
}

void sub_wait(int fd, unsigned int id, unsigned int inside)
{
	struct pinwatch_test_wait wait = {
		.id = id,
		.inside = inside,
		.timeout_ms = PATIENCE_MS,
	};

	CHECK_EQ(ioctl(fd, PINWATCH_TEST_IOC_WAIT, &wait), 0);
}

void sub_release(int fd, unsigned int id)
{
	CHECK_EQ(ioctl(fd, PINWATCH_TEST_IOC_RELEASE, (unsigned long)id), 0);
}

void native_add(struct native *native, int fd)
{
	native->fd = fd;
	native->page = map_pages(1);
	native->id = sub_add(fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING,
			     native->page, PAGE).id;
}

void native_check(const struct native *native)
{
	uint64_t before = sub_read(native->fd, native->id).callbacks;
	uint64_t seq = sub_begin(native->fd, native->id).seq;

	CHECK_EQ(madvise(native->page, PAGE, MADV_DONTNEED), 0);
	test_check(sub_retry(native->fd, native->id, seq) &&
		   sub_read(native->fd, native->id).callbacks == before + 1,
		   "the kernel's own notifier in this mm is called back");
	seq = sub_begin(native->fd, native->id).seq;
	test_check(!sub_retry(native->fd, native->id, seq), "... and read_begin returns");
}
