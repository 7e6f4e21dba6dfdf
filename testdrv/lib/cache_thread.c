// SPDX-License-Identifier: MIT
/*
 * What each thread keeps of a cache, from its first request to its exit: structures, users
 * and hits. cache_hit.h has the rules of the counts of users.
 */
#include <linux/membarrier.h>
#include <stdlib.h>

#include "cache_hit.h"

/* No cache has the id 0. */
static struct pw_cache_thread no_thread;

/* gcc takes the model of a definition from the definition. */
__thread struct pw_cache_thread *pw_cache_last_thread
	__attribute__((tls_model("initial-exec"))) = &no_thread;
/* All caches of this thread. */
static __thread struct pw_cache_thread *own_threads __attribute__((tls_model("initial-exec")));

/* Thread exit excludes pinwatch_cache_destroy(). Before the lock of a cache. */
static pthread_mutex_t exit_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool handler_registered;		/* constant after the constructor */
static bool key_created;
static uint64_t last_cache_id;

struct pw_cache_thread *pw_cache_thread_find(const struct pinwatch_cache *cache)
{
	struct pw_cache_thread *thread;

	if (pw_cache_last_thread->cache_id == cache->id)
		return pw_cache_last_thread;
	for (thread = own_threads; thread; thread = thread->next_own) {
		if (thread->cache_id != cache->id)
			continue;
		pw_cache_last_thread = thread;
		break;
	}
	return thread;
}

void pw_cache_set_ready(struct pinwatch_cache *cache, struct pw_cache_entry *entry, bool ready)
{
	entry->ready = ready;
	__atomic_store_n(&cache->flags[entry->index].ready, ready, __ATOMIC_SEQ_CST);
}

bool pw_cache_set_used(struct pinwatch_cache *cache, const struct pw_cache_entry *entry,
		       bool used)
{
	return __atomic_exchange_n(&cache->flags[entry->index].used, used, __ATOMIC_RELAXED);
}

bool pw_cache_barrier(struct pinwatch_cache *cache)
{
	const struct pw_cache_thread *first = cache->threads;

	if (cache->no_membarrier || !first)
		return true;
	if (!first->next && first == pw_cache_thread_find(cache))
		return true;
	return !pw_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

uint32_t pw_cache_users(const struct pinwatch_cache *cache, const struct pw_cache_entry *entry)
{
	const struct pw_cache_thread *thread;
	uint32_t users = entry->users;

	for (thread = cache->threads; thread; thread = thread->next)
		if (entry->index < thread->nr_records)
			users += __atomic_load_n(&thread->records[entry->index].users,
						 __ATOMIC_SEQ_CST);
	return users;
}

uint64_t pw_cache_hits(const struct pinwatch_cache *cache)
{
	const struct pw_cache_thread *thread;
	uint64_t hits = cache->stats.hits;

	for (thread = cache->threads; thread; thread = thread->next)
		hits += __atomic_load_n(&thread->nr_hits, __ATOMIC_RELAXED);
	return hits;
}

/* Add the counts of @thread to the entries. Caller holds the lock. */
static void thread_fold(struct pinwatch_cache *cache, struct pw_cache_thread *thread)
{
	uint32_t i;

	for (i = 1; i < thread->nr_records && i <= cache->last_entry; i++)
		cache->entries[i].users += thread->records[i].users;
	cache->stats.hits += thread->nr_hits;
	free(thread->records);
	free(thread->buckets);
}

/* This thread exits. */
static void thread_detach(struct pw_cache_thread *thread)
{
	struct pinwatch_cache *cache = __atomic_load_n(&thread->cache, __ATOMIC_ACQUIRE);
	struct pw_cache_thread **link;

	if (!cache)
		return;
	pw_cache_lock(cache);
	for (link = &cache->threads; *link != thread; link = &(*link)->next)
		;
	*link = thread->next;
	thread_fold(cache, thread);
	/* Caller holds exit_lock: the next pw_cache_unlock() drops idle regions. */
	pthread_mutex_unlock(&cache->lock);
}

static void threads_exit(void *unused)
{
	struct pw_cache_thread *thread = own_threads, *next;

	(void)unused;
	own_threads = NULL;
	pw_cache_last_thread = &no_thread;
	pthread_mutex_lock(&exit_lock);
	for (; thread; thread = next) {
		next = thread->next_own;
		thread_detach(thread);
		free(thread);
	}
	pthread_mutex_unlock(&exit_lock);
}

/* The child has no use for the caches of its parent, and must not wait for lost locks. */
static void threads_forget(void)
{
	own_threads = NULL;
	pw_cache_last_thread = &no_thread;
	pthread_mutex_init(&exit_lock, NULL);
}

/* As in fork.c: a thread that forks must not register a handler meanwhile. */
__attribute__((constructor)) static void handler_register(void)
{
	handler_registered = !pthread_atfork(NULL, NULL, threads_forget);
}

static void key_create(void)
{
	key_created = handler_registered && !pthread_key_create(&key, threads_exit);
}

/* The destructor of the key must not outlive the library. */
__attribute__((destructor)) static void key_delete(void)
{
	/* A thread may still run while the process exits. */
	if (__atomic_exchange_n(&key_created, false, __ATOMIC_SEQ_CST))
		pthread_key_delete(key);
}

void pw_cache_threads_init(struct pinwatch_cache *cache)
{
	pthread_once(&once, key_create);
	cache->id = __atomic_add_fetch(&last_cache_id, 1, __ATOMIC_RELAXED);
	cache->no_membarrier = pw_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0;
}

void pw_cache_threads_exit(struct pinwatch_cache *cache)
{
	struct pw_cache_thread *thread, *next;

	pthread_mutex_lock(&exit_lock);
	pw_cache_lock(cache);
	thread = cache->threads;
	cache->threads = NULL;
	for (; thread; thread = next) {
		next = thread->next;
		thread_fold(cache, thread);
		/* Pairs with the acquire of the thread, which then frees the structure. */
		__atomic_store_n(&thread->cache, NULL, __ATOMIC_RELEASE);
	}
	/* The flush of pinwatch_cache_destroy() drops regions, without exit_lock. */
	pthread_mutex_unlock(&cache->lock);
	pthread_mutex_unlock(&exit_lock);
}

/* Free the structures of this thread that belong to destroyed caches. */
static void threads_free(void)
{
	struct pw_cache_thread **link = &own_threads, *thread;

	while ((thread = *link)) {
		if (__atomic_load_n(&thread->cache, __ATOMIC_ACQUIRE)) {
			link = &thread->next_own;
		} else {
			*link = thread->next_own;
			if (pw_cache_last_thread == thread)
				pw_cache_last_thread = &no_thread;
			free(thread);
		}
	}
}

struct pw_cache_thread *pw_cache_thread_create(struct pinwatch_cache *cache)
{
	struct pw_cache_thread *thread;

	threads_free();
	if (!__atomic_load_n(&key_created, __ATOMIC_SEQ_CST) || pthread_setspecific(key, &key))
		return NULL;
	thread = pw_cache_zalloc(sizeof(*thread));
	if (!thread)
		return NULL;
	if (!pw_cache_buckets_grow(thread, 0)) {
		free(thread);
		return NULL;
	}
	thread->cache_id = cache->id;
	thread->cache = cache;
	thread->next = cache->threads;
	cache->threads = thread;
	thread->next_own = own_threads;
	own_threads = thread;
	return thread;
}
