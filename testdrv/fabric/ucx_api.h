/* SPDX-License-Identifier: MIT */
/*
 * The functions of UCX that libpinwatch-ucx.so interposes
 *
 * They are internal functions of libucs.so.0, which Debian's libucx-dev declares in part and
 * in one version. The prototypes were read in UCX 1.13.1 and 1.18.1, src/ucs/memory/rcache.h
 * and src/ucs/datastruct/pgtable.h:
 *
 *	ucs_status_t ucs_rcache_create(const ucs_rcache_params_t *params, const char *name,
 *				       ucs_stats_node_t *parent, ucs_rcache_t **rcache_p);
 *	1.13.1:
 *	ucs_status_t ucs_rcache_get(ucs_rcache_t *rcache, void *address, size_t length,
 *				    int prot, void *arg, ucs_rcache_region_t **region_p);
 *	1.18.1:
 *	ucs_status_t ucs_rcache_get(ucs_rcache_t *rcache, void *address, size_t length,
 *				    size_t alignment, int prot, void *arg,
 *				    ucs_rcache_region_t **region_p);
 *	ucs_status_t ucs_pgtable_init(ucs_pgtable_t *pgtable,
 *				      ucs_pgt_dir_alloc_callback_t alloc_cb,
 *				      ucs_pgt_dir_release_callback_t release_cb);
 *	void ucs_pgtable_cleanup(ucs_pgtable_t *pgtable);
 *	ucs_pgt_region_t *ucs_pgtable_lookup(const ucs_pgtable_t *pgtable,
 *					     ucs_pgt_addr_t address);
 *
 * Arguments that libpinwatch-ucx.so only passes on are words here. ucs_rcache_get() has
 * UCX_GET_WORDS of them in both versions: the seventh of a caller of 1.13.1 is a word of the
 * caller's stack, or an unused register, and 1.13.1 does not read the word. ucs_status_t is
 * one byte, the low byte of the word that is passed back.
 */
#ifndef UCX_API_H
#define UCX_API_H

#include <stdbool.h>
#include <stdint.h>
#include <ucm/api/ucm.h>

#define UCX_EXPORT	__attribute__((visibility("default")))

UCX_EXPORT uintptr_t ucs_rcache_create(const void *params, const char *name, void *parent,
				       void **rcache);
UCX_EXPORT uintptr_t ucs_rcache_get(uintptr_t rcache, uintptr_t address, uintptr_t length,
				    uintptr_t a3, uintptr_t a4, uintptr_t a5, uintptr_t a6);
UCX_EXPORT uintptr_t ucs_pgtable_init(void *pgtable, void *alloc_cb, void *release_cb);
UCX_EXPORT void ucs_pgtable_cleanup(void *pgtable);
UCX_EXPORT void *ucs_pgtable_lookup(const void *pgtable, unsigned long address);

/**
 * struct ucx_api - the functions of the loaded UCX
 * @complete: No function is missing. A member of a missing function is NULL.
 */
struct ucx_api {
	bool complete;
	__typeof__(ucs_rcache_create) *rcache_create;
	__typeof__(ucs_rcache_get) *rcache_get;
	__typeof__(ucs_pgtable_init) *pgtable_init;
	__typeof__(ucs_pgtable_cleanup) *pgtable_cleanup;
	__typeof__(ucs_pgtable_lookup) *pgtable_lookup;
	__typeof__(ucm_vm_munmap) *vm_munmap;
	__typeof__(ucm_set_external_event) *set_external_event;
};

/*
 * The functions of UCX behind the interposed functions. Some may be missing. @caller: an
 * address in a library of UCX, such as the return address of an interposed function; or NULL.
 * Returns NULL as long as UCX is not found.
 */
const struct ucx_api *ucx_api_found(const void *caller);

/*
 * The same, and NULL if a function is missing: UCX has to work as without the preloaded
 * object. The first call that misses a function says so on stderr.
 */
const struct ucx_api *ucx_api_get(const void *caller);

/* Print a line on stderr, with the name of the library; once for each @said. */
void ucx_say(bool *said, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif /* UCX_API_H */
