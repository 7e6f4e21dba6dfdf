// SPDX-License-Identifier: MIT
/*
 * start, stop, subscribe, unsubscribe and valid, as libfabric's import monitor calls them:
 * start and stop with mm_state_lock, the others with mm_lock. libfabric can call the others
 * before start has returned, on behalf of another domain, but not when stop is running.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include <rdma/fi_errno.h>
#include <rdma/fi_ext.h>

#include "monitor.h"
#include "provider.h"
#include "reader.h"

#define EXIT_MS		1000	/* wait at most so long at exit for a notify() */

/*
 * struct old_reader - a reader that stop() left in notify()
 */
struct old_reader {
	struct pw_reader *reader;
	struct old_reader *next;
};

/*
 * struct locks - a page that is zero in a child
 *
 * During fork(), another thread of the parent may have a lock, and may be changing the list. That
 * thread does not exist in the child, so the lock would stay locked. Zeroes are unlocked locks,
 * and a list without readers.
 *
 * @current: Keeps the table of the current reader. stop() takes it for writing.
 * @old: Protects @old_readers. Lock order: libfabric's mm_state_lock, then this lock.
 */
struct locks {
	pthread_rwlock_t current;
	pthread_mutex_t old;
	struct old_reader *old_readers;
};

/* Atomic. NULL unless the monitor is running, or was running in the parent during fork(). */
static struct pw_reader *current;
/* Atomic. NULL before pw_monitor_init(). */
static struct locks *locks;

/* glibc: PTHREAD_RWLOCK_INITIALIZER and PTHREAD_MUTEX_INITIALIZER are zeroes. */
int pw_monitor_init(void)
{
	void *page;

	if (__atomic_load_n(&locks, __ATOMIC_ACQUIRE))
		return 0;
	page = pw_table_map_wiped();
	if (!page)
		return -errno;
	__atomic_store_n(&locks, page, __ATOMIC_RELEASE);
	return 0;
}

/* libfabric takes mm_list_rwlock and mm_lock. Only the reader's thread calls this. */
static void caches_notify(const void *addr, size_t length)
{
	pw_monitor.import_ops->notify(&pw_monitor, addr, length);
}

static struct pw_table *table_current(void)
{
	struct pw_reader *reader = __atomic_load_n(&current, __ATOMIC_ACQUIRE);

	return reader ? pw_reader_table(reader) : NULL;
}

struct pw_table *pw_monitor_table_get(void)
{
	struct locks *page = __atomic_load_n(&locks, __ATOMIC_ACQUIRE);
	struct pw_table *table;

	if (!page || pthread_rwlock_tryrdlock(&page->current))
		return NULL;
	table = table_current();
	if (table && pw_table_owned(table))
		return table;
	pthread_rwlock_unlock(&page->current);
	return NULL;
}

/* A handler of a signal may have called fork() since pw_monitor_table_get(). */
void pw_monitor_table_put(struct pw_table *table)
{
	if (pw_table_owned(table))
		pthread_rwlock_unlock(&locks->current);
}

/* Free the readers that end within @ms each. */
static void old_readers_free(unsigned int ms)
{
	struct old_reader **link, *old;

	pthread_mutex_lock(&locks->old);
	link = &locks->old_readers;
	while ((old = *link)) {
		if (!pw_reader_ended(old->reader, ms)) {
			link = &old->next;
			continue;
		}
		*link = old->next;
		pw_reader_free(old->reader);
		free(old);
	}
	pthread_mutex_unlock(&locks->old);
}

/* Without memory, the reader is never freed. */
static void old_reader_add(struct pw_reader *reader)
{
	struct old_reader *old = malloc(sizeof(*old));

	if (!old)
		return;
	old->reader = reader;
	pthread_mutex_lock(&locks->old);
	old->next = locks->old_readers;
	locks->old_readers = old;
	pthread_mutex_unlock(&locks->old);
}

