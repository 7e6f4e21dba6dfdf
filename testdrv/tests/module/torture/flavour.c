// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: the engines to torture, and their callbacks
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "torture.h"

static const struct pt_api exported_api = {
	.insert = pinwatch_interval_notifier_insert,
	.remove = pinwatch_interval_notifier_remove,
	.put = pinwatch_interval_notifier_put,
	.wait_for_puts = pinwatch_interval_notifier_barrier,
	.begin = pinwatch_interval_read_begin,
	.begin_killable = pinwatch_interval_read_begin_killable,
	.begin_timeout = pinwatch_interval_read_begin_timeout,
};

static const struct pt_flavour flavours[] = {
	{ "pinwatch", &exported_api },
	{ "pinwatch_plain", &exported_api, .plain = true },
	{ "delayed", &pt_engine_api },
	{ "delayed_plain", &pt_engine_api, .plain = true },
	{ "native" },
	{ "broken_retry", &pt_engine_api, .fault = PT_FAULT_RETRY },
	{ "broken_late", &pt_engine_api, .fault = PT_FAULT_LATE },
	{ "broken_early", &pt_engine_api, .fault = PT_FAULT_EARLY },
	{ "broken_mark", &pt_engine_api, .fault = PT_FAULT_MARK },
	/*
	 * This remove leaves a walk with the handle: with other ops, the walk would call a
	 * callback that is NULL, before the error has ended the torture.
	 */
	{ "broken_remove", &pt_engine_api, .plain = true, .fault = PT_FAULT_REMOVE },
	{ "broken_put", &pt_engine_api, .fault = PT_FAULT_PUT },
};

const struct pt_flavour *pt_flavour_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flavours); i++)
		if (!strcmp(flavours[i].name, name))
			return &flavours[i];
	return NULL;
}

static union pt_torture_handle *pw_handle(struct pinwatch_interval_notifier *pw)
{
	return container_of(pw, union pt_torture_handle, pw);
}

static bool pw_invalidate(struct pinwatch_interval_notifier *pw,
			  const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	pt_shadow_invalidate(pw_handle(pw), range, cur_seq);
	pt_shadow_invalidated(pw_handle(pw));
	return true;
}

static void pw_free(struct pinwatch_interval_notifier *pw)
{
	pt_shadow_freed(pw_handle(pw));
}

static bool pw_invalidate_start(struct pinwatch_interval_notifier *pw,
				const struct mmu_notifier_range *range, unsigned long cur_seq,
				struct pinwatch_interval_notifier_finish **finish)
{
	pt_shadow_invalidate(pw_handle(pw), range, cur_seq);
	*finish = kmalloc(sizeof(**finish), GFP_NOWAIT | __GFP_NOWARN);
	if (!*finish)
		pt_shadow_invalidated(pw_handle(pw));
	return true;
}

static void pw_invalidate_finish(struct pinwatch_interval_notifier_finish *finish)
{
	pt_spin();
	pt_shadow_invalidated(pw_handle(finish->notifier));
	pt_count(PT_SECOND_PASSES);
	kfree(finish);
}

#define ONE_PASS	.invalidate = pw_invalidate, .free = pw_free
#define FILTER(events)	{ ONE_PASS, .flags = PINWATCH_OPS_NEVER_SLEEPS, .ignore_events = events }

/*
 * Nothing in the torture needs the events that the filters reject. The filters are more than
 * PINWATCH_NR_FILTERS.
 */
static const struct pinwatch_interval_notifier_ops pw_ops[] = {
	FILTER(0),
	{
		.invalidate_start = pw_invalidate_start,
		.invalidate_finish = pw_invalidate_finish,
		.free = pw_free,
		.flags = PINWATCH_OPS_NEVER_SLEEPS,
	},
	FILTER(BIT(MMU_NOTIFY_SOFT_DIRTY)),
	FILTER(BIT(MMU_NOTIFY_PROTECTION_VMA)),
	FILTER(BIT(MMU_NOTIFY_PROTECTION_PAGE)),
	FILTER(BIT(MMU_NOTIFY_PROTECTION_VMA) | BIT(MMU_NOTIFY_SOFT_DIRTY)),
};

/* The engine vetoes a non-blockable invalidation of its block. */
static const struct pinwatch_interval_notifier_ops pw_sleeper_ops = { ONE_PASS };

static bool mni_invalidate(struct mmu_interval_notifier *mni,
			   const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	union pt_torture_handle *handle = container_of(mni, union pt_torture_handle, mni);

	pt_shadow_invalidate(handle, range, cur_seq);
	pt_shadow_invalidated(handle);
	return true;
}

static const struct mmu_interval_notifier_ops mni_ops = {
	.invalidate = mni_invalidate,
};

static const struct pinwatch_interval_notifier_ops *random_ops(void)
{
	static atomic_t nr_inserts = ATOMIC_INIT(0);

	if (pt_flavour->plain)
		return &pw_ops[0];
	/*
	 * The read_begin of the first sleeper waits until no invalidation is in flight: that is
	 * so before the threads start. The region lies in one or two blocks of 64 MiB.
	 */
	if (atomic_inc_return(&nr_inserts) == 1 || !pt_random(8))
		return &pw_sleeper_ops;
	return &pw_ops[pt_random(2) ? 0 : pt_random(ARRAY_SIZE(pw_ops))];
}

int pt_flavour_insert(union pt_torture_handle *handle, unsigned long start,
		      unsigned long length)
{
	if (!pt_flavour->api)
		return mmu_interval_notifier_insert(&handle->mni, pt_mm, start, length, &mni_ops);
	return pt_flavour->api->insert(&handle->pw, pt_mm, start, length, random_ops());
}

/* At random. Return: true if pt_shadow_freed() is or will be called; false: nothing was done. */
bool pt_flavour_put(union pt_torture_handle *handle)
{
	if (!pt_flavour->api || pt_flavour->fault == PT_FAULT_REMOVE || pt_random(4))
		return false;
	pt_count(PT_PUTS);
	pt_flavour->api->put(&handle->pw);
	return true;
}

void pt_flavour_remove(union pt_torture_handle *handle)
{
	if (pt_flavour->api)
		pt_flavour->api->remove(&handle->pw);
	else
		mmu_interval_notifier_remove(&handle->mni);
}

/* Each put has come to its end. */
void pt_flavour_barrier(void)
{
	if (pt_flavour->api)
		pt_flavour->api->wait_for_puts();
}

/* Return: 0, and *seq is set; or an errno. */
int pt_flavour_begin(union pt_torture_handle *handle, unsigned long *seq)
{
	const struct pt_api *api = pt_flavour->api;
	unsigned int how = pt_random(8);

	if (api && how == 0)
		return api->begin_killable(&handle->pw, seq);
	if (api && how == 1)
		return api->begin_timeout(&handle->pw, seq, pt_random(3));
	*seq = api ? api->begin(&handle->pw) : mmu_interval_read_begin(&handle->mni);
	return 0;
}

/* Caller holds the lock of the shadow page table. */
bool pt_flavour_retry(union pt_torture_handle *handle, unsigned long seq)
{
	if (pt_flavour->fault == PT_FAULT_RETRY)
		return false;
	return pt_flavour->api ? pinwatch_interval_read_retry(&handle->pw, seq) :
				 mmu_interval_read_retry(&handle->mni, seq);
}

/* Caller holds the lock of the shadow page table. */
void pt_flavour_set_seq(union pt_torture_handle *handle, unsigned long seq)
{
	if (pt_flavour->api)
		pinwatch_interval_set_seq(&handle->pw, seq);
	else
		mmu_interval_set_seq(&handle->mni, seq);
}
