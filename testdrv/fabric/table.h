/* SPDX-License-Identifier: MIT */
/*
 * The ranges that libfabric's registration caches rely on, each with a watch.
 *
 * A range is known by its address and length. The state of a known range is
 *
 *	watched		the range has a watch, and is valid until the watch is hit
 *	queued		never valid; the caches have yet to be told
 *	notified	never valid; the reader is telling the caches
 *
 * and a range that is not known is not valid. In the strict mode (strict.c), the range has a
 * watch before it is registered:
 *
 *	expected	not known; the first subscription takes the watch over
 *
 * subscribe() does not say for which cache a
 * range is. So a range that was valid once and is not valid any more must not become
 * valid again before every cache has dropped the entries that overlap the range. The
 * reader (reader.h) tells the caches: pw_table_purge_begin(), notify(),
 * pw_table_purge_end(). If no cache has subscribed meanwhile, then no cache relies on the
 * range: the range is forgotten, and the next subscription adds a new watch.
 *
 *	two caches, A and B		without the states queued and notified
 *	A: subscribe, watch		valid
 *	B: subscribe			valid
 *	the mapping changes		not valid
 *	A: look up, register again,
 *	   subscribe, new watch		valid
 *	B: look up			uses the old registration: wrong data
 *
 * Lock order: libfabric's mm_lock, then the lock of the table. The functions take the lock
 * of the table, and none calls libfabric.
 *
 * A child of the process has the memory of the table, but not the mapped generations. In a
 * child, no function reads the table or takes its lock: no range is valid, and
 * subscribe fails.
 */
#ifndef PINWATCH_FABRIC_TABLE_H
#define PINWATCH_FABRIC_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpinwatch.h"

struct pw_table;

/**
 * struct pw_table_stats - counters since pw_table_create()
 * @subscribed: Successful pw_table_subscribe().
 * @refused: pw_table_subscribe() that failed.
 * @added: Watches added.
 * @expected: Watches of @added that pw_table_expect() added.
 * @valid: pw_table_valid() that returned true.
 * @stale: pw_table_valid() that returned false for a known range.
 * @unknown: pw_table_valid() that returned false for a range that is not known.
 * @evicted: Ranges whose watch was deleted to make room.
 * @purged: pw_table_purge_begin() that returned true.
 */
struct pw_table_stats {
	uint64_t subscribed;
	uint64_t refused;
	uint64_t added;
	uint64_t expected;
	uint64_t valid;
	uint64_t stale;
	uint64_t unknown;
	uint64_t evicted;
	uint64_t purged;
};

/**
 * struct pw_purge - a range that the reader is purging
 * @addr: First byte.
 * @length: Bytes.
 * @cookie: The entry of the table; an entry that is forgotten never has a successor with
 *	the same cookie.
 * @epoch: Number of subscriptions of the entry before the caches were told.
 */
struct pw_purge {
	const void *addr;
	size_t length;
	uint64_t cookie;
	uint64_t epoch;
};

/*
 * At most @max ranges have a watch: the range that was not looked up for the longest time
 * makes room for a new range. @wake is called, with the lock of the table, after another
 * function than pw_table_hit() and pw_table_purge_end() has queued a range. Returns 0 or
 * -errno.
 */
int pw_table_create(struct pw_table **table, struct pinwatch *dev, size_t max,
		    void (*wake)(void *arg), void *arg);
/* Delete all watches. In a child: neither watches nor memory of entries are touched. */
void pw_table_destroy(struct pw_table *table);
/* False in a child of the process that created the table. */
bool pw_table_owned(const struct pw_table *table);
/*
 * Map a page of zeroes. In a child, however the child is created, the page is zero again.
 * Returns NULL with errno if that fails.
 */
void *pw_table_map_wiped(void);
struct pw_table_stats pw_table_get_stats(struct pw_table *table);

/*
 * A cache has registered the range. Returns 0, or -errno: the cache must not keep the
 * registration. -EAGAIN: in the strict mode, the range has no watch that is older than the
 * registration, which this thread has made last.
 */
int pw_table_subscribe(struct pw_table *table, const void *addr, size_t length);
/* A cache has dropped an entry of the range. A range that is not known: no effect. */
void pw_table_unsubscribe(struct pw_table *table, const void *addr, size_t length);
/* May a cache use a registration of the range that was subscribed to? */
bool pw_table_valid(struct pw_table *table, const void *addr, size_t length);

/*
 * Begin the strict mode, for all tables: call this before each registration, also while there
 * is no table.
 */
void pw_table_set_strict(void);
/*
 * The range is going to be registered, maybe for a cache: add a watch now. If that fails, the
 * subscription fails.
 */
void pw_table_expect(struct pw_table *table, const void *addr, size_t length);
/* The range was deregistered. A known range: no effect. */
void pw_table_unexpect(struct pw_table *table, const void *addr, size_t length);

/* Queue the range of a hit watch; the cookie is from the event. */
void pw_table_hit(struct pw_table *table, uint64_t cookie);
/*
 * Take the oldest queued range. Returns false if there is none, or after pw_table_stop().
 * Otherwise the caller tells the caches and calls pw_table_purge_end().
 */
bool pw_table_purge_begin(struct pw_table *table, struct pw_purge *purge);
/* Every cache has dropped the entries that overlapped the range after purge_begin(). */
void pw_table_purge_end(struct pw_table *table, const struct pw_purge *purge);
/*
 * No further purge begins, and no range becomes known. Returns whether a purge is going on:
 * its notify() may wait for a lock that the caller of this function holds.
 */
bool pw_table_stop(struct pw_table *table);
bool pw_table_stopped(struct pw_table *table);

#endif /* PINWATCH_FABRIC_TABLE_H */
