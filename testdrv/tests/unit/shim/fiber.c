// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "fiber.h"

#define STACK_SIZE	(128 * 1024)

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif

#ifdef ASAN
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size)	((void)(save), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(save, bottom, size)	((void)(save), (void)(bottom), (void)(size))
#endif

struct shim_fiber {
	ucontext_t context;
	void *stack;
	void *fake;
	void (*fn)(void *arg);
	void *arg;
	struct shim_fiber *next;
};

static ucontext_t scheduler;
static void *scheduler_fake;
static const void *scheduler_bottom;
static size_t scheduler_size;
static struct shim_fiber *starting, *pool;

static void fiber_entry(void)
{
	struct shim_fiber *fiber = starting;

	__sanitizer_finish_switch_fiber(NULL, &scheduler_bottom, &scheduler_size);
	fiber->fn(fiber->arg);
	__sanitizer_start_switch_fiber(NULL, scheduler_bottom, scheduler_size);
	setcontext(&scheduler);
}

struct shim_fiber *shim_fiber_new(void (*fn)(void *arg), void *arg)
{
	struct shim_fiber *fiber = pool;

	if (fiber) {
		pool = fiber->next;
	} else {
		fiber = calloc(1, sizeof(*fiber));
		fiber->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (fiber->stack == MAP_FAILED)
			abort();
	}
	fiber->fn = fn;
	fiber->arg = arg;
	fiber->fake = NULL;
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK_SIZE;
	makecontext(&fiber->context, fiber_entry, 0);
	return fiber;
}

void shim_fiber_free(struct shim_fiber *fiber)
{
	fiber->next = pool;
	pool = fiber;
}

void shim_fiber_enter(struct shim_fiber *fiber)
{
	starting = fiber;
	__sanitizer_start_switch_fiber(&scheduler_fake, fiber->stack, STACK_SIZE);
	swapcontext(&scheduler, &fiber->context);
	__sanitizer_finish_switch_fiber(scheduler_fake, NULL, NULL);
}

void shim_fiber_leave(struct shim_fiber *fiber)
{
	__sanitizer_start_switch_fiber(&fiber->fake, scheduler_bottom, scheduler_size);
	swapcontext(&fiber->context, &scheduler);
	__sanitizer_finish_switch_fiber(fiber->fake, &scheduler_bottom, &scheduler_size);
}
