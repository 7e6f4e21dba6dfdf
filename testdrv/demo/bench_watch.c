// SPDX-License-Identifier: MIT
/* Many watches: add, query, invalidate, delete; see bench.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define NR_WATCHES	100000
#define NR_LARGE	1000000
#define MAX_HANDLES	256

/* Single-page watches, on as many handles as the limit per handle requires. */
struct watch_set {
	struct pinwatch *devs[MAX_HANDLES];
	size_t nr_devs, max_devs;
	struct pinwatch_watch *watches;
	size_t nr, per_dev;
	char *addr;
	size_t page_size;
};

static void set_close(struct watch_set *set)
{
	while (set->nr_devs)
		pinwatch_close(set->devs[--set->nr_devs]);
	if (set->addr)
		munmap(set->addr, set->nr * set->page_size);
	free(set->watches);
}

static int set_open(struct watch_set *set, const char *device)
{
	struct pinwatch_info info;
	int ret;

	set->page_size = (size_t)sysconf(_SC_PAGESIZE);
	set->watches = calloc(set->nr, sizeof(*set->watches));
	set->addr = bench_memory(set->nr * set->page_size, false);
	if (!set->watches || !set->addr)
		return -ENOMEM;
	while (set->nr_devs * set->per_dev < set->nr) {
		if (set->nr_devs == set->max_devs)
			return -ENOSPC;
		ret = pinwatch_open(&set->devs[set->nr_devs], device, 0);
		if (ret)
			return ret;
		ret = pinwatch_get_info(set->devs[set->nr_devs++], &info);
		if (ret)
			return ret;
		set->per_dev = info.max_watches;
	}
	return 0;
}

static struct pinwatch *set_dev(const struct watch_set *set, size_t i)
{
	return set->devs[i / set->per_dev];
}

static int add_one(struct watch_set *set, size_t i)
{
	return pinwatch_watch_add(set_dev(set, i), set->addr + i * set->page_size,
				  set->page_size, 0, i, &set->watches[i]);
}

static int query_one(struct watch_set *set, size_t i)
{
	struct pinwatch_watch_query figures;

	return pinwatch_watch_query(set_dev(set, i), set->watches[i].id, &figures);
}

static int del_one(struct watch_set *set, size_t i)
{
	return pinwatch_watch_del(set_dev(set, i), &set->watches[i]);
}

static int set_time(struct bench *bench, struct watch_set *set, const char *name,
		    int (*one)(struct watch_set *set, size_t i))
{
	uint64_t begin = now_ns();
	size_t i;
	int ret = 0;

	for (i = 0; i < set->nr && !ret; i++)
		ret = one(set, i);
	if (!ret)
		bench_report(bench, name, set->nr,
			     (double)(now_ns() - begin) / (double)set->nr / 1000,
			     "us each");
	return ret;
}

/* Invalidate a single page, while all pages are watched. */
static int dontneed_one(struct watch_set *set, size_t i)
{
	return madvise(set->addr + i * set->page_size, set->page_size, MADV_DONTNEED) ?
		-errno : 0;
}

static int set_run(struct bench *bench, struct watch_set *set)
{
	int ret;

	ret = set_time(bench, set, "watch add", add_one);
	if (!ret)
		ret = set_time(bench, set, "watch query", query_one);
	if (!ret)
		ret = set_time(bench, set, "MADV_DONTNEED of a watched page", dontneed_one);
	if (!ret)
		ret = set_time(bench, set, "watch del", del_one);
	return ret;
}

static int set_bench(struct bench *bench, size_t nr, size_t max_devs)
{
	struct watch_set set = { .nr = nr, .max_devs = max_devs };
	int ret = set_open(&set, bench->device);

	if (!ret)
		ret = set_run(bench, &set);
	set_close(&set);
	return ret;
}

int bench_watches(struct bench *bench)
{
	int ret = set_bench(bench, NR_WATCHES, MAX_HANDLES);

	if (ret != -EDQUOT && ret != -ENOSPC)
		return ret;
	bench_skip(bench, "100,000 watches",
		   "max_watches_per_file or max_watches_per_user is too low for that");
	return 0;
}

int bench_large(struct bench *bench)
{
	int ret;

	if (!bench->large)
		return 0;
	ret = set_bench(bench, NR_LARGE, 1);
	if (ret != -EDQUOT && ret != -ENOSPC)
		return ret;
	bench_skip(bench, "1,000,000 watches on one descriptor",
		   "the parameters max_watches_per_file and max_watches_per_user are too low");
	return 0;
}
