// SPDX-License-Identifier: MIT
/* See ucx_api.h. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ucx_api.h"

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	{ "ucs_rcache_create", offsetof(struct ucx_api, rcache_create) },
	{ "ucs_rcache_get", offsetof(struct ucx_api, rcache_get) },
	{ "ucs_pgtable_init", offsetof(struct ucx_api, pgtable_init) },
	{ "ucs_pgtable_cleanup", offsetof(struct ucx_api, pgtable_cleanup) },
	{ "ucs_pgtable_lookup", offsetof(struct ucx_api, pgtable_lookup) },
	{ "ucm_vm_munmap", offsetof(struct ucx_api, vm_munmap) },
	{ "ucm_set_external_event", offsetof(struct ucx_api, set_external_event) },
};

#define NR_FUNCTIONS	(sizeof(functions) / sizeof(functions[0]))

/*
 * Atomic. Set once, to memory that is constant from then on. There is no lock: a thread
 * that loads a plugin may call an interposed function under the lock of the dynamic linker,
 * for which dlsym() of another thread waits.
 */
static struct ucx_api *api;

void ucx_say(bool *said, const char *format, ...)
{
	char text[256];
	va_list args;

	if (__atomic_exchange_n(said, true, __ATOMIC_RELAXED))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dprintf(STDERR_FILENO, "pinwatch-ucx: %s\n", text);
}

/*
 * A plugin that was loaded with RTLD_LOCAL may have brought UCX: then RTLD_NEXT does not find
 * the functions, and a handle of the library of @caller does, whatever the libraries are
 * called. The reference is kept: the functions must stay where they are.
 */
static void *library_of(const void *caller)
{
	void *handle = NULL;
	Dl_info info;

	if (caller && dladdr(caller, &info) && info.dli_fname)
		handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	return handle ? handle : dlopen("libucs.so.0", RTLD_LAZY | RTLD_NOLOAD);
}

static void *function_find(void *library, const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	return function || !library ? function : dlsym(library, name);
}

/* Returns the name of a function that is missing, or NULL. */
static const char *functions_find(struct ucx_api *found, const void *caller)
{
	void *library = library_of(caller), *function;
	const char *missing = NULL;
	size_t i;

	for (i = 0; i < NR_FUNCTIONS; i++) {
		function = function_find(library, functions[i].name);
		*(void **)((char *)found + functions[i].offset) = function;
		if (!function)
			missing = functions[i].name;
	}
	return missing;
}

static bool ucx_is_loaded(const void *caller)
{
	return caller || dlsym(RTLD_NEXT, "ucs_rcache_get") || library_of(NULL);
}

static struct ucx_api *api_find(const void *caller)
{
	static bool said;
	struct ucx_api *found, *first = NULL;
	const char *missing;

	if (!ucx_is_loaded(caller))
		return NULL;
	found = calloc(1, sizeof(*found));
	if (!found)
		return NULL;
	missing = functions_find(found, caller);
	found->complete = !missing;
	if (missing)
		ucx_say(&said, "the loaded UCX has no %s(), so UCX works as without this library",
			missing);
	if (__atomic_compare_exchange_n(&api, &first, found, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return found;
	free(found);
	return first;
}

const struct ucx_api *ucx_api_found(const void *caller)
{
	const struct ucx_api *found = __atomic_load_n(&api, __ATOMIC_ACQUIRE);

	return found ? found : api_find(caller);
}

const struct ucx_api *ucx_api_get(const void *caller)
{
	const struct ucx_api *found = ucx_api_found(caller);

	return found && found->complete ? found : NULL;
}
