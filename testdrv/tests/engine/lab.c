// SPDX-License-Identifier: MIT
/*
 * engine: the lab's calls, and threads that make one of them
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "engine.h"

#define PATIENCE_S	15
#define MAX_TASKS	128
#define STACK_SIZE	65536

static int last_fd = -1;

int lab_open(void)
{
	int fd = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("open %s", PINWATCH_TEST_DEVICE);
	last_fd = fd;
	return fd;
}

/* So that a test that fails need not wait for the end of what it holds. */
void lab_release_all(void)
{
	unsigned long id;

	for (id = 0; id < PINWATCH_TEST_MAX_SUBS; id++)
		ioctl(last_fd, PINWATCH_TEST_IOC_RELEASE, id);
	ioctl(last_fd, PINWATCH_TEST_IOC_RELEASE, (unsigned long)PINWATCH_TEST_STALL);
}

int lab_try_add(int fd, struct pinwatch_test_add *add)
{
	return ioctl(fd, PINWATCH_TEST_IOC_ADD, add) ? -errno : 0;
}

struct pinwatch_test_add lab_add(int fd, unsigned int engine, unsigned int behaviour,
				 char *start, size_t length)
{
	struct pinwatch_test_add add = {
		.engine = engine,
		.behaviour = behaviour,
		.start = (uintptr_t)start,
		.length = length,
	};

	if (lab_try_add(fd, &add))
		die("ADD");
	return add;
}

unsigned int lab_add_with(int fd, struct pinwatch_test_add add)
{
	if (lab_try_add(fd, &add))
		die("ADD");
	return add.id;
}

unsigned int lab_add_slow(int fd, unsigned int engine, char *start, size_t length,
			  unsigned int sleep_us)
{
	struct pinwatch_test_add add = {
		.engine = engine,
		.behaviour = PINWATCH_TEST_SLOW,
		.sleep_us = sleep_us,
		.start = (uintptr_t)start,
		.length = length,
	};

	if (lab_try_add(fd, &add))
		die("ADD (slow)");
	return add.id;
}

struct pinwatch_test_time lab_del(int fd, unsigned int id)
{
	struct pinwatch_test_del del = { .id = id };

	if (ioctl(fd, PINWATCH_TEST_IOC_DEL, &del))
		die("DEL");
	return del.time;
}

struct pinwatch_test_read lab_read(int fd, unsigned int id)
{
	struct pinwatch_test_read read = { .id = id };

	if (ioctl(fd, PINWATCH_TEST_IOC_READ, &read))
		die("READ");
	return read;
}

struct pinwatch_test_begin lab_begin(int fd, unsigned int id)
{
	struct pinwatch_test_begin begin = { .id = id };

	if (ioctl(fd, PINWATCH_TEST_IOC_BEGIN, &begin))
		die("BEGIN");
	return begin;
}

/* As @begin->how says. */
int lab_begin_how(int fd, struct pinwatch_test_begin *begin)
{
	return ioctl(fd, PINWATCH_TEST_IOC_BEGIN, begin) ? -errno : 0;
}

bool lab_retry(int fd, unsigned int id, uint64_t seq)
{
	struct pinwatch_test_begin retry = { .id = id, .seq = seq };

	if (ioctl(fd, PINWATCH_TEST_IOC_RETRY, &retry))
		die("RETRY");
	return retry.retry;
}

void lab_wait(int fd, unsigned int id, unsigned int inside)
{
	struct pinwatch_test_wait wait = {
		.id = id,
		.inside = inside,
		.timeout_ms = PATIENCE_S * 1000,
	};

	if (ioctl(fd, PINWATCH_TEST_IOC_WAIT, &wait))
		die("WAIT until %u callbacks are inside", inside);
}

void lab_release(int fd, unsigned int id)
{
	if (ioctl(fd, PINWATCH_TEST_IOC_RELEASE, (unsigned long)id))
		die("RELEASE");
}

