/* SPDX-License-Identifier: MIT */
/*
 * Threads that invalidate memory without pause: thread i discards page i of a range by
 * MADV_DONTNEED. All signals are blocked in these threads.
 */
#ifndef INVALIDATOR_H
#define INVALIDATOR_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#define INVALIDATOR_MAX_THREADS	8

/**
 * struct invalidator - a group of such threads
 * @stop: Atomic; ends the threads.
 * @expired: Atomic; the watchdog has ended the threads.
 * @rounds: Atomic; number of MADV_DONTNEED calls of all threads.
 */
struct invalidator {
	bool stop;
	bool expired;
	uint64_t rounds;
	/* private: */
	char *addr;
	long interval_us;
	unsigned int nr_threads;
	unsigned int next;
	pthread_t threads[INVALIDATOR_MAX_THREADS];
	bool has_watchdog;
	unsigned int watchdog_ms;
	sem_t watchdog_end;
	pthread_t watchdog;
};

void invalidator_start(struct invalidator *invalidator, char *addr, unsigned int nr_threads);
/*
 * Start one thread that discards the page at @addr each @interval_us microseconds and then
 * sleeps. It runs on the same CPU as the calling thread, and before it (SCHED_FIFO): each
 * system call of the calling thread that takes longer than @interval_us and may be preempted
 * sees an invalidation, also where an emulator runs one CPU at a time.
 */
void invalidator_interrupt(struct invalidator *invalidator, char *addr, long interval_us);
/*
 * Start a watchdog that ends the threads after @ms unless invalidator_stop() comes first,
 * so that a caller that waits until nothing is invalidated gets its turn.
 */
void invalidator_watch(struct invalidator *invalidator, unsigned int ms);
/* End and join the threads and the watchdog. */
void invalidator_stop(struct invalidator *invalidator);

#endif /* INVALIDATOR_H */
