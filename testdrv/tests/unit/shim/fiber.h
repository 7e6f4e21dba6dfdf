/* SPDX-License-Identifier: GPL-2.0-only */
/* Coroutines on ucontext, known to AddressSanitizer. */
#ifndef _SHIM_FIBER_H
#define _SHIM_FIBER_H

struct shim_fiber;
struct shim_fiber *shim_fiber_new(void (*fn)(void *arg), void *arg);
void shim_fiber_free(struct shim_fiber *fiber);
void shim_fiber_enter(struct shim_fiber *fiber);	/* from the scheduler */
void shim_fiber_leave(struct shim_fiber *fiber);	/* back to it */
#endif
