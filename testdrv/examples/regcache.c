// SPDX-License-Identifier: MIT
/*
 * A minimal registration cache. A buffer stays pinned after its first transfer, and later
 * transfers reuse the pin as long as pinwatch_valid() says that the mapping is unchanged.
 *
 * pinwatch_cache.h is a complete cache, with eviction, subranges and threads.
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

/* Returns a pinned and valid region for the buffer, or NULL if the pin fails. */
static struct region *region_get(char *addr, size_t length)
{
	struct region *region = &regions[((uintptr_t)addr >> 12) % NR_REGIONS];

	if (region->addr == addr && region->length == length && pinwatch_valid(&region->watch))
		return region;

	/* The slot has another buffer, or the mapping was changed: drop the old pages. */
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

	/* A cache without a generation would now send the old pages. */
	munmap(buffer, length);
	buffer = buffer_map(buffer, length);
	if (!region_get(buffer, length))
		return 1;
	printf("another mapping at the same address: %d registrations\n", nr_registrations);
	pinwatch_close(dev);
	return nr_registrations != 2;
}
