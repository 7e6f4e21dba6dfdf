// SPDX-License-Identifier: MIT
/*
 * Registrations and their watches. See mr.h.
 *
 * A watch is added before the registration, so that there is no window, and deleted before
 * the deregistration. A registration is stale when its watch was hit by a cause that can
 * exchange pinned pages. Then the slot stays in the table for good, and the tool deletes the
 * watch: to delete it here could lose the event that has the cause and the actor.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mr.h"
#include "ibverbs.h"

#define NR_BUCKETS	1024

/*
 * A registration breaks copy-on-write and brings pages in, before it pins them: harmless
 * until it is over.
 */
#define CAUSES_OF_REGISTRATION \
	(MR_CAUSES_HARMLESS | PINWATCH_CAUSE_COW | PINWATCH_CAUSE_FAULT)

/*
 * struct session - a session with its free slots
 * @shared: See mr.h.
 * @nr_slots: Slots that were ever used.
 * @nr_free: Length of @free.
 * @free: Slots that are free again.
 * @scanned: Value of the device's word at which find_stale() has looked at each watch.
 * @next: Older session, whose descriptor the program has closed.
 *
 * The lock protects all, but the atomic @scanned is read without it.
 */
struct session {
	struct mr_session shared;
	uint32_t nr_slots;
	uint32_t nr_free;
	uint32_t free[MR_NR_SLOTS];
	uint64_t scanned;
	struct session *next;
};

/*
 * struct registration - a watched registration
 * @next: Next registration of the bucket.
 * @session: Constant.
 * @slot: Constant. The members of the slot: see mr_table.h.
 * @watch: The lock protects @watch.generation after the registration.
 * @mr: NULL until the registration is over.
 * @context: Of @mr, which ibv_close_device() may free.
 * @lkey: Of @mr.
 * @stale: Pages were exchanged.
 */
