/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages: what stands in those of the netlink family
 */
#ifndef _PW_MESSAGE_H
#define _PW_MESSAGE_H

#include <linux/types.h>

struct pinwatch_watch_query;
struct pw_file;
struct pw_mm_stats;
struct pw_ring_event;
struct sk_buff;

/**
 * pw_message_watch() - put a watch
 * @skb: Where to.
 * @file: Its file.
 * @watch: What pw_query_watch() says of it.
 *
 * Context: any. Does not sleep.
 * Return: 0, -EMSGSIZE.
 */
int pw_message_watch(struct sk_buff *skb, const struct pw_file *file,
		     const struct pinwatch_watch_query *watch);

/**
 * pw_message_mm() - put an address space
 * @skb: Where to.
 * @mm: Its figures; its mm_struct is there.
 *
 * Context: any. Does not sleep.
 * Return: 0, -EMSGSIZE.
 */
int pw_message_mm(struct sk_buff *skb, const struct pw_mm_stats *mm);

/**
 * pw_message_stats() - put the figures of the module
 * @skb: Where to.
 *
 * Context: any. Does not sleep.
 * Return: 0, -EMSGSIZE.
 */
int pw_message_stats(struct sk_buff *skb);

/**
 * pw_message_event() - put an event
 * @skb: Where to.
 * @event: The event.
 * @actor: With who did it.
 *
 * Context: any. Does not sleep.
 * Return: 0, -EMSGSIZE.
 */
int pw_message_event(struct sk_buff *skb, const struct pw_ring_event *event, bool actor);

#endif /* _PW_MESSAGE_H */
