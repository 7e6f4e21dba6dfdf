// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages: the attributes that linux/pinwatch_netlink.h lists
 */
#include <linux/kernel.h>
#include <net/netlink.h>
#include <linux/pinwatch.h>
#include <linux/pinwatch_netlink.h>
#include "core/core.h"
#include "file.h"
#include "limits.h"
#include "message.h"
#include "ring.h"

/* An attribute with an integer value */
struct number {
	u16 attr;
	u64 value;
};

static int put_u64(struct sk_buff *skb, const struct number *number, size_t nr)
{
	for (; nr; nr--, number++)
		if (nla_put_u64_64bit(skb, number->attr, number->value, PINWATCH_A_PAD))
			return -EMSGSIZE;
	return 0;
}

static int put_u32(struct sk_buff *skb, const struct number *number, size_t nr)
{
	for (; nr; nr--, number++)
		if (nla_put_u32(skb, number->attr, number->value))
			return -EMSGSIZE;
	return 0;
}

int pw_message_watch(struct sk_buff *skb, const struct pw_file *file,
		     const struct pinwatch_watch_query *watch)
{
	const struct number small[] = {
		{ PINWATCH_A_FILE, file->number },
		{ PINWATCH_A_ID, watch->id },
		{ PINWATCH_A_PID, READ_ONCE(file->owner) },
		{ PINWATCH_A_STATE, watch->state },
		{ PINWATCH_A_EVENTS, watch->events },
		{ PINWATCH_A_WATCH_FLAGS, watch->watch_flags },
		{ PINWATCH_A_IGNORE_EVENTS, watch->ignore_events },
	};
	const struct number large[] = {
		{ PINWATCH_A_ADDR, watch->addr },
		{ PINWATCH_A_LENGTH, watch->length },
		{ PINWATCH_A_COOKIE, watch->cookie },
		{ PINWATCH_A_GENERATION, watch->generation },
		{ PINWATCH_A_VALID_GENERATION, watch->valid_generation },
		{ PINWATCH_A_HITS, watch->hits },
		{ PINWATCH_A_TIME_NS, watch->time_ns },
		{ PINWATCH_A_CAUSES, watch->causes },
		{ PINWATCH_A_NR_PAGES, watch->nr_pages },
		{ PINWATCH_A_NR_PINNED, watch->nr_pinned },
	};

	return put_u32(skb, small, ARRAY_SIZE(small)) ?:
	       put_u64(skb, large, ARRAY_SIZE(large));
}

int pw_message_mm(struct sk_buff *skb, const struct pw_mm_stats *mm)
{
	pid_t owner = pw_mm_owner(mm->mm);
	const struct number small[] = {
		{ PINWATCH_A_IN_FLIGHT, mm->in_flight },
		{ PINWATCH_A_NR_WALKS, mm->walks },
		{ PINWATCH_A_NR_WAITERS, mm->waiters },
		{ PINWATCH_A_MM_FLAGS, mm->veto ? PINWATCH_MM_F_VETO : 0 },
		{ PINWATCH_A_PID, owner },	/* last: omitted if 0 */
	};
	const struct number large[] = {
		{ PINWATCH_A_MM, mm->number },
		{ PINWATCH_A_NR_SUBSCRIPTIONS, mm->nr_subscriptions },
	};

	return put_u64(skb, large, ARRAY_SIZE(large)) ?:
	       put_u32(skb, small, ARRAY_SIZE(small) - !owner);
}

int pw_message_stats(struct sk_buff *skb)
{
	struct pw_core_stats core;
	u64 sent, lost;

	pw_core_stats(&core);
	pw_ring_counts(&sent, &lost);
	{
		const struct number large[] = {
			{ PINWATCH_A_NR_MMS, core.nr_mms },
			{ PINWATCH_A_NR_SUBSCRIPTIONS, core.nr_subscriptions },
			{ PINWATCH_A_NR_FILES, atomic_long_read(&pw_counters.nr_files) },
			{ PINWATCH_A_NR_WATCHES, atomic_long_read(&pw_counters.nr_watches) },
			{ PINWATCH_A_PINNED_PAGES,
			  atomic_long_read(&pw_counters.pinned_pages) },
			{ PINWATCH_A_WALKS, core.walks },
			{ PINWATCH_A_CALLBACKS, core.callbacks },
			{ PINWATCH_A_WAITS, core.waits },
			{ PINWATCH_A_REMOVE_WAITS, core.remove_waits },
			{ PINWATCH_A_OVERFLOWS, core.overflows },
			{ PINWATCH_A_VETOES, core.vetoes },
			{ PINWATCH_A_EVENTS_SENT, sent },
			{ PINWATCH_A_EVENTS_LOST, lost },
		};

		return put_u64(skb, large, ARRAY_SIZE(large));
	}
}

static int put_hit(struct sk_buff *skb, const struct pw_ring_event *event, bool actor)
{
	const struct number small[] = {
		{ PINWATCH_A_FILE, event->file },
		{ PINWATCH_A_ID, event->id },
		{ PINWATCH_A_PID, event->owner },
		{ PINWATCH_A_EVENTS, event->event },
		{ PINWATCH_A_FLAGS, event->flags | (actor ? PINWATCH_EVENT_F_ACTOR : 0) },
	};
	const struct number large[] = {
		{ PINWATCH_A_ADDR, event->start },
		{ PINWATCH_A_LENGTH, event->last - event->start + 1 },
		{ PINWATCH_A_GENERATION, event->generation },
		{ PINWATCH_A_TIME_NS, event->time_ns },
		{ PINWATCH_A_CAUSES, event->cause },
	};

	return put_u32(skb, small, ARRAY_SIZE(small)) ?:
	       put_u64(skb, large, ARRAY_SIZE(large));
}

static int put_actor(struct sk_buff *skb, const struct pw_ring_event *event)
{
	const struct number small[] = {
		{ PINWATCH_A_TID, event->tid },
		{ PINWATCH_A_TGID, event->tgid },
	};

	return put_u32(skb, small, ARRAY_SIZE(small)) ?:
	       nla_put_string(skb, PINWATCH_A_COMM, event->comm);
}

int pw_message_event(struct sk_buff *skb, const struct pw_ring_event *event, bool actor)
{
	const struct number large[] = {
		{ PINWATCH_A_SEQ, event->seq },
		{ PINWATCH_A_LOST, event->lost },	/* last: omitted if 0 */
	};
	int err = put_u64(skb, large, ARRAY_SIZE(large) - !event->lost);

	if (!err && event->file)
		err = put_hit(skb, event, actor);
	if (!err && event->file && actor)
		err = put_actor(skb, event);
	return err;
}
