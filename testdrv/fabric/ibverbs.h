/* SPDX-License-Identifier: MIT */
/*
 * Interposition of the memory registrations of libibverbs, for a shared object in LD_PRELOAD
 *
 * ibverbs.c defines ibv_reg_mr(), ibv_reg_mr_iova(), ibv_reg_mr_iova2(), ibv_rereg_mr() and
 * ibv_dereg_mr(), which call the functions of libibverbs.so.1. An object that links ibverbs.c
 * defines verbs_hooks, and is linked with
 *
 *	-fvisibility=hidden -Wl,--version-script=fabric/ibverbs.map -ldl
 *
 * and without -libverbs: the object must not bring libibverbs into a program that does not
 * use it. ld(1) accepts several version scripts, so a second one may name further symbols to
 * export, in a node with a version of its own.
 *
 * Only calls that the dynamic linker binds through the global scope reach ibverbs.c, from the
 * program, and from libraries that are loaded later with dlopen(). A program that
 * looks a function up with dlsym() in a handle of libibverbs calls libibverbs directly. So
 * does everything when the object itself is loaded with dlopen() instead of LD_PRELOAD.
 */
#ifndef IBVERBS_H
#define IBVERBS_H

#include <stddef.h>
#include <infiniband/verbs.h>

#define VERBS_EXPORT	__attribute__((visibility("default")))

/**
 * struct verbs_hooks - what to call at a registration
 * @register_begin: Called before libibverbs registers @length bytes at @addr. Returns a
 *	token for @register_end: NULL is a token like any other.
 * @register_end: Called after the registration, with the token of @register_begin on the
 *	same thread. @mr is NULL if the registration failed, and the range is not registered.
 * @deregister: Called before libibverbs deregisters @mr, which is valid during the call. The
 *	range stays registered until the call of ibv_dereg_mr() returns. If libibverbs fails to
 *	deregister, @mr stays registered, and no hook is called.
 *
 * Each thread calls the hooks, without any lock. Each registration is reported once, although
 * ibv_reg_mr() of libibverbs calls ibv_reg_mr_iova2() through the interposed symbol. A
 * registration with IBV_ACCESS_ON_DEMAND is not reported, since the network card follows the
 * mapping; @deregister is called with its @mr all the same, and with an @mr that was
 * registered by a function that ibverbs.c does not interpose, such as ibv_reg_dmabuf_mr().
 *
 * ibv_rereg_mr() with IBV_REREG_MR_CHANGE_TRANSLATION is reported as a registration of the
 * new range. When the new range is registered, @deregister(mr) comes right before
 * @register_end(token, mr). Both ranges are watched in between, and @mr is the new range
 * already. When the call fails and has invalidated the old range, @deregister(mr) is called.
 *
 * The hooks may change errno. They must not call a function that is interposed.
 */
struct verbs_hooks {
	void *(*register_begin)(void *addr, size_t length);
	void (*register_end)(void *token, struct ibv_mr *mr);
	void (*deregister)(struct ibv_mr *mr);
};

/* Defined by the object that links ibverbs.c. */
extern const struct verbs_hooks verbs_hooks;

/*
 * Find a function of libibverbs, behind the functions that ibverbs.c interposes. @cache: a
 * static variable of the caller, NULL at first. @version: such as "IBVERBS_1.1". Returns NULL
 * with errno ENOSYS if libibverbs is not loaded or has no such function.
 */
void *verbs_find(void **cache, const char *name, const char *version);

#endif /* IBVERBS_H */
