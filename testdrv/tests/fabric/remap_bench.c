// SPDX-License-Identifier: MIT
/* What registrations, look-ups and messages cost with each of libfabric's monitors. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remap.h"

#define BENCH_JSON							\
	"{ \"monitor\": \"%s\", \"registrations\": %.0f, \"lookups\": %.0f, "	\
	"\"messages\": %.0f, \"rounds\": %u, \"spread\": %.3f }\n"

#define BENCH_RANGES	128
#define BENCH_REPEATS	2000
#define BENCH_ROUNDS	5

/* The benchmark measures these rates, per second, with each monitor. */
enum { REGISTRATIONS, LOOKUPS, MESSAGES, NR_RATES };

/* Returns the rate for ranges that were never registered before. */
static double bench_registrations(struct endpoint *endpoint)
{
	unsigned char *arena = mmap(NULL, BENCH_RANGES * options.size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	double begin;
	size_t i;

	if (arena == MAP_FAILED)
		err(2, "mmap");
	begin = now();
	for (i = 0; i < BENCH_RANGES; i++)
		endpoint_register(endpoint, arena + i * options.size, options.size);
	return BENCH_RANGES / (now() - begin);
}

/* Returns the rate for one range that was registered before. */
static double bench_lookups(struct endpoint *endpoint, const struct memory *memory)
{
	double begin;
	int i;

	endpoint_register(endpoint, memory->start, memory->size);
	begin = now();
	for (i = 0; i < BENCH_REPEATS; i++)
		endpoint_register(endpoint, memory->start, memory->size);
	return BENCH_REPEATS / (now() - begin);
}

/* The first message connects the endpoints, and is not measured. */
static double bench_messages(struct endpoint *endpoint, struct memory *memory, int channel)
{
	struct result result = { 0 };
	unsigned int message;
	double begin = 0;

	for (message = 1; message <= options.messages; message++) {
		if (message == 2)
			begin = now();
		message_send(endpoint, memory, channel, message, &result);
	}
	if (result.wrong)
		errx(2, "a message was wrong");
	return (options.messages - 1) / (now() - begin);
}

static void bench_run(double *rates)
{
	struct endpoint endpoint;
	struct memory memory;
	pid_t receiver;
	int channel;

	memory_open(&memory, memory_mode_find("keep"), options.size);
	channel = receiver_start(&receiver);
	endpoint_open(&endpoint);
	endpoint_connect(&endpoint, channel);
	rates[MESSAGES] = bench_messages(&endpoint, &memory, channel);
	receiver_stop(channel, receiver);
	rates[REGISTRATIONS] = bench_registrations(&endpoint);
	rates[LOOKUPS] = bench_lookups(&endpoint, &memory);
	endpoint_close(&endpoint);
}

/* One round, in a process of its own: libfabric reads the variable once. */
static void bench_round(const char *monitor, double *rates)
{
	int ends[2], status;
	pid_t pid;

	if (pipe(ends))
		err(2, "pipe");
	pid = fork();
	if (pid == 0) {
		if (strcmp(monitor, "default") != 0)
			setenv("FI_MR_CACHE_MONITOR", monitor, 1);
		else
			unsetenv("FI_MR_CACHE_MONITOR");
		bench_run(rates);
		_exit(write(ends[1], rates, NR_RATES * sizeof(*rates)) < 0);
	}
	close(ends[1]);
	if (read(ends[0], rates, NR_RATES * sizeof(*rates)) != NR_RATES * sizeof(*rates) ||
	    waitpid(pid, &status, 0) != pid || status)
		errx(2, "%s: the round failed", monitor);
	close(ends[0]);
}

static int rate_compare(const void *a, const void *b)
{
	const double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

/* The median of each rate; *@spread: the largest range of a rate, as a part of the median. */
static void bench_medians(double rounds[BENCH_ROUNDS][NR_RATES], double *medians, double *spread)
{
	double sorted[BENCH_ROUNDS], range;
	int rate, i;

	*spread = 0;
	for (rate = 0; rate < NR_RATES; rate++) {
		for (i = 0; i < BENCH_ROUNDS; i++)
			sorted[i] = rounds[i][rate];
		qsort(sorted, BENCH_ROUNDS, sizeof(*sorted), rate_compare);
		medians[rate] = sorted[BENCH_ROUNDS / 2];
		range = (sorted[BENCH_ROUNDS - 1] - sorted[0]) / medians[rate];
		if (range > *spread)
			*spread = range;
	}
}

static void bench_print(const char *monitor, double rounds[BENCH_ROUNDS][NR_RATES])
{
	double medians[NR_RATES], spread;

	bench_medians(rounds, medians, &spread);
	if (options.json)
		printf(BENCH_JSON, monitor, medians[REGISTRATIONS], medians[LOOKUPS],
		       medians[MESSAGES], BENCH_ROUNDS, spread);
	else
		printf("%-12s %15.0f %11.0f %11.0f %6.0f%%\n", monitor, medians[REGISTRATIONS],
		       medians[LOOKUPS], medians[MESSAGES], spread * 100);
}

/* All monitors in turn, so that a change of the machine's speed changes all of them. */
void bench(char **monitors, int nr)
{
	double (*rounds)[BENCH_ROUNDS][NR_RATES] = calloc((size_t)nr, sizeof(*rounds));
	int round, i;

	if (!rounds)
		err(2, "calloc");
	for (round = 0; round < BENCH_ROUNDS; round++)
		for (i = 0; i < nr; i++)
			bench_round(monitors[i], rounds[i][round]);
	if (!options.json)
		printf("%-12s %15s %11s %11s %7s\n", "MONITOR", "REGISTRATIONS/s", "LOOK-UPS/s",
		       "MESSAGES/s", "SPREAD");
	for (i = 0; i < nr; i++)
		bench_print(monitors[i], rounds[i]);
	free(rounds);
}
