// SPDX-License-Identifier: MIT
/* Many watches: add, query, copy their generations, delete. See bench.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define NR_WATCHES	100000
#define NR_LARGE	1000000
#define MAX_HANDLES	256

/* Watches of a page each, on as many handles as that takes. */
struct many {
	struct pinwatch *devs[MAX_HANDLES];
	size_t nr_devs, max_devs;
	struct pinwatch_watch *watches;
	size_t nr, per_dev;
	char *addr;
	size_t page_size;
};

static void many_close(struct many *many)
{
	while (many->nr_devs)
		pinwatch_close(many->devs[--many->nr_devs]);
	if (many->addr)
		munmap(many->addr, many->nr * many->page_size);
	free(many->watches);
}

static int many_open(struct many *many, const char *device)
{
	struct pinwatch_info info;
	int ret;

	many->page_size = (size_t)sysconf(_SC_PAGESIZE);
	many->watches = calloc(many->nr, sizeof(*many->watches));
	many->addr = bench_memory(many->nr * many->page_size, false);
	if (!many->watches || !many->addr)
		return -ENOMEM;
	while (many->nr_devs * many->per_dev < many->nr) {
		if (many->nr_devs == many->max_devs)
			return -ENOSPC;
		ret = pinwatch_open(&many->devs[many->nr_devs], device, 0);
		if (ret)
			return ret;
		ret = pinwatch_get_info(many->devs[many->nr_devs++], &info);
		if (ret)
			return ret;
		many->per_dev = info.max_watches;
	}
	return 0;
}

static struct pinwatch *many_dev(const struct many *many, size_t i)
{
	return many->devs[i / many->per_dev];
}

static int add_one(struct many *many, size_t i)
{
	return pinwatch_watch_add(many_dev(many, i), many->addr + i * many->page_size,
				  many->page_size, 0, i, &many->watches[i]);
}

static int query_one(struct many *many, size_t i)
{
	struct pinwatch_watch_query figures;

	return pinwatch_watch_query(many_dev(many, i), many->watches[i].id, &figures);
}

static int del_one(struct many *many, size_t i)
{
	return pinwatch_watch_del(many_dev(many, i), &many->watches[i]);
}

static int many_time(struct bench *bench, struct many *many, const char *name,
		     int (*one)(struct many *many, size_t i))
{
	uint64_t begin = bench_now_ns();
	size_t i;
	int ret = 0;

	for (i = 0; i < many->nr && !ret; i++)
		ret = one(many, i);
	if (!ret)
		bench_report(bench, name, many->nr,
			     (double)(bench_now_ns() - begin) / (double)many->nr / 1000,
			     "us each");
	return ret;
}

/* What the process pays with all of them there: an invalidation that hits one. */
static int dontneed_one(struct many *many, size_t i)
{
	return madvise(many->addr + i * many->page_size, many->page_size, MADV_DONTNEED) ?
		-errno : 0;
}

static int many_run(struct bench *bench, struct many *many)
{
	int ret;

	ret = many_time(bench, many, "watch add", add_one);
	if (!ret)
		ret = many_time(bench, many, "watch query", query_one);
	if (!ret)
		ret = many_time(bench, many, "MADV_DONTNEED of a watched page", dontneed_one);
	if (!ret)
		ret = many_time(bench, many, "watch del", del_one);
	return ret;
}

static int many_bench(struct bench *bench, size_t nr, size_t max_devs)
{
	struct many many = { .nr = nr, .max_devs = max_devs };
	int ret = many_open(&many, bench->device);

	if (!ret)
		ret = many_run(bench, &many);
	many_close(&many);
	return ret;
}

int bench_watches(struct bench *bench)
{
	int ret = many_bench(bench, NR_WATCHES, MAX_HANDLES);

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
	ret = many_bench(bench, NR_LARGE, 1);
	if (ret != -EDQUOT && ret != -ENOSPC)
		return ret;
	bench_skip(bench, "1,000,000 watches on one descriptor",
		   "the parameters max_watches_per_file and max_watches_per_user are too low");
	return 0;
}
