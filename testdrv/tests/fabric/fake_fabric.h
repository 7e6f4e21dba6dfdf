/* SPDX-License-Identifier: MIT */
/*
 * A fake libfabric in this process: import of a memory monitor, and registration caches that
 * call the monitor with libfabric's locks. Memory has versions: a cache that uses a
 * registration of an old version would send wrong data, and fails the test.
 */
#ifndef FAKE_FABRIC_H
#define FAKE_FABRIC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FABRIC_PAGES	64	/* fake_page(0) and the following pages */
#define NR_CACHES	2

/* Tests may set the members of the first group between calls. */
struct fabric {
	uint32_t version;		/* fi_version() */
	int open_error;			/* pinwatch_open() */
	uint32_t missing_flags;		/* PINWATCH_WATCH_F_* that the module does not know */
	int import_error;
	bool unsubscribes;		/* as libfabric 2.1; not as before */
	bool strict;			/* the plugin is in LD_PRELOAD, too */
	bool exchanges;			/* a thread exchanges pages after each registration */
	void (*on_notify)(void);	/* called with mm_lock after the caches were told */

	pthread_rwlock_t mm_list_rwlock;
	pthread_mutex_t mm_lock;	/* fails the test if a thread locks it twice */
	pthread_mutex_t memory_lock;	/* a change, or a look-up and the use of the result */
	size_t nr_imports;
	size_t nr_notified;		/* atomic */
	size_t nr_logged;
	size_t nr_hits, nr_misses;	/* of the caches */
};

extern struct fabric fabric;

/* Import the monitor and start it. */
void fabric_begin(bool unsubscribes);
/* Stop the monitor: no watch and no thread is left. */
void fabric_end(void);
int fabric_start(void);
void fabric_stop(void);
/*
 * Take mm_list_rwlock for writing, and call stop() while the reader waits for this lock in
 * notify(), for range 0 to 4. The caller has to unlock.
 */
void fabric_stop_in_notify(void);
/* Threads of the monitor. */
size_t fabric_nr_readers(void);

/* The callbacks, as libfabric calls them. Caller holds mm_lock. */
int fabric_subscribe(size_t page, size_t nr);
void fabric_unsubscribe(size_t page, size_t nr);
bool fabric_valid(size_t page, size_t nr);
void fabric_lock(void);
void fabric_unlock(void);

/*
 * Look up the pages, as ofi_mr_cache_search() does. A miss drops the entries that overlap,
 * registers the pages and subscribes. Returns whether the cache had a valid entry.
 */
bool fabric_search(unsigned int cache, size_t page, size_t nr);
/* The memory of the pages is exchanged; the module has not queued an event yet. */
void fabric_change(size_t page, size_t nr);
/* The module queues the events of all watches that were hit since the last call. */
void fabric_send_events(void);
/* Wait until the monitor has told the caches @nr times. */
void fabric_wait_notified(size_t nr);
/* Drop all entries of both caches, as ofi_mr_cache_cleanup() does. */
void fabric_flush(void);

#endif /* FAKE_FABRIC_H */
