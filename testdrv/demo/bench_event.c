// SPDX-License-Identifier: MIT
/* Events per second, and the cost of a validation; see bench.h. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define NR_PAGES	64
#define INVALIDATE_NS	2000000000ULL
#define BATCH		64
#define NR_LOOKS	1000000

/* A thread: invalidates page after page for INVALIDATE_NS. */
struct invalidator {
	char *addr;
	size_t page_size;
	uint64_t nr;
	uint64_t ns;
	bool done;
	pthread_t thread;
};

static void *invalidator_run(void *data)
{
	struct invalidator *inv = data;
	uint64_t begin = now_ns();

	do {
		size_t i;

		for (i = 0; i < NR_PAGES; i++)
			madvise(inv->addr + i * inv->page_size, inv->page_size,
				MADV_DONTNEED);
		inv->nr += NR_PAGES;
		inv->ns = now_ns() - begin;
	} while (inv->ns < INVALIDATE_NS);
	__atomic_store_n(&inv->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool invalidator_done(const struct invalidator *inv)
{
	return __atomic_load_n(&inv->done, __ATOMIC_ACQUIRE);
}

/* Read until the invalidator is done. Returns the number of records. */
static uint64_t invalidator_read(const struct invalidator *inv, struct pinwatch *dev)
{
	struct pinwatch_event events[BATCH];
	uint64_t nr = 0;

	while (!invalidator_done(inv)) {
		int ret = pinwatch_read_events(dev, events, BATCH);

		nr += ret > 0 ? (uint64_t)ret : 0;
	}
	return nr;
}

static int invalidator_time(struct bench *bench, struct invalidator *inv, struct pinwatch *dev)
{
	uint64_t nr_records = 0;
	int ret;

	inv->nr = 0;
	inv->done = false;
	ret = pthread_create(&inv->thread, NULL, invalidator_run, inv);
	if (ret)
		return -ret;
	if (dev)
		nr_records = invalidator_read(inv, dev);
	pthread_join(inv->thread, NULL);
	bench_report(bench, dev ? "invalidations, watched and read" : "invalidations, unwatched",
		     NR_PAGES, (double)inv->nr * 1e9 / (double)inv->ns, "a second");
	if (dev)
		bench_report(bench, "event records read", NR_PAGES,
			     (double)nr_records * 1e9 / (double)inv->ns, "a second");
	return 0;
}

static int watches_add(const struct invalidator *inv, struct pinwatch *dev)
{
	struct pinwatch_watch watch;
	size_t i;
	int ret = 0;

	for (i = 0; i < NR_PAGES && !ret; i++)
		ret = pinwatch_watch_add(dev, inv->addr + i * inv->page_size, inv->page_size,
					 0, i, &watch);
	return ret;
}

int bench_events(struct bench *bench)
{
	struct invalidator inv = { .page_size = (size_t)sysconf(_SC_PAGESIZE) };
	struct pinwatch *dev;
	int ret;

	inv.addr = bench_memory(NR_PAGES * inv.page_size, true);
	if (!inv.addr)
		return -ENOMEM;
	ret = pinwatch_open(&dev, bench->device, PINWATCH_OPEN_NONBLOCK);
	if (!ret) {
		ret = invalidator_time(bench, &inv, NULL);
		if (!ret)
			ret = watches_add(&inv, dev);
		if (!ret)
			ret = invalidator_time(bench, &inv, dev);
		pinwatch_close(dev);
	}
	munmap(inv.addr, NR_PAGES * inv.page_size);
	return ret;
}

int bench_valid(struct bench *bench)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	char *addr = bench_memory(page_size, true);
	struct pinwatch_watch watch;
	struct pinwatch *dev;
	int i, nr_valid = 0, ret;
	uint64_t begin;

	if (!addr)
		return -ENOMEM;
	ret = pinwatch_open(&dev, bench->device, 0);
	if (!ret) {
		ret = pinwatch_watch_add(dev, addr, page_size, PINWATCH_WATCH_F_PIN, 0, &watch);
		begin = now_ns();
		for (i = 0; i < NR_LOOKS && !ret; i++)
			nr_valid += pinwatch_valid(&watch);
		if (!ret)
			bench_report(bench, "validation", NR_LOOKS,
				     (double)(now_ns() - begin) / NR_LOOKS, "ns each");
		pinwatch_close(dev);
	}
	munmap(addr, page_size);
	return ret ? ret : nr_valid == NR_LOOKS ? 0 : -EIO;
}
