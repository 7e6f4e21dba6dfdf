// SPDX-License-Identifier: MIT
/* See fake_fabric.h. */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include <rdma/fi_ext.h>

#include "fake.h"
#include "fake_fabric.h"
#include "provider.h"
#include "reader.h"
#include "test.h"
#include "ibverbs.h"

#define MAX_ENTRIES	256

struct cache_entry {
	size_t page, nr;
	uint64_t version;
	struct cache_entry *next;
};

struct fabric fabric = { .version = FI_VERSION(1, 17) };

static struct cache_entry *caches[NR_CACHES];	/* mm_lock */
static uint64_t versions[FABRIC_PAGES];		/* memory_lock */
static uint64_t sent_hits[FAKE_MAX_WATCHES];	/* of the watch with the cookie */
static uint64_t sent_cookie[FAKE_MAX_WATCHES];
static struct fid_mem_monitor *monitor;
static __thread bool in_callback;

/* libfabric */

uint32_t fi_version(void)
{
	return fabric.version;
}

int fi_log_enabled(const struct fi_provider *prov, enum fi_log_level level,
		   enum fi_log_subsys subsys)
{
	(void)prov;
	(void)level;
	return subsys == FI_LOG_MR;
}

void fi_log(const struct fi_provider *prov, enum fi_log_level level,
	    enum fi_log_subsys subsys, const char *func, int line, const char *format, ...)
{
	(void)level;
	(void)func;
	(void)line;
	(void)format;
	CHECK(prov == &pw_provider);
	CHECK_EQ(subsys, FI_LOG_MR);
	fabric.nr_logged++;
}

static bool entry_overlaps(const struct cache_entry *entry, size_t page, size_t nr)
{
	return entry->page < page + nr && page < entry->page + entry->nr;
}

/* Caller holds mm_lock. */
static void entries_drop(unsigned int cache, size_t page, size_t nr)
{
	struct cache_entry **link = &caches[cache], *entry;

	while ((entry = *link)) {
		if (!entry_overlaps(entry, page, nr)) {
			link = &entry->next;
			continue;
		}
		*link = entry->next;
		if (fabric.unsubscribes)
			fabric_unsubscribe(entry->page, entry->nr);
		free(entry);
	}
}

static void notify(struct fid_mem_monitor *mon, const void *addr, size_t length)
{
	size_t page = (size_t)((const char *)addr - fake_page(0)) / FAKE_PAGE;
	unsigned int cache;

	CHECK(mon == monitor);
	CHECK(!in_callback);
	CHECK_EQ(pthread_rwlock_rdlock(&fabric.mm_list_rwlock), 0);
	fabric_lock();
	for (cache = 0; cache < NR_CACHES; cache++)
		entries_drop(cache, page, length / FAKE_PAGE);
	if (fabric.on_notify)
		fabric.on_notify();
	fabric_unlock();
	CHECK_EQ(pthread_rwlock_unlock(&fabric.mm_list_rwlock), 0);
	__atomic_add_fetch(&fabric.nr_notified, 1, __ATOMIC_RELEASE);
}

static int monitor_close(struct fid *fid)
{
	CHECK(fid == &monitor->fid);
	monitor = NULL;
	return 0;
}

static struct fi_ops_mem_notify import_ops = { .size = sizeof(import_ops), .notify = notify };

static struct fi_ops monitor_ops = { .size = sizeof(monitor_ops), .close = monitor_close };

static int cache_bind(struct fid *fid, struct fid *bound, uint64_t flags)
{
	(void)fid;
	CHECK_EQ(flags, 0);
	CHECK_EQ(bound->fclass, FI_CLASS_MEM_MONITOR);
	if (fabric.import_error)
		return fabric.import_error;
	monitor = (struct fid_mem_monitor *)bound;
	CHECK_EQ(monitor->export_ops->size, sizeof(struct fi_ops_mem_monitor));
	monitor->import_ops = &import_ops;
	monitor->fid.ops = &monitor_ops;
	fabric.nr_imports++;
	return 0;
}

