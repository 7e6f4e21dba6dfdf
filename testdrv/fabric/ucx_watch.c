// SPDX-License-Identifier: MIT
/* See ucx_watch.h. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libpinwatch.h"
#include "ucx_api.h"
#include "ucx_watch.h"
#include "ibverbs.h"

#define NR_EVENTS	16	/* read at a time */
#define NR_BUCKETS	1024

/**
 * struct registration - a memory region of libibverbs
 * @mr: Key of the table.
 * @addr: First byte.
 * @length: Bytes.
 * @watched: @watch was added. If not, no event tells that the range has changed.
 * @round: Last round of unwatched_deliver() that has delivered the range. Under table_lock.
 * @watch: The watch of the range.
 * @next: Next registration in the bucket.
 */
struct registration {
	const struct ibv_mr *mr;
	void *addr;
	size_t length;
	bool watched;
	uint64_t round;
	struct pinwatch_watch watch;
	struct registration *next;
};

/* Atomic; written under table_lock. Set once in a process, and never closed before exit. */
static struct pinwatch *device;
static bool device_failed;	/* under table_lock */

/* Protects the following table. Constant members of a registration need no lock. */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct registration *buckets[NR_BUCKETS];
static size_t nr_unwatched;	/* atomic; written under the lock */

/* Held while events are read and delivered: see ucx_watch.h. */
static pthread_mutex_t deliver_lock = PTHREAD_MUTEX_INITIALIZER;
static __thread bool delivering;

/* The word at the last look-up of this thread. UINT64_MAX: no value of the word. */
static __thread uint64_t hits_seen = UINT64_MAX;

static struct pinwatch *device_load(void)
{
	return __atomic_load_n(&device, __ATOMIC_ACQUIRE);
}

/* Caller holds table_lock. */
static void device_open(void)
{
	static bool said;
	struct pinwatch *dev;
	int ret = pinwatch_open(&dev, NULL, PINWATCH_OPEN_NONBLOCK);

	if (!ret) {
		__atomic_store_n(&device, dev, __ATOMIC_RELEASE);
		return;
	}
	device_failed = true;
	ucx_say(&said, "%s: %s, so UCX works as without this library", PINWATCH_DEVICE,
		strerror(-ret));
}

bool ucx_watch_open(void)
{
	if (device_load())
		return true;
	pthread_mutex_lock(&table_lock);
	if (!device && !device_failed)
		device_open();
	pthread_mutex_unlock(&table_lock);
	return device_load();
}

bool ucx_watch_changed(void)
{
	struct pinwatch *dev = device_load();

	return dev && (pinwatch_hits(dev) != hits_seen ||
		       __atomic_load_n(&nr_unwatched, __ATOMIC_ACQUIRE));
}

/* Caches drop the regions in the range. */
static void vm_munmap(uint64_t start, uint64_t length)
{
	ucx_api_get(NULL)->vm_munmap((void *)(uintptr_t)start, length);
}

static void events_deliver(struct pinwatch *dev)
{
	struct pinwatch_event events[NR_EVENTS];
	int i, nr;

	do {
		nr = pinwatch_read_events(dev, events, NR_EVENTS);
		for (i = 0; i < nr; i++)
			vm_munmap(events[i].start, events[i].end - events[i].start);
	} while (nr > 0 || nr == -EINTR);
}

/* Move up to NR_EVENTS registrations without a watch, not yet delivered in @round, to @ranges. */
static size_t unwatched_collect(uint64_t round, struct registration *ranges)
{
	struct registration *registration;
	size_t i, nr = 0;

	pthread_mutex_lock(&table_lock);
	for (i = 0; i < NR_BUCKETS; i++)
		for (registration = buckets[i]; registration && nr < NR_EVENTS;
		     registration = registration->next)
			if (!registration->watched && registration->round != round) {
				registration->round = round;
				ranges[nr++] = *registration;
			}
	pthread_mutex_unlock(&table_lock);
	return nr;
}

/*
 * Nothing tells whether these ranges have changed: UCX must register each again. Caller holds
 * deliver_lock. Without table_lock, because UCX may call ibv_dereg_mr() in ucm_vm_munmap().
 */
