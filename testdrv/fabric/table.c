// SPDX-License-Identifier: MIT
/* See table.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <unistd.h>

#include "table.h"

#define BUCKET_BITS	14
#define NR_BUCKETS	(1U << BUCKET_BITS)
#define MAX_EXPECTED	256	/* ranges in the state expected; the oldest is dropped */

enum entry_state {
	ENTRY_EXPECTED,
	ENTRY_WATCHED,
	ENTRY_QUEUED,
	ENTRY_NOTIFIED,
};

/*
 * struct entry - a range, known unless it is in the state expected
 * @chain: In the bucket of the range.
 * @link: In the table's list of the state; the state notified has no list.
 * @watch: In the states expected and watched only.
 * @cookie: Number of the entry, and in the lowest bits its bucket. Unique in the table.
 * @epoch: Number of subscriptions.
 * @refs: Subscriptions less unsubscriptions. libfabric before 2.1 never unsubscribes.
 */
struct entry {
	SLIST_ENTRY(entry) chain;
	TAILQ_ENTRY(entry) link;
	enum entry_state state;
	const void *addr;
	size_t length;
	struct pinwatch_watch watch;
	uint64_t cookie;
	uint64_t epoch;
	uint64_t refs;
};

SLIST_HEAD(bucket, entry);
TAILQ_HEAD(entry_list, entry);

/*
 * struct pw_table
 * @owned: A page of its own. 1, but 0 in a child, where the kernel zeroes the page.
 * @lock: Protects all members below.
 * @expected: Entries in the state expected, in the order of pw_table_expect().
 * @watched: Entries in the state watched; last: used last.
 * @queue: Entries in the state queued, in the order of purging.
 * @nr_expected: Entries in @expected.
 * @nr_watched: Entries in @watched.
 * @stop: No further purge begins.
 * @purging: The caller is between purge_begin() and purge_end().
 */
struct pw_table {
	struct pinwatch *dev;
	size_t max;
	void (*wake)(void *arg);
	void *wake_arg;
	uint32_t *owned;
	pthread_mutex_t lock;
	struct bucket buckets[NR_BUCKETS];
	struct entry_list expected;
	struct entry_list watched;
	struct entry_list queue;
	size_t nr_expected;
	size_t nr_watched;
	bool stop;
	bool purging;
	struct pw_table_stats stats;
};

/*
 * Atomic. Each registration has a watch before. Not a member of the table: a registration may
 * begin while there is no table, and be subscribed to in the next one.
 */
static bool strict;

/* Atomic. Number of the entry that was created last, in any table. */
static uint64_t last_number;

/*
 * The registration that pw_table_expect() was called for last on this thread, and
 * @last_number then.
 */
static __thread struct {
	const void *addr;
	size_t length;
	uint64_t number;
} registration;

void *pw_table_map_wiped(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error;

	if (page == MAP_FAILED)
		return NULL;
	if (!madvise(page, size, MADV_WIPEONFORK))
		return page;
	error = errno;
	munmap(page, size);
	errno = error;
	return NULL;
}

static int owned_map(struct pw_table *table)
{
	table->owned = pw_table_map_wiped();
	if (!table->owned)
		return -errno;
	*table->owned = 1;
	return 0;
}

int pw_table_create(struct pw_table **out, struct pinwatch *dev, size_t max,
		    void (*wake)(void *arg), void *arg)
{
	struct pw_table *table = calloc(1, sizeof(*table));
	int ret;

	if (!table)
		return -ENOMEM;
	ret = owned_map(table);
	if (ret) {
		free(table);
		return ret;
	}
	table->dev = dev;
	table->max = max;
	table->wake = wake;
	table->wake_arg = arg;
	pthread_mutex_init(&table->lock, NULL);
	TAILQ_INIT(&table->expected);
	TAILQ_INIT(&table->watched);
	TAILQ_INIT(&table->queue);
	*out = table;
	return 0;
}

bool pw_table_owned(const struct pw_table *table)
{
	return *table->owned;
}