static int cache_close(struct fid *fid)
{
	(void)fid;
	return 0;
}

static struct fi_ops cache_ops = {
	.size = sizeof(cache_ops), .bind = cache_bind, .close = cache_close,
};

static struct fid cache_fid = { .ops = &cache_ops };

int fi_open(uint32_t version, const char *name, void *attr, size_t attr_len, uint64_t flags,
	    struct fid **fid, void *context)
{
	(void)attr;
	(void)context;
	CHECK(version >= FI_VERSION(1, 13) && version <= fabric.version);
	CHECK(!strcmp(name, "mr_cache"));
	CHECK_EQ(attr_len, 0);
	CHECK_EQ(flags, 0);
	*fid = &cache_fid;
	return 0;
}

/* The linker makes calls of pinwatch_open() calls of this function. */
int __wrap_pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags);
int __wrap_pinwatch_open(struct pinwatch **dev, const char *path, unsigned int flags)
{
	(void)path;
	(void)flags;
	if (fabric.open_error)
		return fabric.open_error;
	*dev = fake_open();
	fake.watch_flags &= ~fabric.missing_flags;
	return 0;
}

/* The tests' side */

void fabric_lock(void)
{
	CHECK_EQ(pthread_mutex_lock(&fabric.mm_lock), 0);
}

void fabric_unlock(void)
{
	CHECK_EQ(pthread_mutex_unlock(&fabric.mm_lock), 0);
}

static void locks_init(void)
{
	pthread_mutexattr_t attr;

	CHECK_EQ(pthread_mutexattr_init(&attr), 0);
	CHECK_EQ(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK), 0);
	CHECK_EQ(pthread_mutex_init(&fabric.mm_lock, &attr), 0);
	CHECK_EQ(pthread_mutex_init(&fabric.memory_lock, &attr), 0);
	CHECK_EQ(pthread_rwlock_init(&fabric.mm_list_rwlock, NULL), 0);
}

int fabric_start(void)
{
	int ret;

	in_callback = true;
	ret = monitor->export_ops->start(monitor);
	in_callback = false;
	return ret;
}

void fabric_stop(void)
{
	in_callback = true;
	monitor->export_ops->stop(monitor);
	in_callback = false;
}

void fabric_stop_in_notify(void)
{
	CHECK_EQ(pthread_rwlock_wrlock(&fabric.mm_list_rwlock), 0);
	fabric_change(0, 4);
	fabric_send_events();
	while (fake_watch_get(0).used)	/* the reader takes the event */
		sched_yield();
	usleep(10000);			/* and waits for the lock */
	fabric_stop();
}

void fabric_begin(bool unsubscribes)
{
	locks_init();
	fabric.unsubscribes = unsubscribes;
	CHECK_EQ(setenv("FI_MR_CACHE_MONITOR", "pinwatch", 1), 0);
	CHECK(fi_prov_ini() == &pw_provider);
	CHECK_EQ(fabric.nr_imports, 1);
	CHECK_EQ(fabric_start(), 0);
}

static bool thread_is_reader(const char *tid)
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = 0;
	fclose(file);
	return !strcmp(name, PW_READER_NAME "\n");
}

size_t fabric_nr_readers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	size_t nr = 0;

	CHECK(dir);
	while ((entry = readdir(dir)))
		nr += thread_is_reader(entry->d_name);
	closedir(dir);
	return nr;
}

void fabric_end(void)
{
	fabric_flush();
	fabric_stop();
	pw_provider.cleanup();
	CHECK(!monitor);
	CHECK_EQ(fabric_nr_readers(), 0);
	CHECK_EQ(fake.nr_watches, 0);
	close(fake.event_fd);
#ifdef __SANITIZE_ADDRESS__
	CHECK_EQ(__lsan_do_recoverable_leak_check(), 0);
#endif
}

int fabric_subscribe(size_t page, size_t nr)
{
	int ret;

	in_callback = true;
	ret = monitor->export_ops->subscribe(monitor, fake_page(page), nr * FAKE_PAGE);
	in_callback = false;
	return ret;
}

