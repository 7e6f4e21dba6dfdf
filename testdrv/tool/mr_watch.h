/* SPDX-License-Identifier: MIT */
/* The verb mr: processes that register memory, and registrations whose pages were exchanged */
#ifndef MR_WATCH_H
#define MR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "libpinwatch.h"
#include "mr_table.h"

/*
 * struct mr_process - an address space that registers memory
 * @dev: Its device; NULL after its end.
 * @table: See mr_table.h. Mapped for reading, until the end of the tool.
 * @held: Events of slots that are in MR_BUSY.
 */
struct mr_process {
	pid_t pid;
	char comm[16];
	struct pinwatch *dev;
	const struct mr_table *table;
	struct pinwatch_event *held;
	size_t nr_held;
	struct mr_process *next;
};

/*
 * struct mr_finding - a registration whose pages were exchanged
 * @event: The first event of an exchange.
 * @nr_hits: Invalidations in all events.
 * @ended: The registration is over, and its watch is deleted.
 * @use_printed: The first use was printed.
 */
struct mr_finding {
	unsigned int number;
	const struct mr_process *process;
	const struct mr_slot *slot;
	struct pinwatch_event event;
	uint64_t nr_hits;
	bool ended;
	bool use_printed;
	struct mr_finding *next;
};

/*
 * struct mr_watch - all processes of a run
 * @socket: Processes connect here.
 * @path: Of the socket.
 * @findings: In the order of their numbers.
 * @error: A negative errno: memory was short, and findings are missing; or 0.
 */
struct mr_watch {
	int socket;
	char path[108];
	bool json;
	FILE *output;
	struct mr_process *processes;
	struct mr_finding *findings;
	unsigned int nr_findings;
	int error;
};

/* Make the socket. Returns 0 or -errno. */
int mr_watch_open(struct mr_watch *watch);
void mr_watch_close(struct mr_watch *watch);

/* Wait for @fd, a process or an event, and handle what there is. Returns 0 or -errno. */
int mr_watch_wait(struct mr_watch *watch, int fd);

/* Handle what there is, without waiting. */
void mr_watch_handle(struct mr_watch *watch);

/* mr_print.c */
void mr_print_finding(struct mr_watch *watch, const struct mr_finding *finding);
void mr_print_use(struct mr_watch *watch, const struct mr_finding *finding);
/* @status: of the program, as waitpid() returned it. */
void mr_print_summary(struct mr_watch *watch, int status);

#endif /* MR_WATCH_H */
