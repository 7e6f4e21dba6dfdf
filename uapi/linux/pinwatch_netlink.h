/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * pinwatch: the generic netlink family. The contract in full is pinwatch(4).
 *
 * For the administrator: every watch and every address space of the machine, and each
 * invalidation of a watch. A program that watches its own memory needs only
 * <linux/pinwatch.h>. Family "pinwatch", version 1, initial network namespace only.
 *
 *  command		request			answer
 *  WATCH_GET		FILE, ID		one watch
 *  WATCH_GET, dump	nothing, or FILE	all watches, or the watches of one file
 *  MM_GET		MM			one address space
 *  MM_GET, dump	nothing			all address spaces; see NLM_F_DUMP_INTR
 *  STATS_GET		nothing			counters of the whole module
 *  EVENT		(never)			sent to the groups "events" and "actors"
 *
 * Later versions may add attributes to any message: skip unknown attributes.
 *
 * Errors: EPERM (no capability), EOPNOTSUPP (no such command, or no dump of the command),
 * EINVAL (an attribute is missing, unknown, too short or too long, or not part of the
 * request; a reserved member is not 0; bytes are left over), ERANGE (FILE or MM is 0, or
 * ID is above 1048576), ENOENT (no such watch, address space or open file), ENOMEM. An
 * extended acknowledgment (NETLINK_EXT_ACK) has a sentence for EINVAL, ERANGE and ENOENT,
 * and the attribute if one is wrong (for dumps since 6.2).
 */
#ifndef _LINUX_PINWATCH_NETLINK_H
#define _LINUX_PINWATCH_NETLINK_H

#define PINWATCH_GENL_NAME		"pinwatch"
#define PINWATCH_GENL_VERSION		1

#define PINWATCH_GENL_GROUP_EVENTS	"events"
#define PINWATCH_GENL_GROUP_ACTORS	"actors"

enum pinwatch_cmd {
	PINWATCH_CMD_UNSPEC = 0,
	PINWATCH_CMD_WATCH_GET = 1,
	PINWATCH_CMD_MM_GET = 2,
	PINWATCH_CMD_STATS_GET = 3,
	PINWATCH_CMD_EVENT = 4
};

#define PINWATCH_CMD_MAX	PINWATCH_CMD_EVENT

/**
 * enum pinwatch_attr - attributes of all messages
 * @PINWATCH_A_UNSPEC: Never sent.
 * @PINWATCH_A_PAD: Padding; skip.
 * @PINWATCH_A_FILE: u32. WATCH, EVENT. Number of an open file of the device, not 0.
 * @PINWATCH_A_ID: u32. WATCH, EVENT. Id of the watch in the file.
 * @PINWATCH_A_MM: u64. MM. Number of an address space, not 0; never used again.
 * @PINWATCH_A_PID: u32. WATCH, EVENT: process that the file was bound to. MM: a user.
 * @PINWATCH_A_STATE: u32. WATCH. PINWATCH_STATE_*.
 * @PINWATCH_A_ADDR: u64. WATCH: first byte of the range. EVENT: first byte invalidated.
 * @PINWATCH_A_LENGTH: u64. WATCH, EVENT. Bytes from PINWATCH_A_ADDR on.
 * @PINWATCH_A_COOKIE: u64. WATCH. As in struct pinwatch_watch_query.
 * @PINWATCH_A_GENERATION: u64. WATCH: now. EVENT: after the invalidation.
 * @PINWATCH_A_VALID_GENERATION: u64. WATCH. As in struct pinwatch_watch_query.
 * @PINWATCH_A_HITS: u64. WATCH. As in struct pinwatch_watch_query.
 * @PINWATCH_A_TIME_NS: u64. CLOCK_MONOTONIC, ns. WATCH: last hit, or 0. EVENT: the hit.
 * @PINWATCH_A_CAUSES: u64. PINWATCH_CAUSE_*. WATCH: all hits. EVENT: the hit.
 * @PINWATCH_A_EVENTS: u32. PINWATCH_EVENT_*. WATCH: all hits. EVENT: the hit.
 * @PINWATCH_A_WATCH_FLAGS: u32. WATCH. PINWATCH_WATCH_F_*.
 * @PINWATCH_A_IGNORE_EVENTS: u32. WATCH. PINWATCH_EVENT_* not queued for read().
 * @PINWATCH_A_NR_PAGES: u64. WATCH. Pages in the range.
 * @PINWATCH_A_NR_PINNED: u64. WATCH. Pages pinned now.
 * @PINWATCH_A_FLAGS: u32. EVENT. PINWATCH_EVENT_F_ACTOR, PINWATCH_EVENT_F_ATOMIC.
 * @PINWATCH_A_TID: u32. EVENT to "actors". The thread that caused the invalidation.
 * @PINWATCH_A_TGID: u32. EVENT to "actors". The process of that thread.
 * @PINWATCH_A_COMM: String of at most 15 bytes. EVENT to "actors". The thread's name.
 * @PINWATCH_A_SEQ: u64. EVENT. Number of the event.
 * @PINWATCH_A_LOST: u64. EVENT, if not 0. Events lost just before this event.
 * @PINWATCH_A_NR_SUBSCRIPTIONS: u64. MM, STATS. Subscriptions of all drivers, now.
 * @PINWATCH_A_IN_FLIGHT: u32. MM. Invalidations that have begun and not ended.
 * @PINWATCH_A_NR_WALKS: u32. MM. Invalidations in flight that call back now.
 * @PINWATCH_A_NR_WAITERS: u32. MM. Removes that sleep now, and puts left to a callback.
 * @PINWATCH_A_MM_FLAGS: u32. MM. PINWATCH_MM_F_*.
 * @PINWATCH_A_NR_MMS: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_NR_FILES: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_NR_WATCHES: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_PINNED_PAGES: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_WALKS: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_CALLBACKS: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_WAITS: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_REMOVE_WAITS: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_OVERFLOWS: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_VETOES: u64. STATS. As in struct pinwatch_stats.
 * @PINWATCH_A_EVENTS_SENT: u64. STATS. Events since load that netlink took.
 * @PINWATCH_A_EVENTS_LOST: u64. STATS. Events since load lost although a socket listened.
 */