void fabric_unsubscribe(size_t page, size_t nr)
{
	bool outer = in_callback;

	in_callback = true;
	monitor->export_ops->unsubscribe(monitor, fake_page(page), nr * FAKE_PAGE);
	in_callback = outer;
}

bool fabric_valid(size_t page, size_t nr)
{
	bool valid;

	in_callback = true;
	valid = monitor->export_ops->valid(monitor, fake_page(page), nr * FAKE_PAGE);
	in_callback = false;
	return valid;
}

/* Grows with each change of any of the pages. */
static uint64_t version_of(size_t page, size_t nr)
{
	uint64_t sum = 0;

	while (nr--)
		sum += versions[page + nr];
	return sum;
}

static struct cache_entry *entry_find(unsigned int cache, size_t page, size_t nr)
{
	struct cache_entry *entry;

	for (entry = caches[cache]; entry; entry = entry->next)
		if (entry->page <= page && page + nr <= entry->page + entry->nr)
			break;
	return entry;
}

/* Caller holds memory_lock. */
static void pages_exchange(size_t page, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		versions[page + i]++;
	fake_invalidate(fake_page(page), nr * FAKE_PAGE);
}

static void entry_add(unsigned int cache, size_t page, size_t nr)
{
	struct cache_entry *entry = malloc(sizeof(*entry));

	CHECK(entry);
	if (fabric.strict)
		verbs_hooks.register_begin(fake_page(page), nr * FAKE_PAGE);
	*entry = (struct cache_entry){ page, nr, version_of(page, nr), caches[cache] };
	caches[cache] = entry;
	if (fabric.exchanges)
		pages_exchange(page, nr);
	if (fabric_subscribe(page, nr))
		entries_drop(cache, page, nr);
}

bool fabric_search(unsigned int cache, size_t page, size_t nr)
{
	struct cache_entry *entry;
	bool hit;

	CHECK_EQ(pthread_mutex_lock(&fabric.memory_lock), 0);
	fabric_lock();
	entry = entry_find(cache, page, nr);
	hit = entry && fabric_valid(entry->page, entry->nr);
	if (hit) {
		CHECK_EQ(entry->version, version_of(entry->page, entry->nr));
		fabric.nr_hits++;
	} else {
		entries_drop(cache, page, nr);
		entry_add(cache, page, nr);
		fabric.nr_misses++;
	}
	fabric_unlock();
	CHECK_EQ(pthread_mutex_unlock(&fabric.memory_lock), 0);
	return hit;
}

void fabric_change(size_t page, size_t nr)
{
	CHECK_EQ(pthread_mutex_lock(&fabric.memory_lock), 0);
	pages_exchange(page, nr);
	CHECK_EQ(pthread_mutex_unlock(&fabric.memory_lock), 0);
}

void fabric_send_events(void)
{
	uint32_t id;

	for (id = 0; id < FAKE_MAX_WATCHES; id++) {
		struct fake_watch watch = fake_watch_get(id);
		struct pinwatch_event event = {
			.size = sizeof(event), .id = id, .cookie = watch.cookie,
			.start = watch.start, .end = watch.end, .count = 1,
		};
		uint64_t sent = sent_cookie[id] == watch.cookie ? sent_hits[id] : 0;

		if (!watch.used || watch.hits == sent)
			continue;
		CHECK_EQ(write(fake.event_fd, &event, sizeof(event)), sizeof(event));
		sent_cookie[id] = watch.cookie;
		sent_hits[id] = watch.hits;
	}
}

void fabric_wait_notified(size_t nr)
{
	while (__atomic_load_n(&fabric.nr_notified, __ATOMIC_ACQUIRE) < nr)
		sched_yield();
}

void fabric_flush(void)
{
	unsigned int cache;

	fabric_lock();
	for (cache = 0; cache < NR_CACHES; cache++)
		entries_drop(cache, 0, FABRIC_PAGES);
	fabric_unlock();
}
