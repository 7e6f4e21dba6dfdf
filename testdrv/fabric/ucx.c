// SPDX-License-Identifier: MIT
/*
 * libpinwatch-ucx.so, for LD_PRELOAD: the registration caches of UCX notice every change of a
 * mapping. Experimental. See pinwatch-ucx(7), ucx_watch.h and ucx_api.h.
 *
 * UCX has two look-ups. ucs_rcache_get() checks the queue of invalidations of the cache, and
 * then calls ucs_pgtable_lookup(). From 1.14 on, libucp does both inline. So both functions
 * deliver the events first, and ucs_pgtable_lookup(), whose caller has checked the queue
 * already, returns NULL: the caller takes the slow path, which checks the queue again.
 *
 * ucs_pgtable_lookup() returns NULL for the tables of registration caches only. In the table of
 * the memory type cache, NULL means memory of the host, whatever the memory is. So the tables
 * are known by ucs_pgtable_init() within ucs_rcache_create().
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ucx_api.h"
#include "ucx_watch.h"

#define ERR_NO_MEMORY	((uintptr_t)-4)		/* UCS_ERR_NO_MEMORY */
#define ERR_UNSUPPORTED	((uintptr_t)-22)	/* UCS_ERR_UNSUPPORTED */

/* struct table - the page table of a registration cache */
struct table {
	const void *pgtable;
	struct table *next;
};

/* A leaf lock. Protects the list. */
static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
static struct table *tables;

static __thread bool creating;	/* within ucs_rcache_create() */

static bool table_insert(const void *pgtable)
{
	struct table *table = malloc(sizeof(*table));

	if (!table)
		return false;
	table->pgtable = pgtable;
	pthread_mutex_lock(&tables_lock);
	table->next = tables;
	tables = table;
	pthread_mutex_unlock(&tables_lock);
	return true;
}

/* Caller holds tables_lock. */
static struct table **table_find(const void *pgtable)
{
	struct table **link = &tables;

	while (*link && (*link)->pgtable != pgtable)
		link = &(*link)->next;
	return link;
}

static void table_remove(const void *pgtable)
{
	struct table **link, *table;

	pthread_mutex_lock(&tables_lock);
	link = table_find(pgtable);
	table = *link;
	if (table)
		*link = table->next;
	pthread_mutex_unlock(&tables_lock);
	free(table);
}

static bool table_is_known(const void *pgtable)
{
	bool known;

	pthread_mutex_lock(&tables_lock);
	known = *table_find(pgtable);
	pthread_mutex_unlock(&tables_lock);
	return known;
}

/*
 * With UCX_MEM_MMAP_HOOK_MODE=none, UCX has no caches unless the program reports the events.
 * libpinwatch-ucx.so reports those on ranges that libibverbs has registered, and no others.
 */
static void external_events_set(const struct ucx_api *api)
{
	const char *value = getenv("PINWATCH_UCX_EXTERNAL_EVENTS");

	if (value && !strcmp(value, "y"))
		api->set_external_event(UCM_EVENT_VM_UNMAPPED);
}

uintptr_t ucs_rcache_create(const void *params, const char *name, void *parent, void **rcache)
{
	const struct ucx_api *api = ucx_api_found(__builtin_return_address(0));
	uintptr_t status;

	if (!api || !api->rcache_create)
		return ERR_UNSUPPORTED;
	if (api->complete && ucx_watch_open())
		external_events_set(api);
	creating = true;
	status = api->rcache_create(params, name, parent, rcache);
	creating = false;
	return status;
}

uintptr_t ucs_pgtable_init(void *pgtable, void *alloc_cb, void *release_cb)
{
	const struct ucx_api *api = ucx_api_found(__builtin_return_address(0));

	if (!api || !api->pgtable_init)
		return ERR_UNSUPPORTED;
	if (creating && !table_insert(pgtable))
		return ERR_NO_MEMORY;
	return api->pgtable_init(pgtable, alloc_cb, release_cb);
}

void ucs_pgtable_cleanup(void *pgtable)
{
	const struct ucx_api *api = ucx_api_found(__builtin_return_address(0));

	table_remove(pgtable);
	if (api && api->pgtable_cleanup)
		api->pgtable_cleanup(pgtable);
}

uintptr_t ucs_rcache_get(uintptr_t rcache, uintptr_t address, uintptr_t length, uintptr_t a3,
			 uintptr_t a4, uintptr_t a5, uintptr_t a6)
{
	const struct ucx_api *api = ucx_api_found(__builtin_return_address(0));

	if (!api || !api->rcache_get)
		return ERR_UNSUPPORTED;
	if (ucx_watch_changed())
		ucx_watch_deliver();
	return api->rcache_get(rcache, address, length, a3, a4, a5, a6);
}

void *ucs_pgtable_lookup(const void *pgtable, unsigned long address)
{
	const struct ucx_api *api = ucx_api_found(__builtin_return_address(0));

	if (ucx_watch_changed() && table_is_known(pgtable)) {
		ucx_watch_deliver();
		return NULL;
	}
	return api && api->pgtable_lookup ? api->pgtable_lookup(pgtable, address) : NULL;
}

/* Another thread of the parent may have held the lock. The child has one thread. */
static void fork_child(void)
{
	pthread_mutex_init(&tables_lock, NULL);
}

__attribute__((constructor)) static void fork_register(void)
{
	pthread_atfork(NULL, NULL, fork_child);
}