enum pinwatch_attr {
	PINWATCH_A_UNSPEC = 0,
	PINWATCH_A_PAD = 1,
	PINWATCH_A_FILE = 2,
	PINWATCH_A_ID = 3,
	PINWATCH_A_MM = 4,
	PINWATCH_A_PID = 5,
	PINWATCH_A_STATE = 6,
	PINWATCH_A_ADDR = 7,
	PINWATCH_A_LENGTH = 8,
	PINWATCH_A_COOKIE = 9,
	PINWATCH_A_GENERATION = 10,
	PINWATCH_A_VALID_GENERATION = 11,
	PINWATCH_A_HITS = 12,
	PINWATCH_A_TIME_NS = 13,
	PINWATCH_A_CAUSES = 14,
	PINWATCH_A_EVENTS = 15,
	PINWATCH_A_WATCH_FLAGS = 16,
	PINWATCH_A_IGNORE_EVENTS = 17,
	PINWATCH_A_NR_PAGES = 18,
	PINWATCH_A_NR_PINNED = 19,
	PINWATCH_A_FLAGS = 20,
	PINWATCH_A_TID = 21,
	PINWATCH_A_TGID = 22,
	PINWATCH_A_COMM = 23,
	PINWATCH_A_SEQ = 24,
	PINWATCH_A_LOST = 25,
	PINWATCH_A_NR_SUBSCRIPTIONS = 26,
	PINWATCH_A_IN_FLIGHT = 27,
	PINWATCH_A_NR_WALKS = 28,
	PINWATCH_A_NR_WAITERS = 29,
	PINWATCH_A_MM_FLAGS = 30,
	PINWATCH_A_NR_MMS = 31,
	PINWATCH_A_NR_FILES = 32,
	PINWATCH_A_NR_WATCHES = 33,
	PINWATCH_A_PINNED_PAGES = 34,
	PINWATCH_A_WALKS = 35,
	PINWATCH_A_CALLBACKS = 36,
	PINWATCH_A_WAITS = 37,
	PINWATCH_A_REMOVE_WAITS = 38,
	PINWATCH_A_OVERFLOWS = 39,
	PINWATCH_A_VETOES = 40,
	PINWATCH_A_EVENTS_SENT = 41,
	PINWATCH_A_EVENTS_LOST = 42
};

#define PINWATCH_A_MAX		PINWATCH_A_EVENTS_LOST

/* Flags of PINWATCH_A_MM_FLAGS */
#define PINWATCH_MM_F_VETO	(1U << 0) /* has, or had, a subscription that may sleep */

#endif /* _LINUX_PINWATCH_NETLINK_H */
