// SPDX-License-Identifier: MIT
/*
 * A driver's subscription, step by step: pinwatch_test.ko calls the functions of
 * module/pinwatch.h on request, so a program can try out their order.
 *
 *	ADD	pinwatch_interval_notifier_insert()
 *	BEGIN	seq = pinwatch_interval_read_begin()
 *	RETRY	pinwatch_interval_read_retry(seq), under the driver's lock
 *	DEL	pinwatch_interval_notifier_remove()
 *
 * Between BEGIN and RETRY a driver takes the pages. If RETRY returns true, the range was
 * invalidated in between: the driver must drop the pages and begin again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../tests/module/pinwatch_test.h"

#define NR_PAGES	4
#define PAGE_SIZE	4096UL

static int device;

/* Take the pages as a driver does; @meanwhile, if any, runs between BEGIN and RETRY. */
static int attempt(__u32 id, void (*meanwhile)(char *range), char *range)
{
	struct pinwatch_test_begin args = { .id = id };

	if (ioctl(device, PINWATCH_TEST_IOC_BEGIN, &args))
		return -1;
	if (meanwhile)
		meanwhile(range);
	if (ioctl(device, PINWATCH_TEST_IOC_RETRY, &args))
		return -1;
	return args.retry != 0;
}

static void discard(char *range)
{
	madvise(range + PAGE_SIZE, PAGE_SIZE, MADV_DONTNEED);
}

int main(void)
{
	struct pinwatch_test_add add = {
		.engine = PINWATCH_TEST_PINWATCH,
		.behaviour = PINWATCH_TEST_COUNTING,
		.length = NR_PAGES * PAGE_SIZE,
	};
	struct pinwatch_test_read seen = { 0 };
	struct pinwatch_test_del del = { 0 };
	int disturbed, undisturbed;
	char *range;

	range = mmap(NULL, NR_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	add.start = (__u64)(unsigned long)range;
	device = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);
	if (device < 0 || ioctl(device, PINWATCH_TEST_IOC_ADD, &add)) {
		perror(PINWATCH_TEST_DEVICE);
		return 1;
	}
	disturbed = attempt(add.id, discard, range);
	undisturbed = attempt(add.id, NULL, range);
	printf("with MADV_DONTNEED in between: retry is %d; without: %d\n", disturbed, undisturbed);

	seen.id = add.id;
	if (ioctl(device, PINWATCH_TEST_IOC_READ, &seen))
		return 1;
	printf("%llu callback, of %llx-%llx\n", seen.callbacks, seen.last_start, seen.last_end);
	del.id = add.id;
	if (ioctl(device, PINWATCH_TEST_IOC_DEL, &del))
		return 1;
	close(device);
	return disturbed != 1 || undisturbed != 0 || seen.callbacks != 1 ||
	       seen.last_start != add.start + PAGE_SIZE;
}
