/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages: the contents of the messages of the netlink family
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
 * pw_message_watch() - put the attributes of a watch
 * @skb: The message.
 * @file: The file of the watch.
 * @watch: The result of pw_query_watch().
 *
 * Context: any. Does not sleep.
 * Return: 0; -EMSGSIZE if @skb is full.
 */
int pw_message_watch(struct sk_buff *skb, const struct pw_file *file,
		     const struct pinwatch_watch_query *watch);

/**
 * pw_message_mm() - put the attributes of an address space
 * @skb: The message.
 * @mm: The statistics, passed by pw_mm_stats_next().
 *
 * Context: any. Does not sleep.
 * Return: 0; -EMSGSIZE if @skb is full.
 */
int pw_message_mm(struct sk_buff *skb, const struct pw_mm_stats *mm);

/**
 * pw_message_stats() - put the module-wide counters
 * @skb: The message.
 *
 * Context: any. Does not sleep.
 * Return: 0; -EMSGSIZE if @skb is full.
 */
int pw_message_stats(struct sk_buff *skb);

/**
 * pw_message_event() - put the attributes of an event
 * @skb: The message.
 * @event: The event.
 * @actor: Also put the thread, process and name of the actor.
 *
 * Context: any. Does not sleep.
 * Return: 0; -EMSGSIZE if @skb is full.
 */
int pw_message_event(struct sk_buff *skb, const struct pw_ring_event *event, bool actor);

#endif /* _PW_MESSAGE_H */
