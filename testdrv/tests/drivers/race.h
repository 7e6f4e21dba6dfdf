/* SPDX-License-Identifier: MIT */
/*
 * A thread exchanges the first page of the memory without pause, and writes a rising value to
 * every word of each new page, while the caller reads by the device. Each value that the device
 * reads was current at some time of the read.
 */
#ifndef RACE_H
#define RACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a race takes. */
#define RACE_NS		(NS_PER_S / 4)

/* Exchange the page. Afterwards it is zero, or has its last value. */
typedef void race_exchange(uint64_t *page, int fd);

race_exchange race_dontneed;
race_exchange race_map;
race_exchange race_protect;
/* A child has the page at the next write of the parent, which copies it. */
race_exchange race_fork;
/* The page is that of a file. */
race_exchange race_punch;

/**
 * struct race - the thread
 * @memory: LENGTH bytes.
 * @fd: The file of race_punch(), or -1.
 * @writing: The value that is being written, or was written last.
 * @written: The last value that is complete in the page.
 */
struct race {
	uint64_t *memory;
	race_exchange *exchange;
	int fd;
	uint64_t writing;
	uint64_t written;
	bool stop;
	pthread_t thread;
};

/* Map the memory. */
void race_open(struct race *race, race_exchange *exchange);
void race_start(struct race *race);
void race_stop(struct race *race);
/* The value that the page has, or had until it was exchanged. */
uint64_t race_oldest(struct race *race);
/* A page that was read since race_oldest() returned @oldest. */
void race_check(struct race *race, const uint64_t *words, uint64_t oldest);

#endif /* RACE_H */