static struct bucket *bucket_of(struct pw_table *table, const void *addr, size_t length)
{
	uint64_t key = ((uintptr_t)addr ^ ((uint64_t)length << 20)) * 0x9e3779b97f4a7c15ULL;

	return &table->buckets[key >> (64 - BUCKET_BITS)];
}

static struct entry *entry_find(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry;

	SLIST_FOREACH(entry, bucket_of(table, addr, length), chain)
		if (entry->addr == addr && entry->length == length)
			break;
	return entry;
}

static struct entry *entry_find_known(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry = entry_find(table, addr, length);

	return entry && entry->state != ENTRY_EXPECTED ? entry : NULL;
}

static struct entry *entry_find_cookie(struct pw_table *table, uint64_t cookie)
{
	struct entry *entry;

	SLIST_FOREACH(entry, &table->buckets[cookie % NR_BUCKETS], chain)
		if (entry->cookie == cookie)
			break;
	return entry;
}

static struct entry *entry_create(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	struct bucket *bucket = bucket_of(table, addr, length);

	if (!entry)
		return NULL;
	entry->addr = addr;
	entry->length = length;
	entry->cookie = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED) << BUCKET_BITS |
			(size_t)(bucket - table->buckets);
	return entry;
}

/* Take an entry out of the list of its state. */
static void entry_unlink(struct pw_table *table, struct entry *entry)
{
	switch (entry->state) {
	case ENTRY_EXPECTED:
		TAILQ_REMOVE(&table->expected, entry, link);
		table->nr_expected--;
		break;
	case ENTRY_WATCHED:
		TAILQ_REMOVE(&table->watched, entry, link);
		table->nr_watched--;
		break;
	case ENTRY_QUEUED:
		TAILQ_REMOVE(&table->queue, entry, link);
		break;
	case ENTRY_NOTIFIED:
		break;
	}
}

/*
 * If the watch cannot be deleted, which is possible during a fatal signal only, it watches
 * on, and its events are ignored.
 */
static void entry_unwatch(struct pw_table *table, struct entry *entry)
{
	if (entry->state == ENTRY_EXPECTED || entry->state == ENTRY_WATCHED)
		(void)pinwatch_watch_del(table->dev, &entry->watch);
}

/* From here on, the range is not valid until it is forgotten. */
static void entry_queue(struct pw_table *table, struct entry *entry)
{
	entry_unwatch(table, entry);
	entry_unlink(table, entry);
	entry->state = ENTRY_QUEUED;
	TAILQ_INSERT_TAIL(&table->queue, entry, link);
}

static void entry_forget(struct pw_table *table, struct entry *entry)
{
	entry_unwatch(table, entry);
	entry_unlink(table, entry);
	SLIST_REMOVE(bucket_of(table, entry->addr, entry->length), entry, entry, chain);
	free(entry);
}

/* Returns false if no range is watched. */
static bool entry_evict(struct pw_table *table)
{
	struct entry *oldest = TAILQ_FIRST(&table->watched);

	if (!oldest)
		return false;
	entry_queue(table, oldest);
	table->stats.evicted++;
	table->wake(table->wake_arg);
	return true;
}

/* Add the watch of a new entry, at the cost of older entries where there is a limit. */
static int entry_watch(struct pw_table *table, struct entry *entry)
{
	int ret;

	do {
		ret = pinwatch_watch_add(table->dev, entry->addr, entry->length,
					 PINWATCH_WATCH_F_PAGES, entry->cookie, &entry->watch);
	} while ((ret == -ENOSPC || ret == -EDQUOT) && entry_evict(table));
	return ret;
}

/* An entry with a watch, in the state expected. */
static int entry_expect(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry;
	int ret;

	if (table->stop)
		return -ENODEV;
	entry = entry_create(table, addr, length);
	if (!entry)
		return -ENOMEM;
	ret = entry_watch(table, entry);
	if (ret) {
		free(entry);
		return ret;
	}
	entry->state = ENTRY_EXPECTED;
	SLIST_INSERT_HEAD(&table->buckets[entry->cookie % NR_BUCKETS], entry, chain);
	TAILQ_INSERT_TAIL(&table->expected, entry, link);
	table->nr_expected++;
	table->stats.added++;
	return 0;
}

