// SPDX-License-Identifier: MIT
/*
 * A registration cache in its simplest form: buffers that were pinned stay so, and are
 * found again as long as their mapping is what it was. One load says whether it is.
 *
 * (For eviction, ranges inside larger ones and threads there is pinwatch_cache.h.)
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "libpinwatch.h"

#define NR_REGIONS	64

static struct region {
	char *addr;
	size_t length;
	struct pinwatch_watch watch;
} regions[NR_REGIONS];

static struct pinwatch *dev;
static int nr_registrations;

/* The region of this buffer, which is pinned and true; NULL: it cannot be pinned. */
static struct region *region_get(char *addr, size_t length)
{
	struct region *region = &regions[((uintptr_t)addr >> 12) % NR_REGIONS];

	if (region->addr == addr && region->length == length && pinwatch_valid(&region->watch))
		return region;

	/* Another buffer's, or the mapping was changed: the old pages are of no use. */
	if (region->addr)
		pinwatch_watch_del(dev, &region->watch);
	region->addr = NULL;
	if (pinwatch_watch_add(dev, addr, length, PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE, 0,
			       &region->watch))
		return NULL;
	nr_registrations++;
	region->addr = addr;
	region->length = length;
	return region;
}

static char *buffer_map(char *addr, size_t length)
{
	return mmap(addr, length, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0), -1, 0);
}

int main(void)
{
	size_t length = 1 << 20;
	char *buffer = buffer_map(NULL, length);
	int i, ret = pinwatch_open(&dev, NULL, 0);

	if (ret) {
		fprintf(stderr, "%s: %s\n", PINWATCH_DEVICE, strerror(-ret));
		return 1;
	}
	for (i = 0; i < 1000; i++)
		if (!region_get(buffer, length))
			return 1;
	printf("1000 transfers, %d registration\n", nr_registrations);

	/* What makes caches without such a word send stale pages. */
	munmap(buffer, length);
	buffer = buffer_map(buffer, length);
	if (!region_get(buffer, length))
		return 1;
	printf("another mapping at the same address: %d registrations\n", nr_registrations);
	pinwatch_close(dev);
	return nr_registrations != 2;
}
