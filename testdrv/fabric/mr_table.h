/* SPDX-License-Identifier: MIT */
/*
 * What libpinwatch-mr.so tells pinwatch mr about the registrations of a process
 *
 * A process that registers memory connects to the socket that MR_ENVIRONMENT names, sends a
 * struct mr_hello with two descriptors, and closes the socket. The descriptors are a device,
 * bound to the address space of the process, and a memfd with a struct mr_table. The process
 * keeps the table mapped: it needs no descriptor to tell more, so it may close all of its
 * descriptors, and what it has told outlives exec, _exit() and SIGKILL. The tool holds the
 * device open, so the watches live as long as the address space, and reads the events.
 *
 * The preload writes the table, and the tool only reads it.
 */
#ifndef MR_TABLE_H
#define MR_TABLE_H

#include <stdint.h>

#include <linux/pinwatch.h>

#define MR_ENVIRONMENT	"PINWATCH_MR_SOCKET"
#define MR_VERSION	1U
#define MR_NR_SLOTS	16384U	/* registrations of a process at a time */
#define MR_TEXT		1000	/* bytes of a backtrace */

/*
 * States of a slot: free, busy, registered, and then free again, or ended for good if the
 * pages were exchanged while they were registered.
 */
enum mr_state {
	MR_FREE,	/* events of the slot are of no interest */
	MR_BUSY,	/* a thread is in a registration: keep an event until it is over */
	MR_REGISTERED,
	MR_ENDED,	/* deregistered, after an exchange: the tool deletes the watch */
	MR_LEFT,	/* deregistered without an exchange, but the watch could not be deleted */
};

/*
 * struct mr_slot - a registration
 * @state: enum mr_state. A store with release order publishes the other members.
 * @serial: High half of the cookie of the watch; the low half is the number of the slot. An
 *	event with another serial does not concern the registration.
 * @generation: The generation at which the registration's watch was added. Set in MR_BUSY.
 * @watch: Id of the watch.
 * @tid: Thread that registered.
 * @registered_ns: CLOCK_MONOTONIC of the end of the registration.
 * @ended_ns: CLOCK_MONOTONIC of the begin of the deregistration, in MR_ENDED.
 * @nr_uses: Work requests posted with @lkey after an exchange. Grows until MR_ENDED.
 * @used_ns: CLOCK_MONOTONIC of the first of these, or 0. A store with release order
 *	publishes @used_at.
 * @registered_at: Backtrace of the registration: a line for each frame.
 * @used_at: Backtrace of the first use.
 */
struct mr_slot {
	uint32_t state;
	uint32_t serial;
	uint64_t generation;
	uint64_t addr;
	uint64_t length;
	uint32_t lkey;
	uint32_t rkey;
	uint32_t watch;
	int32_t tid;
	uint64_t registered_ns;
	uint64_t ended_ns;
	uint64_t nr_uses;
	uint64_t used_ns;
	char registered_at[MR_TEXT];
	char used_at[MR_TEXT];
};

/*
 * struct mr_table - the shared memory
 * @nr_registrations: Registrations until now.
 * @nr_unwatched: Registrations that have no watch.
 * @error: Why the first of these has none; an errno, or 0.
 */
struct mr_table {
	uint64_t nr_registrations;
	uint64_t nr_unwatched;
	int32_t error;
	uint32_t reserved;
	struct mr_slot slots[MR_NR_SLOTS];
};

struct mr_hello {
	uint32_t version;	/* MR_VERSION */
	uint32_t size;		/* of struct mr_table */
};

/*
 * Causes that leave registered pages where they are: the kernel refuses to move, merge or
 * reclaim pages that are pinned, after it has invalidated the range. Or the address space
 * goes away, and the registration with it.
 */
#define MR_CAUSES_HARMLESS						\
	(PINWATCH_CAUSE_MPROTECT | PINWATCH_CAUSE_FORK | PINWATCH_CAUSE_NUMA_BALANCE |	\
	 PINWATCH_CAUSE_MIGRATE | PINWATCH_CAUSE_COMPACT | PINWATCH_CAUSE_RECLAIM |	\
	 PINWATCH_CAUSE_WRITEBACK | PINWATCH_CAUSE_KSM | PINWATCH_CAUSE_THP |		\
	 PINWATCH_CAUSE_SOFT_DIRTY | PINWATCH_CAUSE_REAP | PINWATCH_CAUSE_OFFLINE |	\
	 PINWATCH_CAUSE_EXIT | PINWATCH_CAUSE_EXEC)

#endif /* MR_TABLE_H */