/* The first subscription. The watch may have been hit since pw_table_expect(). */
static void entry_take_over(struct pw_table *table, struct entry *entry)
{
	while (table->nr_watched >= table->max)
		entry_evict(table);
	entry_unlink(table, entry);
	entry->state = ENTRY_WATCHED;
	TAILQ_INSERT_TAIL(&table->watched, entry, link);
	table->nr_watched++;
	if (pinwatch_valid(&entry->watch))
		return;
	entry_queue(table, entry);
	table->wake(table->wake_arg);
}

/* Did the range have its watch before this thread began to register the range? */
static bool entry_is_older(const struct entry *entry)
{
	return registration.addr == entry->addr && registration.length == entry->length &&
	       entry->cookie >> BUCKET_BITS <= registration.number;
}

/*
 * libfabric 2.1 unsubscribes after a failure, too, so the subscription of a known range counts.
 * Without the count, that would take the subscription of another cache away.
 */
static int subscribe_refuse(struct entry *entry)
{
	if (entry && entry->state != ENTRY_EXPECTED)
		entry->refs++;
	return -EAGAIN;
}

/*
 * A known range keeps its watch, which is older than the registration. If the watch is hit,
 * another cache may have an older registration, so the range must not become valid here.
 */
static int subscribe(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry = entry_find(table, addr, length);
	int ret;

	if (__atomic_load_n(&strict, __ATOMIC_ACQUIRE) && !(entry && entry_is_older(entry)))
		return subscribe_refuse(entry);
	if (!entry) {
		ret = entry_expect(table, addr, length);
		if (ret)
			return ret;
		entry = entry_find(table, addr, length);
	}
	if (entry->state == ENTRY_EXPECTED)
		entry_take_over(table, entry);
	entry->refs++;
	entry->epoch++;
	return 0;
}

int pw_table_subscribe(struct pw_table *table, const void *addr, size_t length)
{
	int ret;

	if (!pw_table_owned(table))
		return -ENOSYS;
	pthread_mutex_lock(&table->lock);
	ret = subscribe(table, addr, length);
	if (ret)
		table->stats.refused++;
	else
		table->stats.subscribed++;
	pthread_mutex_unlock(&table->lock);
	return ret;
}

void pw_table_unsubscribe(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry;

	if (!pw_table_owned(table))
		return;
	pthread_mutex_lock(&table->lock);
	entry = entry_find_known(table, addr, length);
	if (entry && !--entry->refs)
		entry_forget(table, entry);
	pthread_mutex_unlock(&table->lock);
}

static bool entry_valid(struct pw_table *table, struct entry *entry)
{
	if (entry->state != ENTRY_WATCHED || !pinwatch_valid(&entry->watch))
		return false;
	TAILQ_REMOVE(&table->watched, entry, link);
	TAILQ_INSERT_TAIL(&table->watched, entry, link);
	return true;
}

bool pw_table_valid(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry;
	bool valid = false;

	if (!pw_table_owned(table))
		return false;
	pthread_mutex_lock(&table->lock);
	entry = entry_find_known(table, addr, length);
	if (!entry)
		table->stats.unknown++;
	else if (entry_valid(table, entry))
		valid = true;
	else
		table->stats.stale++;
	if (valid)
		table->stats.valid++;
	pthread_mutex_unlock(&table->lock);
	return valid;
}

/*
 * An expected range keeps its watch, even if the watch is hit: it is older than each
 * registration that has not been subscribed to.
 */
static void expect(struct pw_table *table, const void *addr, size_t length)
{
	if (!entry_find(table, addr, length) && !entry_expect(table, addr, length))
		table->stats.expected++;
	if (table->nr_expected > MAX_EXPECTED)
		entry_forget(table, TAILQ_FIRST(&table->expected));
	registration.addr = addr;
	registration.length = length;
	registration.number = __atomic_load_n(&last_number, __ATOMIC_RELAXED);
}

