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

/* Atomic. NULL unless the monitor is running. */
static struct pw_reader *current;
/* Keeps the table of @current. stop() takes it for writing. */
static pthread_rwlock_t current_lock = PTHREAD_RWLOCK_INITIALIZER;
/* Protects the list. Lock order: libfabric's mm_state_lock, then old_lock. */
static pthread_mutex_t old_lock = PTHREAD_MUTEX_INITIALIZER;
static struct old_reader *old_readers;

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

/* In a child, a thread that does not exist there may have the lock for ever: do not wait. */
struct pw_table *pw_monitor_table_get(void)
{
	struct pw_table *table;

	if (pthread_rwlock_tryrdlock(&current_lock))
		return NULL;
	table = table_current();
	if (!table)
		pthread_rwlock_unlock(&current_lock);
	return table;
}

void pw_monitor_table_put(void)
{
	pthread_rwlock_unlock(&current_lock);
}

/* Free the readers that end within @ms each. */
static void old_readers_free(unsigned int ms)
{
	struct old_reader **link = &old_readers, *old;

	pthread_mutex_lock(&old_lock);
	while ((old = *link)) {
		if (!pw_reader_ended(old->reader, ms)) {
			link = &old->next;
			continue;
		}
		*link = old->next;
		pw_reader_free(old->reader);
		free(old);
	}
	pthread_mutex_unlock(&old_lock);
}

/* Without memory, the reader is never freed. */
static void old_reader_add(struct pw_reader *reader)
{
	struct old_reader *old = malloc(sizeof(*old));

	if (!old)
		return;
	old->reader = reader;
	pthread_mutex_lock(&old_lock);
	old->next = old_readers;
	old_readers = old;
	pthread_mutex_unlock(&old_lock);
}

static int monitor_start(struct fid_mem_monitor *monitor)
{
	struct pw_reader *reader;
	int ret;

	(void)monitor;
	old_readers_free(0);
	ret = pw_reader_start(&reader, caches_notify);
	if (ret) {
		pw_provider_complain(ret, "libfabric registers memory for each transfer");
		return ret;
	}
	__atomic_store_n(&current, reader, __ATOMIC_RELEASE);
	return 0;
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

/* Returns false in a child where a thread of the parent had the lock. */
static bool current_clear(bool owned)
{
	if (owned)
		pthread_rwlock_wrlock(&current_lock);
	else if (pthread_rwlock_trywrlock(&current_lock))
		return false;
	__atomic_store_n(&current, NULL, __ATOMIC_RELEASE);
	pthread_rwlock_unlock(&current_lock);
	return true;
}

static void monitor_stop(struct fid_mem_monitor *monitor)
{
	struct pw_reader *reader = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
	bool owned;

	(void)monitor;
	if (!reader)
		return;
	owned = pw_table_owned(pw_reader_table(reader));
	if (owned)
		stats_log(pw_reader_table(reader));
	if (!current_clear(owned))
		return;
	if (pw_reader_stop(reader))
		pw_reader_free(reader);
	else
		old_reader_add(reader);
}

static int monitor_subscribe(struct fid_mem_monitor *monitor, const void *addr, size_t length)
{
	struct pw_table *table = table_current();

	(void)monitor;
	return table ? pw_table_subscribe(table, addr, length) : -FI_ENOSYS;
}

static void monitor_unsubscribe(struct fid_mem_monitor *monitor, const void *addr,
				size_t length)
{
	struct pw_table *table = table_current();

	(void)monitor;
	if (table)
		pw_table_unsubscribe(table, addr, length);
}

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
	/* stop() frees no reader before pw_monitor_table_put(). */
	bool running = pw_monitor_table_get();

	if (running) {
		if (!pw_reader_stop(current))
			(void)pw_reader_ended(current, EXIT_MS);
		pw_monitor_table_put();
	}
	old_readers_free(EXIT_MS);
	return running;
}
