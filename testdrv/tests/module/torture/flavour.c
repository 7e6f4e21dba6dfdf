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
	.begin = pinwatch_interval_read_begin,
	.begin_killable = pinwatch_interval_read_begin_killable,
	.begin_timeout = pinwatch_interval_read_begin_timeout,
};

static const struct pt_flavour flavours[] = {
	{ "pinwatch", &exported_api },
	{ "delayed", &pt_engine_api },
	{ "native" },
	{ "broken_retry", &pt_engine_api, PT_FAULT_RETRY },
	{ "broken_late", &pt_engine_api, PT_FAULT_LATE },
	{ "broken_early", &pt_engine_api, PT_FAULT_EARLY },
	{ "broken_mark", &pt_engine_api, PT_FAULT_MARK },
	{ "broken_remove", &pt_engine_api, PT_FAULT_REMOVE },
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

static const struct pinwatch_interval_notifier_ops pw_ops = {
	.invalidate = pw_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

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

static const struct pinwatch_interval_notifier_ops pw_two_pass_ops = {
	.invalidate_start = pw_invalidate_start,
	.invalidate_finish = pw_invalidate_finish,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

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

int pt_flavour_insert(union pt_torture_handle *handle, unsigned long start,
		      unsigned long length)
{
	const struct pt_api *api = pt_flavour->api;
	/*
	 * The remove of PT_FAULT_REMOVE leaves a walk with this handle: with other ops, the walk
	 * would call a callback that is NULL, before the error has ended the torture.
	 */
	bool one_pass = pt_flavour->fault == PT_FAULT_REMOVE || pt_random(8);

	if (!api)
		return mmu_interval_notifier_insert(&handle->mni, pt_mm, start, length, &mni_ops);
	return api->insert(&handle->pw, pt_mm, start, length,
			   one_pass ? &pw_ops : &pw_two_pass_ops);
}

void pt_flavour_remove(union pt_torture_handle *handle)
{
	if (pt_flavour->api)
		pt_flavour->api->remove(&handle->pw);
	else
		mmu_interval_notifier_remove(&handle->mni);
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