void pw_table_set_strict(void)
{
	__atomic_store_n(&strict, true, __ATOMIC_RELEASE);
}

void pw_table_expect(struct pw_table *table, const void *addr, size_t length)
{
	if (!pw_table_owned(table))
		return;
	pthread_mutex_lock(&table->lock);
	expect(table, addr, length);
	pthread_mutex_unlock(&table->lock);
}

void pw_table_unexpect(struct pw_table *table, const void *addr, size_t length)
{
	struct entry *entry;

	if (!pw_table_owned(table))
		return;
	pthread_mutex_lock(&table->lock);
	entry = entry_find(table, addr, length);
	if (entry && entry->state == ENTRY_EXPECTED)
		entry_forget(table, entry);
	pthread_mutex_unlock(&table->lock);
}

void pw_table_hit(struct pw_table *table, uint64_t cookie)
{
	struct entry *entry;

	pthread_mutex_lock(&table->lock);
	entry = entry_find_cookie(table, cookie);
	if (entry && entry->state == ENTRY_WATCHED)
		entry_queue(table, entry);
	pthread_mutex_unlock(&table->lock);
}

bool pw_table_purge_begin(struct pw_table *table, struct pw_purge *purge)
{
	struct entry *entry = NULL;

	pthread_mutex_lock(&table->lock);
	if (!table->stop)
		entry = TAILQ_FIRST(&table->queue);
	if (entry) {
		TAILQ_REMOVE(&table->queue, entry, link);
		entry->state = ENTRY_NOTIFIED;
		*purge = (struct pw_purge){
			.addr = entry->addr, .length = entry->length,
			.cookie = entry->cookie, .epoch = entry->epoch,
		};
		table->purging = true;
		table->stats.purged++;
	}
	pthread_mutex_unlock(&table->lock);
	return entry;
}

/*
 * If a cache has subscribed since purge_begin(), that cache may have done so before or after
 * another cache was told. Tell all of them again: each further round takes a subscription
 * during the round before, so the rounds end.
 */
void pw_table_purge_end(struct pw_table *table, const struct pw_purge *purge)
{
	struct entry *entry;

	pthread_mutex_lock(&table->lock);
	table->purging = false;
	/* The last unsubscribe() has forgotten the entry, if there is none. */
	entry = entry_find_cookie(table, purge->cookie);
	if (entry && entry->epoch == purge->epoch)
		entry_forget(table, entry);
	else if (entry)
		entry_queue(table, entry);
	pthread_mutex_unlock(&table->lock);
}

bool pw_table_stop(struct pw_table *table)
{
	bool purging;

	pthread_mutex_lock(&table->lock);
	table->stop = true;
	purging = table->purging;
	pthread_mutex_unlock(&table->lock);
	return purging;
}

bool pw_table_stopped(struct pw_table *table)
{
	bool stop;

	pthread_mutex_lock(&table->lock);
	stop = table->stop;
	pthread_mutex_unlock(&table->lock);
	return stop;
}

struct pw_table_stats pw_table_get_stats(struct pw_table *table)
{
	struct pw_table_stats stats;

	pthread_mutex_lock(&table->lock);
	stats = table->stats;
	pthread_mutex_unlock(&table->lock);
	return stats;
}

static void entries_forget(struct pw_table *table)
{
	struct entry *entry, *next;
	size_t i;

	for (i = 0; i < NR_BUCKETS; i++)
		for (entry = SLIST_FIRST(&table->buckets[i]); entry; entry = next) {
			next = SLIST_NEXT(entry, chain);
			entry_forget(table, entry);
		}
}

/* A child does not know whether another thread was changing the lists during fork(). */
void pw_table_destroy(struct pw_table *table)
{
	if (pw_table_owned(table))
		entries_forget(table);
	munmap(table->owned, (size_t)sysconf(_SC_PAGESIZE));
	free(table);
}
