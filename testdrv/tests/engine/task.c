// SPDX-License-Identifier: MIT
/*
 * engine: threads that make one call each
 */
#include <semaphore.h>
#include <sys/mman.h>
#include "engine.h"

#define MAX_TASKS	128
#define STACK_SIZE	65536

static void task_done(struct task *task)
{
	if (task->flag)
		task->flag_after = __atomic_load_n(task->flag, __ATOMIC_SEQ_CST);
}

static void *run_dontneed(void *arg)
{
	struct task *task = arg;

	CHECK_EQ(madvise(task->addr, task->length, MADV_DONTNEED), 0);
	return NULL;
}

static void *run_begin(void *arg)
{
	struct task *task = arg;

	task->begin = sub_begin(task->fd, task->id);
	task_done(task);
	return NULL;
}

static void *run_del(void *arg)
{
	struct task *task = arg;

	task->del = sub_del(task->fd, task->id);
	task_done(task);
	return NULL;
}

/*
 * tasks_prepare() makes the threads, because pthread_create() takes the mmap lock for
 * writing, which a task in a held invalidation may hold for reading.
 */
static struct worker {
	pthread_t thread;
	sem_t go;
	struct task *task;
	void *(*run)(void *task);
} workers[MAX_TASKS];
static unsigned int nr_workers, nr_used;

static void *work(void *arg)
{
	struct worker *worker = arg;

	while (sem_wait(&worker->go))
		;
	return worker->run(worker->task);
}

void tasks_prepare(unsigned int nr)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (nr_workers = 0; nr_workers < nr; nr_workers++) {
		struct worker *worker = &workers[nr_workers];

		sem_init(&worker->go, 0, 0);
		CHECK_EQ(pthread_create(&worker->thread, &attr, work, worker), 0);
	}
}

static void task_start(struct task *task, void *(*run)(void *))
{
	struct worker *worker = &workers[nr_used++];

	CHECK(nr_used <= nr_workers);
	worker->task = task;
	worker->run = run;
	task->thread = worker->thread;
	sem_post(&worker->go);
}

void task_dontneed(struct task *task, char *addr, size_t length)
{
	*task = (struct task){ .addr = addr, .length = length };
	task_start(task, run_dontneed);
}

void task_begin(struct task *task, int fd, unsigned int id, const int *flag)
{
	*task = (struct task){ .fd = fd, .id = id, .flag = flag };
	task_start(task, run_begin);
}

void task_del(struct task *task, int fd, unsigned int id, const int *flag)
{
	*task = (struct task){ .fd = fd, .id = id, .flag = flag };
	task_start(task, run_del);
}

void task_join(struct task *task)
{
	CHECK_EQ(pthread_join(task->thread, NULL), 0);
}