struct registration {
	struct registration *next;
	struct session *session;
	struct mr_slot *slot;
	struct pinwatch_watch watch;
	struct ibv_mr *mr;
	struct ibv_context *context;
	uint32_t lkey;
	bool stale;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct registration *buckets[NR_BUCKETS];
static struct session *sessions;	/* the newest first; atomic */
static unsigned int nr_stale;		/* atomic */
static uint32_t last_serial;
static pid_t pid;			/* of the process that opened sessions */
static bool failed;			/* the device or the tool cannot be reached */

static void fork_prepare(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/*
 * The registrations of the parent are none of the child, whose address space has neither
 * watches nor generations. What the lists held stays allocated: the child of a process with
 * threads must not free memory.
 */
static void fork_child(void)
{
	if (sessions && mr_session_usable(&sessions->shared))
		pinwatch_close(sessions->shared.dev);
	memset(buckets, 0, sizeof(buckets));
	sessions = NULL;
	nr_stale = 0;
	failed = false;
	pthread_mutex_unlock(&lock);
}

/*
 * Not in a constructor: handlers that are registered later take their locks earlier, and this
 * lock is taken before the lock of libpinwatch.
 */
static void handlers_register(void)
{
	(void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}

/* Before each use of the lock that may be the first one. */
static void fork_protect(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, handlers_register);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static struct registration **bucket(const struct ibv_mr *mr)
{
	return &buckets[((uintptr_t)mr >> 4) % NR_BUCKETS];
}

/* Caller holds the lock. */
static struct session *session_create(void)
{
	struct session *session = calloc(1, sizeof(*session));
	int ret = session ? mr_session_open(&session->shared) : -ENOMEM;

	if (ret) {
		failed = true;
		fprintf(stderr, "pinwatch mr: process %d: registrations are not watched: %s\n",
			getpid(), strerror(-ret));
		free(session);
		return NULL;
	}
	session->next = sessions;
	__atomic_store_n(&sessions, session, __ATOMIC_RELEASE);
	pid = getpid();
	return session;
}

/*
 * Caller holds the lock. A child that fork() did not make has another PID and must not touch
 * the table of its parent.
 */
static struct session *session_current(void)
{
	if (failed || (sessions && pid != getpid()))
		return NULL;
	if (sessions && mr_session_usable(&sessions->shared))
		return sessions;
	return session_create();
}

/* Caller holds the lock. Returns NULL if all slots are in use. */
static struct mr_slot *slot_get(struct session *session)
{
	struct mr_slot *slots = session->shared.table->slots;

	if (session->nr_free)
		return &slots[session->free[--session->nr_free]];
	return session->nr_slots < MR_NR_SLOTS ? &slots[session->nr_slots++] : NULL;
}

static uint32_t slot_number(const struct registration *reg)
{
	return (uint32_t)(reg->slot - reg->session->shared.table->slots);
}

static void slot_put(struct registration *reg)
{
	struct session *session = reg->session;

	__atomic_store_n(&reg->slot->state, MR_FREE, __ATOMIC_RELEASE);
	pthread_mutex_lock(&lock);
	session->free[session->nr_free++] = slot_number(reg);
	pthread_mutex_unlock(&lock);
}

/* A watch with a new serial, which the caller stores in the slot. */
static int watch_add(const struct registration *reg, uint32_t serial,
		     struct pinwatch_watch *watch)
{
	const struct mr_slot *slot = reg->slot;

	return pinwatch_watch_add(reg->session->shared.dev, (void *)(uintptr_t)slot->addr,
				  slot->length, PINWATCH_WATCH_F_PAGES,
				  (uint64_t)serial << 32 | slot_number(reg), watch);
}

static uint32_t serial_next(void)
{
	return __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
}

/*
 * Only causes of @harmless have hit the watch so far. False also if this cannot be told.
 * On true, @generation is the generation up to which it is so.
 */
static bool watch_harmless(const struct registration *reg, uint64_t harmless,
			   uint64_t *generation)
{
	struct pinwatch_watch_query figures;

	if (!mr_session_usable(&reg->session->shared) ||
	    pinwatch_watch_query(reg->session->shared.dev, reg->watch.id, &figures) ||
	    (figures.causes & ~harmless))
		return false;
	*generation = figures.generation;
	return true;
}

static int registration_watch(struct registration *reg, void *addr, size_t length)
{
	struct mr_slot *slot = reg->slot;
	int ret;

	__atomic_store_n(&slot->state, MR_BUSY, __ATOMIC_RELEASE);
	slot->serial = serial_next();
	slot->addr = (uintptr_t)addr;
	slot->length = length;
	slot->tid = gettid();
	slot->nr_uses = 0;
	slot->used_ns = 0;
	mr_where(slot->registered_at, sizeof(slot->registered_at));
	ret = watch_add(reg, slot->serial, &reg->watch);
	if (ret)
		slot_put(reg);
	return ret;
}

static struct registration *registration_create(void *addr, size_t length, int *error)
{
	struct registration *reg = calloc(1, sizeof(*reg));

	fork_protect();
	*error = -ENOMEM;
	if (!reg)
		return NULL;
	pthread_mutex_lock(&lock);
	reg->session = session_current();
	reg->slot = reg->session ? slot_get(reg->session) : NULL;
	pthread_mutex_unlock(&lock);
	if (reg->slot)
		*error = registration_watch(reg, addr, length);
	else
		*error = -ENOSPC;
	if (!*error)
		return reg;
	free(reg);
	return NULL;
}

/* Count a registration that has no watch. */
static void unwatched_count(int error)
{
	struct mr_table *table;

	pthread_mutex_lock(&lock);
	if (sessions && pid == getpid()) {
		table = sessions->shared.table;
		if (!table->nr_unwatched++)
			table->error = -error;
		table->nr_registrations++;
	}
	pthread_mutex_unlock(&lock);
}

static void *register_begin(void *addr, size_t length)
{
	int error;
	struct registration *reg = registration_create(addr, length, &error);

	if (!reg)
		unwatched_count(error);
	return reg;
}

/*
 * The watch was hit during the registration. If the registration itself did so, put a new
 * watch in its place: the new watch is there before the old one is asked, so an exchange in
 * between hits one of them.
 */
static void watch_renew(struct registration *reg)
{
	struct pinwatch *dev = reg->session->shared.dev;
	uint32_t serial = serial_next();
	struct pinwatch_watch watch;
	uint64_t generation;

	if (!mr_session_usable(&reg->session->shared) || watch_add(reg, serial, &watch))
		return;
	if (!watch_harmless(reg, CAUSES_OF_REGISTRATION, &generation)) {
		pinwatch_watch_del(dev, &watch);
		return;
	}
	pinwatch_watch_del(dev, &reg->watch);
	reg->watch = watch;
	reg->slot->serial = serial;
}

static void registration_publish(struct registration *reg, struct ibv_mr *mr)
{
	struct mr_slot *slot = reg->slot;

	slot->generation = reg->watch.generation;
	slot->watch = reg->watch.id;
	slot->lkey = mr->lkey;
	slot->rkey = mr->rkey;
	slot->registered_ns = now_ns();
	__atomic_store_n(&slot->state, MR_REGISTERED, __ATOMIC_RELEASE);

	pthread_mutex_lock(&lock);
	reg->mr = mr;
	reg->context = mr->context;
	reg->lkey = mr->lkey;
	reg->next = *bucket(mr);
	*bucket(mr) = reg;
	/* The last scan may have been after a hit, and without this registration. */
	if (!pinwatch_valid(&reg->watch))
		__atomic_store_n(&reg->session->scanned, 0, __ATOMIC_RELAXED);
	reg->session->shared.table->nr_registrations++;
	pthread_mutex_unlock(&lock);
}

static void watch_drop(struct registration *reg)
{
	if (mr_session_usable(&reg->session->shared))
		pinwatch_watch_del(reg->session->shared.dev, &reg->watch);
	slot_put(reg);
}

static void register_end(void *token, struct ibv_mr *mr)
{
	struct registration *reg = token;

	if (mr)
		mr_post_wrap(mr->context);
	if (!reg)
		return;
	if (!mr) {
		watch_drop(reg);
		free(reg);
		return;
	}
	if (!pinwatch_valid(&reg->watch))
		watch_renew(reg);
	registration_publish(reg, mr);
}

/* Caller holds the lock. */
static void stale_check(struct registration *reg)
{
	uint64_t generation;

	if (reg->stale || pinwatch_valid(&reg->watch))
		return;
	if (watch_harmless(reg, MR_CAUSES_HARMLESS, &generation)) {
		reg->watch.generation = generation;
		return;
	}
	reg->stale = true;
	__atomic_store_n(&nr_stale, nr_stale + 1, __ATOMIC_RELAXED);
}

/* Caller holds the lock. */
static void find_stale(struct session *session)
{
	uint64_t hits = pinwatch_hits(session->shared.dev);
	struct registration *reg;
	unsigned int i;

	if (hits == session->scanned)
		return;
	for (i = 0; i < NR_BUCKETS; i++)
		for (reg = buckets[i]; reg; reg = reg->next)
			if (reg->session == session)
				stale_check(reg);
	__atomic_store_n(&session->scanned, hits, __ATOMIC_RELAXED);
}

bool mr_use_possible(void)
{
	struct session *session = __atomic_load_n(&sessions, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(&nr_stale, __ATOMIC_RELAXED))
		return true;
	for (; session; session = session->next)
		if (pinwatch_hits(session->shared.dev) !=
		    __atomic_load_n(&session->scanned, __ATOMIC_RELAXED))
			return true;
	return false;
}

/* Caller holds the lock. The slot of a stale registration is never free again. */
static struct mr_slot *use_count(struct ibv_context *context, uint32_t lkey)
{
	struct registration *reg;
	struct mr_slot *first = NULL;
	unsigned int i;

	for (i = 0; i < NR_BUCKETS; i++)
		for (reg = buckets[i]; reg; reg = reg->next)
			if (reg->stale && reg->lkey == lkey && reg->context == context &&
			    !__atomic_fetch_add(&reg->slot->nr_uses, 1, __ATOMIC_RELAXED))
				first = reg->slot;
	return first;
}

static struct mr_slot *use_find(struct ibv_context *context, uint32_t lkey)
{
	struct session *session;
	struct mr_slot *first = NULL;

	pthread_mutex_lock(&lock);
	for (session = sessions; session; session = session->next)
		find_stale(session);
	if (nr_stale)
		first = use_count(context, lkey);
	pthread_mutex_unlock(&lock);
	return first;
}

void mr_use(struct ibv_context *context, const struct ibv_sge *sge, int nr_sge)
{
	struct mr_slot *slot;
	int i;

	for (i = 0; i < nr_sge; i++) {
		slot = use_find(context, sge[i].lkey);
		if (!slot)
			continue;
		/* Not under the lock: the loader has a lock of its own. */
		mr_where(slot->used_at, sizeof(slot->used_at));
		__atomic_store_n(&slot->used_ns, now_ns(), __ATOMIC_RELEASE);
	}
}

/* Caller holds the lock. */
static struct registration *registration_unlink(struct registration **link)
{
	struct registration *reg = *link;

	*link = reg->next;
	stale_check(reg);
	if (reg->stale)
		__atomic_store_n(&nr_stale, nr_stale - 1, __ATOMIC_RELAXED);
	return reg;
}

static struct registration *registration_remove(const struct ibv_mr *mr)
{
	struct registration **link, *reg = NULL;

	fork_protect();
	pthread_mutex_lock(&lock);
	for (link = bucket(mr); *link && (*link)->mr != mr; link = &(*link)->next)
		;
	if (*link)
		reg = registration_unlink(link);
	pthread_mutex_unlock(&lock);
	return reg;
}

/* Caller has removed @reg. */
static void registration_end(struct registration *reg)
{
	if (reg->stale || !mr_session_usable(&reg->session->shared)) {
		reg->slot->ended_ns = now_ns();
		__atomic_store_n(&reg->slot->state, reg->stale ? MR_ENDED : MR_LEFT,
				 __ATOMIC_RELEASE);
	} else {
		watch_drop(reg);
	}
	free(reg);
}

static void deregister(struct ibv_mr *mr)
{
	struct registration *reg = registration_remove(mr);

	if (reg)
		registration_end(reg);
}

/* Caller holds the lock. Returns a list of the registrations that were removed. */
static struct registration *bucket_remove(struct registration **link,
					  const struct ibv_context *context,
					  struct registration *list)
{
	struct registration *reg;

	while (*link) {
		if ((*link)->context != context) {
			link = &(*link)->next;
			continue;
		}
		reg = registration_unlink(link);
		reg->next = list;
		list = reg;
	}
	return list;
}

static void context_deregister(const struct ibv_context *context)
{
	struct registration *next, *list = NULL;
	unsigned int i;

	fork_protect();
	pthread_mutex_lock(&lock);
	for (i = 0; i < NR_BUCKETS; i++)
		list = bucket_remove(&buckets[i], context, list);
	pthread_mutex_unlock(&lock);
	for (; list; list = next) {
		next = list->next;
		registration_end(list);
	}
}

/* The kernel ends the registrations that are left. */
VERBS_EXPORT int ibv_close_device(struct ibv_context *context)
{
	static void *cache;
	int (*next)(struct ibv_context *context) =
		verbs_find(&cache, "ibv_close_device", "IBVERBS_1.1");

	if (!next)
		return -1;
	context_deregister(context);
	return next(context);
}

const struct verbs_hooks verbs_hooks = {
	.register_begin = register_begin,
	.register_end = register_end,
	.deregister = deregister,
};