struct pinwatch_stats pw_stats(void)
{
	struct pinwatch_stats stats = { .size = sizeof(stats) };
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("open %s", PINWATCH_DEVICE);
	if (ioctl(fd, PINWATCH_IOC_GET_STATS, &stats))
		die("GET_STATS");
	close(fd);
	return stats;
}

/* Until one of the counts has grown, or patience ends. */
static void await(uint64_t waits, uint64_t remove_waits)
{
	time_t end = time(NULL) + PATIENCE_S;
	struct pinwatch_stats stats;

	do {
		stats = pw_stats();
		if (stats.waits > waits || stats.remove_waits > remove_waits)
			return;
		sched_yield();
	} while (time(NULL) < end);
	errno = ETIMEDOUT;
	die("nobody waits who should");
}

/* Until a pinwatch_interval_read_begin() sleeps, or is just about to. */
void await_waits(uint64_t more_than)
{
	await(more_than, UINT64_MAX);
}

/* The same for pinwatch_interval_notifier_remove(). */
void await_remove_waits(uint64_t more_than)
{
	await(UINT64_MAX, more_than);
}

/* Live objects go back to none; an mm's after its grace periods. */
bool pw_settles(void)
{
	time_t end = time(NULL) + PATIENCE_S;
	struct pinwatch_stats stats;

	do {
		stats = pw_stats();
		if (!stats.nr_mms && !stats.nr_subscriptions)
			return true;
		sched_yield();
	} while (time(NULL) < end);
	return false;
}

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/* Private anonymous memory with its pages present. */
char *map_pages(size_t nr)
{
	char *map = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	if (map == MAP_FAILED)
		die("mmap");
	madvise(map, nr * PAGE, MADV_NOHUGEPAGE);
	for (i = 0; i < nr; i++)
		map[i * PAGE] = 1;
	return map;
}

static void task_done(struct task *task)
{
	if (task->flag)
		task->flag_after = __atomic_load_n(task->flag, __ATOMIC_SEQ_CST);
}

static void *run_dontneed(void *arg)
{
	struct task *task = arg;

	if (madvise(task->addr, task->length, MADV_DONTNEED))
		die("MADV_DONTNEED");
	return NULL;
}

static void *run_begin(void *arg)
{
	struct task *task = arg;

	task->begin = lab_begin(task->fd, task->id);
	task_done(task);
	return NULL;
}

static void *run_del(void *arg)
{
	struct task *task = arg;

	task->del = lab_del(task->fd, task->id);
	task_done(task);
	return NULL;
}

/*
 * Threads are made beforehand, and parked: to make one takes the mmap lock for
 * writing, which a held invalidation keeps from us.
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
		errno = pthread_create(&worker->thread, &attr, work, worker);
		if (errno)
			die("pthread_create");
	}
}

static void task_start(struct task *task, void *(*run)(void *))
{
	struct worker *worker = &workers[nr_used++];

	if (nr_used > nr_workers)
		die("a test has more than %u tasks", nr_workers);
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
	errno = pthread_join(task->thread, NULL);
	if (errno)
		die("pthread_join");
}

void neighbour_add(struct neighbour *neighbour, int fd)
{
	neighbour->fd = fd;
	neighbour->page = map_pages(1);
	neighbour->id = lab_add(fd, PINWATCH_TEST_KERNEL, PINWATCH_TEST_COUNTING,
				neighbour->page, PAGE).id;
}

void neighbour_check(const struct neighbour *neighbour)
{
	uint64_t before = lab_read(neighbour->fd, neighbour->id).callbacks;
	uint64_t seq = lab_begin(neighbour->fd, neighbour->id).seq;

	if (madvise(neighbour->page, PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED");
	check(lab_retry(neighbour->fd, neighbour->id, seq) &&
	      lab_read(neighbour->fd, neighbour->id).callbacks == before + 1,
	      "the kernel's own notifier in this mm is called back");
	seq = lab_begin(neighbour->fd, neighbour->id).seq;
	check(!lab_retry(neighbour->fd, neighbour->id, seq),
	      "... and its read_begin returns");
}