static int start(void)
{
	struct pw_reader *reader;
	int ret;

	old_readers_free(0);
	ret = pw_reader_start(&reader, caches_notify);
	if (ret) {
		pw_provider_complain(ret, "libfabric registers memory for each transfer");
		return ret;
	}
	__atomic_store_n(&current, reader, __ATOMIC_RELEASE);
	return 0;
}

static int monitor_start(struct fid_mem_monitor *monitor)
{
	const int state = pw_monitor_cancel_disable();
	const int ret = start();

	(void)monitor;
	pw_monitor_cancel_restore(state);
	return ret;
}

static void stats_log(struct pw_table *table)
{
	struct pw_table_stats stats = pw_table_get_stats(table);

	FI_INFO(&pw_provider, FI_LOG_MR,
		"subscribed %" PRIu64 ", refused %" PRIu64 ", watches %" PRIu64
		", strict %" PRIu64 "\n",
		stats.subscribed, stats.refused, stats.added, stats.expected);
	FI_INFO(&pw_provider, FI_LOG_MR,
		"valid %" PRIu64 ", stale %" PRIu64 ", unknown %" PRIu64 ", evicted %" PRIu64
		", purged %" PRIu64 "\n",
		stats.valid, stats.stale, stats.unknown, stats.evicted, stats.purged);
}

static void current_clear(void)
{
	pthread_rwlock_wrlock(&locks->current);
	__atomic_store_n(&current, NULL, __ATOMIC_RELEASE);
	pthread_rwlock_unlock(&locks->current);
}

static void stop(struct pw_reader *reader)
{
	if (pw_table_owned(pw_reader_table(reader)))
		stats_log(pw_reader_table(reader));
	current_clear();
	if (pw_reader_stop(reader))
		pw_reader_free(reader);
	else
		old_reader_add(reader);
}

static void monitor_stop(struct fid_mem_monitor *monitor)
{
	struct pw_reader *reader = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
	const int state = pw_monitor_cancel_disable();

	(void)monitor;
	if (reader)
		stop(reader);
	pw_monitor_cancel_restore(state);
}

static int monitor_subscribe(struct fid_mem_monitor *monitor, const void *addr, size_t length)
{
	struct pw_table *table = table_current();
	const int state = pw_monitor_cancel_disable();
	const int ret = table ? pw_table_subscribe(table, addr, length) : -FI_ENOSYS;

	(void)monitor;
	pw_monitor_cancel_restore(state);
	return ret;
}

static void monitor_unsubscribe(struct fid_mem_monitor *monitor, const void *addr,
				size_t length)
{
	struct pw_table *table = table_current();
	const int state = pw_monitor_cancel_disable();

	(void)monitor;
	if (table)
		pw_table_unsubscribe(table, addr, length);
	pw_monitor_cancel_restore(state);
}

/* Comes to no cancellation point. */
static bool monitor_valid(struct fid_mem_monitor *monitor, const void *addr, size_t length)
{
	struct pw_table *table = table_current();

	(void)monitor;
	return table && pw_table_valid(table, addr, length);
}

static struct fi_ops_mem_monitor ops = {
	.size = sizeof(ops),
	.start = monitor_start,
	.stop = monitor_stop,
	.subscribe = monitor_subscribe,
	.unsubscribe = monitor_unsubscribe,
	.valid = monitor_valid,
};

struct fid_mem_monitor pw_monitor = {
	.fid.fclass = FI_CLASS_MEM_MONITOR,
	.export_ops = &ops,
};

/*
 * Other threads of the program may still call subscribe() and valid(), so the table stays.
 * The thread must not be in notify() when libfabric destroys its locks. Another thread of the
 * program may hold these locks for ever: hence the limit.
 */
bool pw_monitor_exit(void)
{
	const int state = pw_monitor_cancel_disable();
	struct pw_reader *reader;

	/* stop() frees no reader while it waits for this lock. */
	pthread_rwlock_rdlock(&locks->current);
	reader = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
	if (reader && !pw_reader_stop(reader))
		(void)pw_reader_ended(reader, EXIT_MS);
	pthread_rwlock_unlock(&locks->current);
	old_readers_free(EXIT_MS);
	pw_monitor_cancel_restore(state);
	return reader;
}
