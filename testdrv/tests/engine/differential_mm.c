// SPDX-License-Identifier: MIT
/*
 * engine: threads that change memory at random, for differential.c
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"
#include "differential.h"

#ifndef FALLOC_FL_KEEP_SIZE
#include <linux/falloc.h>
#endif

#define NR_PRIVATE	(NR_PAGES / 2)

/* Write by a system call, since the page may be unmapped or read-only. */
static void write_page(char *page)
{
	char byte = 1;
	struct iovec local = { &byte, 1 }, remote = { page, 1 };

	process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

static void map_anew(struct workers *workers, unsigned int page, unsigned int nr)
{
	char *addr = workers->area + page * PAGE;
	bool file = page >= NR_PRIVATE;

	if (!file && page + nr > NR_PRIVATE)
		nr = NR_PRIVATE - page;
	addr = mmap(addr, nr * PAGE, PROT_READ | PROT_WRITE,
		    MAP_FIXED | (file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS),
		    file ? workers->memfd : -1, file ? (page - NR_PRIVATE) * PAGE : 0);
	CHECK(addr != MAP_FAILED);
}

static void fork_once(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* Invalidates [0, ULONG_MAX), whose end is not aligned. */
static void clear_soft_dirty(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	CHECK_EQ(write(fd, "4", 1), 1);
	close(fd);
}

static void operate(struct worker *worker)
{
	unsigned int page = random_below(&worker->random, NR_PAGES);
	unsigned int most = random_below(&worker->random, 8) ? 4 : NR_PAGES - page;
	struct workers *workers = worker->all;
	char *addr = workers->area + page * PAGE;
	unsigned int nr;

	if (most > NR_PAGES - page)
		most = NR_PAGES - page;
	nr = 1 + random_below(&worker->random, most);
	/* A call may fail when another thread has changed the mapping. */
	switch (random_below(&worker->random, 64)) {
	case 0 ... 19:
		madvise(addr, nr * PAGE, MADV_DONTNEED);
		break;
	case 20 ... 39:
		write_page(addr);
		break;
	case 40 ... 45:
		mprotect(addr, nr * PAGE, PROT_READ);
		break;
	case 46 ... 51:
		mprotect(addr, nr * PAGE, PROT_READ | PROT_WRITE);
		break;
	case 52 ... 55:
		map_anew(workers, page, nr);
		break;
	case 56 ... 58:
		madvise(addr, nr * PAGE, MADV_FREE);
		break;
	case 59 ... 61:
		fallocate(workers->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  page % NR_PRIVATE * PAGE, nr * PAGE);
		break;
	case 62:
		clear_soft_dirty();
		break;
	case 63:
		if (!random_below(&worker->random, 8))
			fork_once();
		break;
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct workers *all = worker->all;
	unsigned int i;

	for (;;) {
		pthread_barrier_wait(&all->begin);
		if (all->stop)
			return NULL;
		for (i = 0; i < all->nr_operations; i++)
			operate(worker);
		pthread_barrier_wait(&all->end);
	}
}

void workers_start(struct workers *workers, uint64_t seed)
{
	unsigned int i;

	/* khugepaged would cause additional callbacks. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	workers->memfd = memfd_create("engine", MFD_CLOEXEC);
	CHECK(workers->memfd >= 0);
	CHECK_EQ(ftruncate(workers->memfd, NR_PRIVATE * PAGE), 0);
	workers->area = mmap(NULL, NR_PAGES * PAGE, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(workers->area != MAP_FAILED);
	map_anew(workers, 0, NR_PRIVATE);
	map_anew(workers, NR_PRIVATE, NR_PRIVATE);
	pthread_barrier_init(&workers->begin, NULL, NR_WORKERS + 1);
	pthread_barrier_init(&workers->end, NULL, NR_WORKERS + 1);
	workers->stop = false;
	for (i = 0; i < NR_WORKERS; i++) {
		struct worker *worker = &workers->worker[i];

		worker->all = workers;
		worker->random = seed * 0x9e3779b97f4a7c15ULL + i + 1;
		CHECK_EQ(pthread_create(&worker->thread, NULL, work, worker), 0);
	}
}

void workers_burst(struct workers *workers, unsigned int nr_operations)
{
	workers->nr_operations = nr_operations;
	pthread_barrier_wait(&workers->begin);
}

void workers_join(struct workers *workers)
{
	pthread_barrier_wait(&workers->end);
}

void workers_stop(struct workers *workers)
{
	unsigned int i;

	workers->stop = true;
	pthread_barrier_wait(&workers->begin);
	for (i = 0; i < NR_WORKERS; i++)
		pthread_join(workers->worker[i].thread, NULL);
}
