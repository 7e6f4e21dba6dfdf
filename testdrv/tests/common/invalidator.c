// SPDX-License-Identifier: MIT
/* See invalidator.h. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cpu.h"
#include "invalidator.h"
#include "test.h"

/* The pause of an interrupting invalidator */
#define PAUSE_MIN_NS	100000
#define PAUSE_MAX_NS	2000000

static void run_first(void)
{
	struct sched_param param = { .sched_priority = 1 };

	CHECK_EQ(sched_setscheduler(0, SCHED_FIFO, &param), 0);
}

static void discard(struct invalidator *invalidator, char *addr)
{
	CHECK_EQ(madvise(addr, (size_t)sysconf(_SC_PAGESIZE), MADV_DONTNEED), 0);
	__atomic_fetch_add(&invalidator->rounds, 1, __ATOMIC_RELAXED);
}

static void *invalidator_run(void *data)
{
	struct invalidator *invalidator = data;
	unsigned int page = __atomic_fetch_add(&invalidator->next, 1, __ATOMIC_RELAXED);
	char *addr = invalidator->addr + page * (size_t)sysconf(_SC_PAGESIZE);

	while (!__atomic_load_n(&invalidator->stop, __ATOMIC_ACQUIRE))
		discard(invalidator, addr);
	return NULL;
}

/*
 * Sleep as long as discard() took, because the kernel stops a SCHED_FIFO thread that uses 95 %
 * of a CPU. But no longer than PAUSE_MAX_NS: discard() takes 100 ms and more on a host that runs
 * other programs, and a system call that is not interrupted meanwhile succeeds.
 */
static void *interrupt_run(void *data)
{
	struct invalidator *invalidator = data;
	struct timespec pause = { 0 };
	uint64_t begin, worked;

	run_first();
	while (!__atomic_load_n(&invalidator->stop, __ATOMIC_ACQUIRE)) {
		begin = now_ns();
		discard(invalidator, invalidator->addr);
		worked = now_ns() - begin;
		pause.tv_nsec = worked < PAUSE_MIN_NS ? PAUSE_MIN_NS :
				worked > PAUSE_MAX_NS ? PAUSE_MAX_NS : (long)worked;
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void thread_start(pthread_t *thread, void *(*run)(void *), void *data)
{
	sigset_t all, old;

	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, &old), 0);
	CHECK_EQ(pthread_create(thread, NULL, run, data), 0);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

void invalidator_start(struct invalidator *invalidator, char *addr, unsigned int nr_threads)
{
	unsigned int i;

	CHECK(nr_threads <= INVALIDATOR_MAX_THREADS);
	*invalidator = (struct invalidator){ .addr = addr, .nr_threads = nr_threads };
	for (i = 0; i < nr_threads; i++)
		thread_start(&invalidator->threads[i], invalidator_run, invalidator);
}

void invalidator_interrupt(struct invalidator *invalidator, char *addr)
{
	run_on_cpu(0);
	*invalidator = (struct invalidator){ .addr = addr, .nr_threads = 1 };
	thread_start(&invalidator->threads[0], interrupt_run, invalidator);
}

static void *watchdog_run(void *data)
{
	struct invalidator *invalidator = data;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += invalidator->watchdog_ms / 1000;
	end.tv_nsec += invalidator->watchdog_ms % 1000 * 1000000L;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	if (sem_timedwait(&invalidator->watchdog_end, &end)) {
		CHECK_EQ(errno, ETIMEDOUT);
		__atomic_store_n(&invalidator->expired, true, __ATOMIC_RELEASE);
		__atomic_store_n(&invalidator->stop, true, __ATOMIC_RELEASE);
	}
	return NULL;
}

void invalidator_watch(struct invalidator *invalidator, unsigned int ms)
{
	CHECK_EQ(sem_init(&invalidator->watchdog_end, 0, 0), 0);
	invalidator->watchdog_ms = ms;
	invalidator->has_watchdog = true;
	thread_start(&invalidator->watchdog, watchdog_run, invalidator);
}

void invalidator_stop(struct invalidator *invalidator)
{
	unsigned int i;

	__atomic_store_n(&invalidator->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < invalidator->nr_threads; i++)
		pthread_join(invalidator->threads[i], NULL);
	if (!invalidator->has_watchdog)
		return;
	CHECK_EQ(sem_post(&invalidator->watchdog_end), 0);
	pthread_join(invalidator->watchdog, NULL);
	sem_destroy(&invalidator->watchdog_end);
}
