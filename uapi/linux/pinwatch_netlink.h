/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * pinwatch: the generic netlink family
 *
 * For the administrator of the whole machine: every watch of every process, every
 * address space, and each invalidation of a watch as it happens. A program that
 * watches its own memory needs only <linux/pinwatch.h>.
 *
 * Family "pinwatch", version 1, in the initial network namespace only.
 *
 *  command		request			answer
 *  WATCH_GET		FILE, ID		one watch
 *  WATCH_GET, dump	nothing; or FILE	all watches; or those of a file
 *  MM_GET		MM			one address space
 *  MM_GET, dump	nothing			all that are alive
 *  STATS_GET		nothing			figures of the whole module
 *  EVENT		(never)			sent to the multicast groups
 *
 * An answer has the command of its request. What is listed at the attributes below
 * is in each such message, unless it says "if". Later versions may add attributes to
 * any message: skip what you do not know.
 *
 * Multicast groups. An invalidation of a watch is one EVENT message to each:
 *
 *  "events"	without the actor: what, where, why
 *  "actors"	with it as well: which thread did it
 *
 * Who may do what. Requests and joining "events" take CAP_NET_ADMIN, joining
 * "actors" takes CAP_SYS_ADMIN, each in the initial user namespace. The actor needs
 * more because it tells of processes that have nothing to do with the watch; whoever
 * has CAP_SYS_ADMIN can trace every task anyway. Addresses are told to both.
 *
 * Events do not hold up whoever invalidates. They wait in a buffer of fixed size;
 * what does not fit is lost, and counted: by the next message, in LOST, and in
 * EVENTS_LOST. What does not fit into the buffer of a listener's socket is lost to
 * that listener alone: recvmsg(2) says ENOBUFS, and SEQ has a gap. SEQ grows by one
 * with each event while somebody listens. When events were lost and none follows, a
 * message with nothing but SEQ and LOST is sent. Events of one watch that happen at the
 * same time may come in another order than that of their GENERATIONs: the highest is
 * the last.
 *
 * Errors, with an extended acknowledgment (NETLINK_EXT_ACK) that says what is wrong
 * in words, and in which attribute:
 *
 *  EPERM	without the capability (says no more)
 *  EOPNOTSUPP	no such command, or it has no dump (likewise)
 *  EINVAL	an attribute that is missing, unknown, of a wrong length, or that the
 *		request does not take; the reserved member of the message's header
 *		is not 0; bytes are left over
 *  ERANGE	a value that can never be right: 0 for FILE, 1048576 or more for ID
 *  ENOENT	no such watch, or address space; a dump of a file that is not open
 *
 * PIDs are those of the initial PID namespace.
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
 * @PINWATCH_A_PAD: Padding; skip it.
 * @PINWATCH_A_FILE: u32. WATCH, EVENT. Number of an open file of the device, not 0; not
 *	given to another one soon.
 * @PINWATCH_A_ID: u32. WATCH, EVENT. The watch's id in that file.
 * @PINWATCH_A_MM: u64. MM. Number of an address space, not 0; never another one's.
 * @PINWATCH_A_PID: u32. WATCH, EVENT: the process to whose address space the file
 *	was bound, then; it may have ended since. MM: a process that uses it, if known.
 * @PINWATCH_A_STATE: u32. WATCH. PINWATCH_STATE_*.
 * @PINWATCH_A_ADDR: u64. WATCH: first byte of the range. EVENT: of what was
 *	invalidated in it.
 * @PINWATCH_A_LENGTH: u64. WATCH, EVENT. Bytes from there.
 * @PINWATCH_A_COOKIE: u64. WATCH. As in struct pinwatch_watch_query.
 * @PINWATCH_A_GENERATION: u64. WATCH: now. EVENT: after it.
 * @PINWATCH_A_VALID_GENERATION: u64. WATCH. As in struct pinwatch_watch_query.
 * @PINWATCH_A_HITS: u64. WATCH. Likewise.
 * @PINWATCH_A_TIME_NS: u64. WATCH: of the last hit, 0 if there was none. EVENT: of
 *	this one. CLOCK_MONOTONIC, nanoseconds.
 * @PINWATCH_A_CAUSES: u64. WATCH: PINWATCH_CAUSE_* of all hits. EVENT: of this one.
 * @PINWATCH_A_EVENTS: u32. WATCH, EVENT. PINWATCH_EVENT_*, likewise.
 * @PINWATCH_A_WATCH_FLAGS: u32. WATCH. PINWATCH_WATCH_F_*.
 * @PINWATCH_A_IGNORE_EVENTS: u32. WATCH. PINWATCH_EVENT_* that are not queued for read();
 *	EVENT messages are sent all the same.
 * @PINWATCH_A_NR_PAGES: u64. WATCH. Pages in the range.
 * @PINWATCH_A_NR_PINNED: u64. WATCH. Pages that are pinned now.
 * @PINWATCH_A_FLAGS: u32. EVENT. PINWATCH_EVENT_F_ACTOR (TID, TGID and COMM are
 *	here), PINWATCH_EVENT_F_ATOMIC.
 * @PINWATCH_A_TID: u32. EVENT, if sent to "actors". The thread that made it.
 * @PINWATCH_A_TGID: u32. Likewise. Its process.
 * @PINWATCH_A_COMM: String of at most 15 bytes. Likewise. Its name.
 * @PINWATCH_A_SEQ: u64. EVENT. Number of the event; see above.
 * @PINWATCH_A_LOST: u64. EVENT, if not 0. How many were lost just before this one.
 * @PINWATCH_A_NR_SUBSCRIPTIONS: u64. MM, STATS. Subscriptions of all drivers, now.
 * @PINWATCH_A_IN_FLIGHT: u32. MM. Invalidations that have begun and not ended.
 * @PINWATCH_A_NR_WALKS: u32. MM. Those of them that call back now.
 * @PINWATCH_A_NR_WAITERS: u32. MM. Removes that sleep now, and puts that are left to
 *	a callback that runs.
 * @PINWATCH_A_MM_FLAGS: u32. MM. PINWATCH_MM_F_*.
 * @PINWATCH_A_NR_MMS: u64. STATS. This and the next nine as in struct pinwatch_stats.
 * @PINWATCH_A_NR_FILES: u64. STATS.
 * @PINWATCH_A_NR_WATCHES: u64. STATS.
 * @PINWATCH_A_PINNED_PAGES: u64. STATS.
 * @PINWATCH_A_WALKS: u64. STATS.
 * @PINWATCH_A_CALLBACKS: u64. STATS.
 * @PINWATCH_A_WAITS: u64. STATS.
 * @PINWATCH_A_REMOVE_WAITS: u64. STATS.
 * @PINWATCH_A_OVERFLOWS: u64. STATS.
 * @PINWATCH_A_VETOES: u64. STATS.
 * @PINWATCH_A_EVENTS_SENT: u64. STATS. EVENTs since load that were given to netlink.
 * @PINWATCH_A_EVENTS_LOST: u64. STATS. Those that were not, though somebody listened.
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
#define PINWATCH_MM_F_VETO	(1U << 0) /* it has, or had, a subscription that may sleep */

#endif /* _LINUX_PINWATCH_NETLINK_H */
