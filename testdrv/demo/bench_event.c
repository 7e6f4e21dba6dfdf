// SPDX-License-Identifier: MIT
/* Events a second, and what a validation costs. See bench.h. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define NR_PAGES	64
#define STORM_NS	2000000000ULL
#define BATCH		64
#define NR_LOOKS	1000000

/* A thread that invalidates page after page until the time is over. */
struct storm {
	char *addr;
	size_t page_size;
	uint64_t nr;
	uint64_t ns;
	bool done;
	pthread_t thread;
};

static void *storm_run(void *data)
{
	struct storm *storm = data;
	uint64_t begin = bench_now_ns();

	do {
		size_t i;

		for (i = 0; i < NR_PAGES; i++)
			madvise(storm->addr + i * storm->page_size, storm->page_size,
				MADV_DONTNEED);
		storm->nr += NR_PAGES;
		storm->ns = bench_now_ns() - begin;
	} while (storm->ns < STORM_NS);
	__atomic_store_n(&storm->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool storm_done(const struct storm *storm)
{
	return __atomic_load_n(&storm->done, __ATOMIC_ACQUIRE);
}

/* Returns how many records were read. */
static uint64_t storm_read(const struct storm *storm, struct pinwatch *dev)
{
	struct pinwatch_event events[BATCH];
	uint64_t nr = 0;

	while (!storm_done(storm)) {
		int ret = pinwatch_read_events(dev, events, BATCH);

		nr += ret > 0 ? (uint64_t)ret : 0;
	}
	return nr;
}

static int storm_time(struct bench *bench, struct storm *storm, struct pinwatch *dev)
{
	uint64_t nr_records = 0;
	int ret;

	storm->nr = 0;
	storm->done = false;
	ret = pthread_create(&storm->thread, NULL, storm_run, storm);
	if (ret)
		return -ret;
	if (dev)
		nr_records = storm_read(storm, dev);
	pthread_join(storm->thread, NULL);
	bench_report(bench, dev ? "invalidations, watched and read" : "invalidations, unwatched",
		     NR_PAGES, (double)storm->nr * 1e9 / (double)storm->ns, "a second");
	if (dev)
		bench_report(bench, "event records read", NR_PAGES,
			     (double)nr_records * 1e9 / (double)storm->ns, "a second");
	return 0;
}

static int watches_add(const struct storm *storm, struct pinwatch *dev)
{
	struct pinwatch_watch watch;
	size_t i;
	int ret = 0;

	for (i = 0; i < NR_PAGES && !ret; i++)
		ret = pinwatch_watch_add(dev, storm->addr + i * storm->page_size, storm->page_size,
					 0, i, &watch);
	return ret;
}

int bench_events(struct bench *bench)
{
	struct storm storm = { .page_size = (size_t)sysconf(_SC_PAGESIZE) };
	struct pinwatch *dev;
	int ret;

	storm.addr = bench_memory(NR_PAGES * storm.page_size, true);
	if (!storm.addr)
		return -ENOMEM;
	ret = pinwatch_open(&dev, bench->device, PINWATCH_OPEN_NONBLOCK);
	if (!ret) {
		ret = storm_time(bench, &storm, NULL);
		if (!ret)
			ret = watches_add(&storm, dev);
		if (!ret)
			ret = storm_time(bench, &storm, dev);
		pinwatch_close(dev);
	}
	munmap(storm.addr, NR_PAGES * storm.page_size);
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
		begin = bench_now_ns();
		for (i = 0; i < NR_LOOKS && !ret; i++)
			nr_valid += pinwatch_valid(&watch);
		if (!ret)
			bench_report(bench, "validation", NR_LOOKS,
				     (double)(bench_now_ns() - begin) / NR_LOOKS, "ns each");
		pinwatch_close(dev);
	}
	munmap(addr, page_size);
	return ret ? ret : nr_valid == NR_LOOKS ? 0 : -EIO;
}
