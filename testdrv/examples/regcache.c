// SPDX-License-Identifier: MIT
/*
 * Keep buffers registered with a network card, through pinwatch_cache. The program sends
 * and receives buffers, forks, and maps new memory at the same addresses. A buffer is
 * registered again only when its pages have changed.
 *
 * The card is a table of keys. In place of a transfer, the kernel compares the pages that
 * were registered under the key with the pages that are mapped at the buffer.
 *
 * usage: regcache [NUMBER-OF-TRANSFERS]
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pinwatch_cache.h"

#define NR_BUFFERS	8
#define LENGTH		(64UL << 10)
#define LIMIT		(NR_BUFFERS * LENGTH)	/* bytes that stay pinned while idle */
#define NR_TRANSFERS	1000
#define FORK_EVERY	50
#define REMAP_EVERY	100
#define NR_KEYS		64U

struct card {
	const struct pinwatch_cache_region *keys[NR_KEYS];
	unsigned long nr_registrations;
	unsigned long nr_stale;
};

static struct pinwatch *dev;
static struct pinwatch_cache *cache;
static struct card card;
static char *buffers[NR_BUFFERS];

/* The cache has pinned the region. This program has one thread: card needs no lock. */
static int card_add(void *arg, struct pinwatch_cache_region *region)
{
	struct card *c = arg;
	uintptr_t key;

	for (key = 1; key < NR_KEYS && c->keys[key]; key++)
		;
	if (key == NR_KEYS)
		return -ENOSPC;
	c->keys[key] = region;
	c->nr_registrations++;
	region->data = (void *)key;
	return 0;
}

/* The cache is about to unpin the region: the card must not use the key any more. */
static void card_remove(void *arg, struct pinwatch_cache_region *region)
{
	struct card *c = arg;

	c->keys[(uintptr_t)region->data] = NULL;
}

/* Returns 0, or -1 if the key does not stand for the pages of the buffer. */
static int card_transfer(const struct pinwatch_cache_region *region)
{
	struct pinwatch_watch_verify result;

	if (card.keys[(uintptr_t)region->data] == region &&
	    !pinwatch_watch_verify(dev, region->watch.id, 0, 0, NULL, &result) &&
	    result.verdict == PINWATCH_VERDICT_SAME)
		return 0;
	card.nr_stale++;
	return -1;
}

static int buffer_transfer(char *buffer, unsigned int intent)
{
	const struct pinwatch_cache_region *region;
	int ret = pinwatch_cache_get(cache, buffer, LENGTH, intent, &region);

	if (ret) {
		fprintf(stderr, "pinwatch_cache_get: %s\n", strerror(-ret));
		return ret;
	}
	ret = card_transfer(region);
	pinwatch_cache_put(cache, region);
	return ret;
}

static int buffer_map(char **buffer)
{
	char *addr = mmap(*buffer, LENGTH, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | (*buffer ? MAP_FIXED : 0), -1, 0);

	if (addr == MAP_FAILED)
		return -errno;
	*buffer = memset(addr, 'd', LENGTH);
	return 0;
}

/* The child uses neither cache nor handle, but closes its copy of the descriptor. */
static int child_run(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		pinwatch_close(dev);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status ? 0 : -1;
}

static int transfers_run(unsigned long nr)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; !ret && i < nr; i++) {
		char **buffer = &buffers[i % NR_BUFFERS];

		if (i % FORK_EVERY == FORK_EVERY - 1)
			ret = child_run();
		if (!ret && i % REMAP_EVERY == REMAP_EVERY - 1)
			ret = buffer_map(buffer);
		(*buffer)[0]++;
		if (!ret)
			ret = buffer_transfer(*buffer, i % 2 ? PINWATCH_CACHE_WRITE :
							       PINWATCH_CACHE_READ);
	}
	return ret;
}

static int cache_open(void)
{
	static const struct pinwatch_cache_ops ops = { .add = card_add, .remove = card_remove };
	int i, ret = pinwatch_open(&dev, NULL, 0);

	for (i = 0; !ret && i < NR_BUFFERS; i++)
		ret = buffer_map(&buffers[i]);
	if (!ret)
		ret = pinwatch_cache_create(&cache, dev, LIMIT, 0);
	return ret ? ret : pinwatch_cache_set_ops(cache, &ops, &card);
}

static void figures_print(unsigned long nr)
{
	struct pinwatch_cache_stats stats;

	pinwatch_cache_get_stats(cache, &stats);
	printf("%lu transfers, %lu forks, %lu remaps\n", nr, nr / FORK_EVERY, nr / REMAP_EVERY);
	printf("%lu registrations, %lu hits, %lu kept by REPIN, %lu stale keys\n",
	       card.nr_registrations, (unsigned long)stats.hits, (unsigned long)stats.kept,
	       card.nr_stale);
}

int main(int argc, char **argv)
{
	unsigned long nr = argc > 1 ? strtoul(argv[1], NULL, 0) : NR_TRANSFERS;
	int ret = cache_open();

	if (ret) {
		fprintf(stderr, "%s: %s\n", PINWATCH_DEVICE, strerror(-ret));
		return 1;
	}
	ret = transfers_run(nr);
	figures_print(nr);
	if (pinwatch_cache_destroy(cache))
		ret = -1;
	pinwatch_close(dev);
	return ret || card.nr_stale ? 1 : 0;
}