static void unwatched_deliver(void)
{
	struct registration ranges[NR_EVENTS];
	static uint64_t round;
	size_t i, nr;

	round++;
	do {
		nr = unwatched_collect(round, ranges);
		for (i = 0; i < nr; i++)
			vm_munmap((uintptr_t)ranges[i].addr, ranges[i].length);
	} while (nr);
}

/*
 * The word is loaded before the events are read: a hit in between only leads to another
 * delivery. Another thread may have read the events of this change: deliver_lock is free
 * when that thread has delivered them.
 */
void ucx_watch_deliver(void)
{
	struct pinwatch *dev = device_load();
	uint64_t hits = pinwatch_hits(dev);

	/* A handler of ucm_vm_munmap(), or of a signal, looks up a region. */
	if (delivering)
		return;
	delivering = true;
	pthread_mutex_lock(&deliver_lock);
	events_deliver(dev);
	if (__atomic_load_n(&nr_unwatched, __ATOMIC_ACQUIRE))
		unwatched_deliver();
	pthread_mutex_unlock(&deliver_lock);
	delivering = false;
	hits_seen = hits;
}

static struct registration **bucket_of(const struct ibv_mr *mr)
{
	return &buckets[((uintptr_t)mr >> 6) % NR_BUCKETS];
}

static void table_insert(struct registration *registration)
{
	struct registration **bucket = bucket_of(registration->mr);

	pthread_mutex_lock(&table_lock);
	registration->next = *bucket;
	*bucket = registration;
	if (!registration->watched)
		__atomic_add_fetch(&nr_unwatched, 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&table_lock);
}

static struct registration *table_remove(const struct ibv_mr *mr)
{
	struct registration **link, *registration;

	pthread_mutex_lock(&table_lock);
	for (link = bucket_of(mr); *link && (*link)->mr != mr; link = &(*link)->next)
		;
	registration = *link;
	if (registration)
		*link = registration->next;
	if (registration && !registration->watched)
		__atomic_sub_fetch(&nr_unwatched, 1, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&table_lock);
	return registration;
}

static void registration_free(struct registration *registration)
{
	if (registration && registration->watched)
		pinwatch_watch_del(device_load(), &registration->watch);
	free(registration);
}

static void registration_watch(struct registration *registration)
{
	static bool said;
	int ret = pinwatch_watch_add(device_load(), registration->addr, registration->length,
				     PINWATCH_WATCH_F_PAGES, 0, &registration->watch);

	registration->watched = !ret;
	if (ret)
		ucx_say(&said, "cannot watch %zu bytes (%s), so UCX registers them for each use",
			registration->length, strerror(-ret));
}

static void *register_begin(void *addr, size_t length)
{
	static bool said;
	struct registration *registration;

	if (!length || !ucx_api_get(NULL) || !ucx_watch_open())
		return NULL;
	registration = calloc(1, sizeof(*registration));
	if (!registration) {
		ucx_say(&said, "no memory to watch %zu bytes: UCX may miss changes of them",
			length);
		return NULL;
	}
	registration->addr = addr;
	registration->length = length;
	registration_watch(registration);
	return registration;
}

static void register_end(void *token, struct ibv_mr *mr)
{
	struct registration *registration = token;

	if (!registration)
		return;
	registration->mr = mr;
	if (mr)
		table_insert(registration);
	else
		registration_free(registration);
}

static void deregister(struct ibv_mr *mr)
{
	registration_free(table_remove(mr));
}

const struct verbs_hooks verbs_hooks = {
	.register_begin = register_begin,
	.register_end = register_end,
	.deregister = deregister,
};

/*
 * Other threads of the parent may have held the locks. The child has one thread. Neither the
 * watches nor the memory regions of the parent are of use in the child.
 */
static void fork_child(void)
{
	pthread_mutex_init(&table_lock, NULL);
	pthread_mutex_init(&deliver_lock, NULL);
	memset(buckets, 0, sizeof(buckets));
	nr_unwatched = 0;
	delivering = false;
	hits_seen = UINT64_MAX;
	pinwatch_close(device);
	device = NULL;
}

__attribute__((constructor)) static void fork_register(void)
{
	pthread_atfork(NULL, NULL, fork_child);
}
