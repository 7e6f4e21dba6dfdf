// SPDX-License-Identifier: MIT
/* Memory failure. The machine cannot use the page again until the next boot. */
#include <signal.h>
#include <sys/mman.h>

#include "ops.h"
#include "sysfs.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

static const char *lacks_poison(void)
{
	return kernel_has_advice(MADV_HWPOISON) ? NULL : "memory failure handling";
}

/* The kernel cannot migrate a pinned page, and fails with EBUSY. */
static int act_soft_offline(struct actor *actor)
{
	struct subject *s = actor->subject;
	int ret = ACT(actor, madvise(s->addr + s->page_size, s->page_size, MADV_SOFT_OFFLINE));

	return ret == -EBUSY && s->pin ? 0 : ret;
}

static void signal_ignore(int signal)
{
	(void)signal;
}

/*
 * Newer kernels send SIGBUS to the calling process. If the page is pinned, the kernel
 * unmaps the page nevertheless, and the call fails with EBUSY.
 */
static int act_poison(struct actor *actor)
{
	struct subject *s = actor->subject;
	struct sigaction action = { .sa_handler = signal_ignore };
	int ret;

	if (sigaction(SIGBUS, &action, NULL))
		return -errno;
	ret = ACT(actor, madvise(s->addr + s->page_size, s->page_size, MADV_HWPOISON));
	return ret == -EBUSY && s->pin ? 0 : ret;
}

const struct demo_op ops_poison[] = {
	{
		.name = "page taken offline softly", .global = true,
		.map = subject_map_written, .act = act_soft_offline, .lacks = lacks_poison,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR,
		.cause = PINWATCH_CAUSE_POISON | PINWATCH_CAUSE_OFFLINE,
	}, {
		.name = "page poisoned", .global = true,
		.map = subject_map_written, .act = act_poison, .lacks = lacks_poison,
		.watch = MUST_CHANGE, .pin = MUST_CHANGE, .pin_flags = PIN_WRITE,
		.events = PINWATCH_EVENT_CLEAR, .cause = PINWATCH_CAUSE_POISON,
	},
	{ .name = NULL },
};
