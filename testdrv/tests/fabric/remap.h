/* SPDX-License-Identifier: MIT */
/* A sender and a receiver, which remap.c and remap_bench.c share. */
#ifndef REMAP_H
#define REMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "endpoint.h"
#include "memory.h"

/**
 * struct remap_options - of the command line
 * @messages: Messages for each mode, or for each round of the benchmark.
 * @size: Bytes of a message.
 * @json: Print one JSON object a line.
 */
struct remap_options {
	unsigned int messages;
	size_t size;
	bool json;
};

extern struct remap_options options;

/**
 * struct result - what a sender knows at the end
 * @wrong: Messages with wrong contents.
 * @first: The first of them, or 0.
 * @seconds: Duration of all messages.
 */
struct result {
	unsigned int wrong;
	unsigned int first;
	double seconds;
};

/* Monotonic, in seconds. */
double now(void);

/* Fork a process that receives all messages. Returns the socket to it. */
int receiver_start(pid_t *pid);
void receiver_stop(int channel, pid_t pid);

/* Fill and send one message, and count in @result whether it was wrong. */
void message_send(struct endpoint *endpoint, struct memory *memory, int channel,
		  unsigned int message, struct result *result);

/* Measure each value of FI_MR_CACHE_MONITOR, and print a table. */
void bench(char **monitors, int nr);

#endif /* REMAP_H */
